#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/*
 * The struct that has the one at pointer as its member. A callback finds its
 * context this way, from the struct that it is called with: a void * beside
 * several callbacks has one value, and each callback may want another.
 */
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

#endif
