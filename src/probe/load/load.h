#ifndef PROBE_LOAD_LOAD_H
#define PROBE_LOAD_LOAD_H

#include "base/clock.h"
#include "group/reach/reach.h"
#include "net/lookup.h"
#include "probe/load/attempt.h"
#include "probe/load/schedule.h"
#include "probe/who/identify.h"
#include "probe/who/registry_counts.h"

/*
 * Attempts at one given member, or at each listening socket: see load_reach.c.
 * Zero it to begin.
 */
struct load_reach {
	bool wanted;			/* the plan asks for it */
	enum reach_how how;
	uint64_t missed;		/* attempts that came elsewhere */
	bool steered;			/* the hash does not choose */
	bool guessed;			/* why: not if members came or went */
	bool passing;			/* rpnc's program may soon be gone */
	const char *why;		/* ports are of no use; or NULL */
	/* load_reach.c's. */
	struct sockinfo sockinfo;
	struct registry *registry;
	struct port_group group;
	struct port_plan ports;
	struct reach_count {		/* of the socket of that index */
		int64_t attempts, answered;
	} *counts;
	uint64_t hits;
	int misses;			/* in a row */
	int64_t aimed;			/* clock_ns() */
	bool over;			/* it is given up */
	bool absent;			/* no socket there is the member's */
	uint64_t unseen;		/* hits known by the prediction alone */
	bool shared;			/* the member shares its sockets */
	int sharers;			/* of one socket, at most */
};

/*
 * The attempts that a plan asks for at one endpoint, while they run, and what
 * tells which member answers them: see load.c. Its results: see result.h.
 */
struct load {
	/* The caller's callbacks; on_skip and on_result may be NULL. */
	/* One of several addresses did not accept. */
	void (*on_skip)(struct load *, const char *address, const char *why);
	/* It can't go on, and starts no more: see fail_text(). */
	void (*on_fault)(struct load *);
	/* An attempt has ended, and the tally has counted it. */
	void (*on_result)(struct load *, const struct attempt_result *);
	/* All attempts are over. */
	void (*on_done)(struct load *);

	/* For others to read. */
	const struct plan *plan;
	struct tally tally;
	struct attempt_shared shared;
	struct schedule schedule;
	int in_flight;
	int64_t ended;			/* clock_ns(); 0: not yet */
	struct clock_error clock_error;	/* at the start, before the sandbox */
	bool clock_known;
	struct identify *identify;	/* NULL: the kernel is not asked */
	struct registry_counts counts;
	struct load_reach reach;	/* given members */
	uint16_t port;			/* 0: it has none */
	char proxies[PROXIES_TEXT];	/* the URLs of the plan's, or "" */
	bool changed;			/* members came or went */
	bool steered;			/* the last look saw new steering */

	/* The scout's: it finds the address. */
	struct lookup lookup;		/* answers that are late */
	struct addr_list addresses;	/* the server's, or the first proxy's */
	struct proxy_route route;	/* behind each of these */
	int address;			/* index of the one that is tried */
	struct attempt_result refusal;	/* the result of the first address */
	int64_t try_us;			/* limit of one address */
	bool silent;			/* one did not answer in this round */
	int64_t retry;			/* --wait: pause between rounds, ns */
	int rounds;			/* of them that failed */

	/* The attempts. */
	struct attempt *attempts, *idle;
	int used;			/* how many of them were ever started */
	int turn;			/* the one that is ticked next */
	bool filling;			/* load_fill() is on the stack */
	struct source clock;		/* a timerfd */
	int64_t armed;			/* it fires then, clock_ns(); 0: never */
	struct timer grace;		/* for what load_stop() finds in flight */
};

/*
 * Looks the endpoint up, and the port's registry. The callbacks are set, all
 * else is zero. The plan must outlive the load. The caller calls load_close()
 * even after a failure.
 */
int load_open(struct load *, const struct plan *, const struct endpoint *);
/* Begins; -1 without memory or descriptors. */
int load_start(struct load *, struct loop *);
/* Starts no more attempts; those in flight go on. */
void load_end(struct load *);
/* The same, but those in flight have only half a second. */
void load_stop(struct load *);
void load_close(struct load *);

/*
 * Looks for members that came or went, and adds rows for new ones. Returns 1 if
 * there were any or if the steering changed, 0 if not or if that is unknown, -1
 * if nothing can be asked. doubt: also look for processes that came to hold the
 * same sockets.
 */
int load_follow(struct load *, bool doubt);

/* The target of the attempts, and the way members are known (NULL: none). */
struct probe_target load_target(const struct load *);
/* Gives the rows of members their names: of the registry as it was, and is. */
void load_name_members(struct load *);
const char *load_by(const struct load *);
/* Whether several processes of this host accept from one socket there. */
bool load_is_shared(const struct load *);

/* Whether the result of an attempt in flight may refer to this row. */
bool load_refers_to(const struct load *, int row);

#endif
