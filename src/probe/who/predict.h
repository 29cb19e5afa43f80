#ifndef PROBE_WHO_PREDICT_H
#define PROBE_WHO_PREDICT_H

#include "kernel/sock_diag.h"
#include "probe/who/ephemeral_ports.h"

struct sources;

/* How the connections are made, whose listener is asked for. */
struct origin {
	bool datagram;
	bool paced;			/* so many a second: asking must not slow it */
	const char *interface;		/* SO_BINDTODEVICE, or NULL */
	struct sources *sources;	/* addresses to come from, or NULL */
};

/*
 * Which listener the kernel's hash would choose for a connection to a target.
 */
struct predict_listener {
	struct sock_diag *diag;
	struct origin from;
	int protocol;
	struct addr target, source;	/* source: where we would come from */
	struct ephemeral_ports ports;
	struct addr begun;		/* the first that has the port */
	uint16_t port;			/* 0: the next one */
	int tired;			/* attempts that don't look for one */
};

/* The rest is zero. */
void predict_init(struct predict_listener *, struct sock_diag *,
    const struct origin *);
void predict_aim(struct predict_listener *, const struct addr *target);

/* See identify_predict(). */
uint64_t predict_listener(struct predict_listener *, int fd, struct addr *ours);

#endif
