#ifndef PROBE_LOAD_RUN_H
#define PROBE_LOAD_RUN_H

#include "net/lookup.h"
#include "probe/load/pace.h"
#include "probe/who/identify.h"
#include "probe/who/registry_counts.h"

/*
 * Attempts at one endpoint, and all that tells who answered them: for who
 * measures something with them. What they found: see result.h.
 */
struct run {
	struct pace pace;
	struct tally tally;
	struct identify *who;		/* NULL: the kernel is not asked */
	struct registry_counts counts;
	struct lookup lookup;		/* answers that are late */
	struct addr fallback;		/* the first address */
	uint16_t port;			/* 0: it has none */
	bool changed;			/* members came or went */
	bool steered;			/* in another way, at the last look */
	/* An address of several did not accept. Or NULL. */
	void (*on_skip)(struct run *, const struct addr *, int error);
	/* It can't go on, and starts no more: see fail_text(). */
	void (*on_fault)(struct run *);
	/* Of each attempt that counts. Or NULL. */
	void (*on_result)(struct run *, const struct attempt_result *);
	/* All attempts are over. */
	void (*on_done)(struct run *);
	void *user;
};

/*
 * Looks the endpoint up, and the port's registry. The callbacks are set, all
 * else is zero; the plan stays the caller's, who closes this even if it is -1.
 */
int run_open(struct run *, const struct plan *, const struct endpoint *);
/* Begins; -1 without memory or descriptors. */
int run_start(struct run *, struct loop *);
/*
 * Looks who is there by now: 1 if others than were, 0 if not or if that can't
 * be known, -1 if nothing can be asked. Who came has a row. With doubt it looks
 * closer.
 */
int run_follow(struct run *, bool doubt);
/* At what, and how who answers is known (NULL: it isn't). */
struct probe_target run_target(const struct run *);
const char *run_by(const struct run *);
/* Whether processes of this host that it meets share one socket. */
bool run_is_shared(const struct run *);
/* Whether an attempt that is in flight means this row. */
bool run_means(const struct run *, int row);
/* Starts no more; what is in flight goes on. */
void run_end(struct run *);
/* The same, and what is in flight has half a second. */
void run_stop(struct run *);
void run_close(struct run *);

#endif
