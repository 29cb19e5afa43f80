#ifndef CMD_PROBE_PLAN_H
#define CMD_PROBE_PLAN_H

#include <regex.h>

#include "app/settings.h"
#include "group/steer/reconcile.h"
#include "net/sources.h"
#include "probe/load/plan.h"

/* A probe's plan, and what it points to. */
struct probe_plan {
	struct plan plan;
	regex_t expect, match;
	bool has_expect, has_match;
	char *send;
	struct steering weights;	/* --expect-weights; count 0: none */
	struct sources sources;
	double uneven;			/* --fail-uneven=P, or 0 */
};

/* Checks and reads the options; -1: usage. Looks nothing up. */
int probe_plan_make(struct probe_plan *, const struct settings *,
    const struct endpoint *);
/* Reads the P of --fail-uneven=P, if there is one; -1: usage. */
int probe_uneven(const char *text, double *p);
/* Reads --rate, if it is given; -1: usage. */
int probe_rate(double *rate, const char *text);
/* Takes the addresses of -s, if it is given; -1: fault. */
int probe_source(struct sources *, const struct settings *);
/* Reads --sources and --sport, if they are given; -1: fault. */
int probe_sources(struct sources *, const struct settings *);
void probe_plan_free(struct probe_plan *);

/*
 * An attempt takes a descriptor: no more of them at a time than there are,
 * and it is said. -1 where there is none.
 */
struct app;
int probe_plan_fit(struct app *, int *concurrency);

#endif
