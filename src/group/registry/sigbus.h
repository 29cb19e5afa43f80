#ifndef GROUP_REGISTRY_SIGBUS_H
#define GROUP_REGISTRY_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * If another process cuts a mapped file short, access beyond its end is SIGBUS.
 * A guarded mapping then becomes private zeros of this process; the others no
 * longer see it.
 */
struct sigbus_guard {
	void *at;
	size_t size;
	volatile bool lost;
	struct sigbus_guard *next;
};

/* From now on, with at and size filled in. */
void sigbus_guard_add(struct sigbus_guard *);
/* Before it is unmapped. */
void sigbus_guard_remove(struct sigbus_guard *);

#endif
