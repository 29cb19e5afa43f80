#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/*
 * The struct whose member is at pointer. A callback is called with a member,
 * and finds its context this way. A void * would have one value for several
 * callbacks, and each may want another.
 */
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

#endif
