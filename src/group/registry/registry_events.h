#ifndef GROUP_REGISTRY_REGISTRY_EVENTS_H
#define GROUP_REGISTRY_REGISTRY_EVENTS_H

#include "base/loop.h"
#include "group/registry/registry.h"

/*
 * Reports members that come, go or change, by inotify(7) on the registry's
 * file: a claim and a change write its notify byte, and a process that ends
 * closes it. If the kernel grants no inotify, the registry is read once a
 * second.
 */
struct registry_events;

struct registry_events_ops {		/* any may be NULL */
	/* The registry was woken, for any reason; called before the others. */
	void (*on_wake)(struct registry_events *);
	void (*on_join)(struct registry_events *, const struct slot *);
	/* The slot is dead; its state says whether it left or died. */
	void (*on_leave)(struct registry_events *, const struct slot *);
	void (*on_state)(struct registry_events *, const struct slot *);
	void (*on_steering)(struct registry_events *, const struct steering *);
	/* A request about a target begins or ends. */
	void (*on_request)(struct registry_events *, const struct slot *);
	void (*on_request_end)(struct registry_events *, const struct slot *);
};

struct registry_events {
	struct source source;
	struct timer again;
	struct loop *loop;
	struct registry *registry;
	const struct registry_events_ops *ops;
	void *user;
	bool quiet, settled;
	uint32_t serial;		/* the last steering's */
	struct slot seen[REGISTRY_SLOTS]; /* order 0: the slot was empty */
};

/* Does not report the members that are already there. */
int registry_events_open(struct registry_events *, struct loop *,
    struct registry *);
void registry_events_close(struct registry_events *);

#endif
