#ifndef CMD_PROBE_PLAN_H
#define CMD_PROBE_PLAN_H

#include <regex.h>

#include "app/settings.h"
#include "group/reach/member_choice.h"
#include "group/steer/reconcile.h"
#include "net/proxy_hop.h"
#include "net/sources.h"
#include "probe/load/plan.h"
#include "tls/context.h"

/* The options of a probe as a plan, with what the plan points to. */
struct probe_plan {
	struct plan plan;
	regex_t expect, match;
	bool has_expect, has_match;
	char *send;
	struct steering weights;	/* --expect-weights; count 0: none */
	struct sources sources;
	struct proxy_chain proxies;
	struct tls_context tls;
	struct member_choice to;	/* --to */
	double uneven;			/* --fail-uneven=P, or 0 */
	unsigned fail_flags;		/* bits of enum group_flag */
};

/* Reads and checks the options; -1: usage. It asks no name server. */
int probe_plan_make(struct probe_plan *, const struct settings *,
    const struct endpoint *);
/* Reads the P of --fail-uneven=P, if there is one; -1: usage. */
int probe_uneven(const char *text, double *p);
/* Reads --rate, if it is given; -1: usage. */
int probe_rate(double *rate, const char *text);
/* Looks up the address of -s, if it is given; -1: fault. */
int probe_source(struct sources *, const struct settings *);
/* Reads --sources and --sport, if they are given; -1: fault. */
int probe_sources(struct sources *, const struct settings *);
void probe_plan_free(struct probe_plan *);

/*
 * An attempt needs a descriptor: lowers concurrency to what the limit allows,
 * with a notice. -1: the limit allows none.
 */
struct app;
int probe_plan_fit(struct app *, int *concurrency);

#endif
