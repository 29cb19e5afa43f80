#ifndef PROBE_WHO_REGISTRY_COUNTS_H
#define PROBE_WHO_REGISTRY_COUNTS_H

#include "group/registry/registry.h"
#include "probe/stats/tally.h"

/* The registry of the port: the names of members, and what they count. */

struct registry_counts {
	struct registry *registry;		/* NULL: there is none */
	uint32_t serial;		/* the steering's, at the start */
	bool counts;			/* --by registry: rows have its counts */
	bool changed;			/* members came or went */
	uint64_t order[REGISTRY_SLOTS];	/* the slot's member, now or before */
	bool here[REGISTRY_SLOTS];		/* is a member now */
	uint64_t before[REGISTRY_SLOTS];	/* accepted before the start */
	uint64_t base[REGISTRY_SLOTS];	/* its row's count at the start */
	int row[REGISTRY_SLOTS];
};

/* Returns the number of members, or -1 if there is no registry. */
int registry_counts_open(struct registry_counts *, bool datagram,
    uint16_t port);
void registry_counts_close(struct registry_counts *);

/* Whether the process of any row is a member on the registry. */
bool registry_counts_has(const struct registry_counts *, const struct tally *);
/* Whether any member is full, so that new connections go around it. */
bool registry_counts_is_full(const struct registry_counts *);
/* How the members steer, and which member asked for it, if known. */
void registry_counts_steering(const struct registry_counts *, char *text,
    size_t room);

/* Names the rows of members, by their pids. */
void registry_counts_name(struct registry_counts *, struct tally *);

/* Makes a row for each member, and counts from now on. */
void registry_counts_begin(struct registry_counts *, struct tally *);
/*
 * Updates the rows' counts, and adds a row for each new member. The weight of a
 * member is 1, of one that left 0. Returns the sum of all counts.
 */
uint64_t registry_counts_follow(struct registry_counts *, struct tally *);
/* The same, at the end; returns whether members came or went meanwhile. */
bool registry_counts_end(struct registry_counts *, struct tally *);
/* The row of a member that left will be reused. */
void registry_counts_forget(struct registry_counts *, int row);

#endif
