#ifndef PROBE_PREDICT_H
#define PROBE_PREDICT_H

#include "net/diag.h"
#include "probe/plan.h"
#include "probe/ports.h"

/* Which listener the kernel's hash would choose for a connection to a target. */
struct predict {
	struct diag *diag;
	const struct plan *plan;
	int protocol;
	struct addr target, source;	/* source: where we would come from */
	struct ports ports;
	struct addr begun;		/* the first that has the port */
	uint16_t port;			/* 0: the next one */
	int tired;			/* attempts that don't look for one */
};

/* The rest is zero. */
void predict_init(struct predict *, struct diag *, const struct plan *);
void predict_aim(struct predict *, const struct addr *target);

/* See identify_predict(). */
uint64_t predict(struct predict *, int fd, struct addr *ours);

#endif
