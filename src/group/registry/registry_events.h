#ifndef GROUP_REGISTRY_REGISTRY_EVENTS_H
#define GROUP_REGISTRY_REGISTRY_EVENTS_H

#include "base/loop.h"
#include "group/registry/registry.h"

/*
 * Tells who came, went or changed on a registry: inotify(7) on its file. A
 * claim and a change ring the file's bell, and a death closes it. Where the
 * kernel grants no inotify, the registry is read once a second.
 */
struct registry_events;

struct registry_events_ops {		/* any may be NULL */
	/* The registry was woken, whatever for; before the others. */
	void (*on_wake)(struct registry_events *);
	void (*on_join)(struct registry_events *, const struct slot *);
	/* What is left of the slot: its state says how it went. */
	void (*on_leave)(struct registry_events *, const struct slot *);
	void (*on_state)(struct registry_events *, const struct slot *);
	void (*on_steering)(struct registry_events *, const struct steering *);
	/* A guest wishes something of its target, or no longer. */
	void (*on_wish)(struct registry_events *, const struct slot *);
	void (*on_wish_end)(struct registry_events *, const struct slot *);
};

struct registry_events {
	struct source source;
	struct timer again;
	struct loop *loop;
	struct registry *registry;
	const struct registry_events_ops *ops;
	void *user;
	bool quiet, settled;
	uint32_t serial;		/* of the steering that was seen */
	struct slot seen[REGISTRY_SLOTS]; /* order 0: no member was here */
};

/* What is on the registry now is seen without a word. */
int registry_events_open(struct registry_events *, struct loop *,
    struct registry *);
void registry_events_close(struct registry_events *);

#endif
