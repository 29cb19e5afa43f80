#ifndef PROBE_WHO_REGISTRY_COUNTS_H
#define PROBE_WHO_REGISTRY_COUNTS_H

#include "group/registry/registry.h"
#include "probe/stats/tally.h"

/* The registry of the port that is probed: names, and what members count. */

struct registry_counts {
	struct registry *registry;		/* NULL: there is none */
	uint32_t serial;		/* of the steering at the beginning */
	bool counts;			/* rows are the registry's: --by registry */
	bool changed;			/* members came or went */
	uint64_t order[REGISTRY_SLOTS];	/* of who is, or was, a member */
	bool here[REGISTRY_SLOTS];		/* it is */
	uint64_t before[REGISTRY_SLOTS];	/* what it had accepted */
	uint64_t base[REGISTRY_SLOTS];	/* and its row had already */
	int row[REGISTRY_SLOTS];
};

/* Returns how many members there are, or -1 where there is no registry. */
int registry_counts_open(struct registry_counts *, bool datagram,
    uint16_t port);
void registry_counts_close(struct registry_counts *);

/* Whether the process of a row is a member on the registry. */
bool registry_counts_has(const struct registry_counts *, const struct tally *);
/* Whether any member is full, so that new connections go around it. */
bool registry_counts_is_full(const struct registry_counts *);
/* How the members steer, and which member asked for it, if known. */
void registry_counts_steering(const struct registry_counts *, char *text,
    size_t room);

/* Gives the rows of members the names that the registry has for their pids. */
void registry_counts_name(struct registry_counts *, struct tally *);

/* Makes a row of each member. */
void registry_counts_begin(struct registry_counts *, struct tally *);
/*
 * Fills the rows in, with one for each who came, whose weights are 1, and 0 of
 * who left. Returns what they accepted since the beginning, altogether.
 */
uint64_t registry_counts_follow(struct registry_counts *, struct tally *);
/* The same, at the end; returns whether members came or went meanwhile. */
bool registry_counts_end(struct registry_counts *, struct tally *);
/* The row of who left will be another's. */
void registry_counts_forget(struct registry_counts *, int row);

#endif
