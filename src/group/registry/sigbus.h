#ifndef GROUP_REGISTRY_SIGBUS_H
#define GROUP_REGISTRY_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * If another process cuts a mapped file short, access beyond its end is SIGBUS.
 * A guarded mapping then becomes private memory of zeros: this process goes on,
 * and shares nothing any more.
 */
struct sigbus_guard {
	void *at;
	size_t size;
	volatile bool lost;
	struct sigbus_guard *next;
};

/* Guards a mapping; the caller has filled in at and size. */
void sigbus_guard_add(struct sigbus_guard *);
/* Ends that; call it before munmap(2). */
void sigbus_guard_remove(struct sigbus_guard *);

#endif
