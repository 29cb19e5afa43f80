#ifndef GROUP_REGISTRY_SIGBUS_H
#define GROUP_REGISTRY_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A mapped file that another process cuts short is SIGBUS for all who look
 * beyond its end. What is guarded becomes zeros then, of this process's own,
 * and is lost to the others.
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
