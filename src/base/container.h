#ifndef BASE_CONTAINER_H
#define BASE_CONTAINER_H

#include <stddef.h>

/*
 * The struct that has this member at pointer. A callback is called with a
 * member, and finds its context this way. One void * could not serve several
 * callbacks that need different contexts. The compiler warns if the member has
 * another type than what pointer points to. The second operand is not
 * evaluated.
 */
#define container_of(pointer, type, member) \
	((type *)((char *)(1 ? (pointer) : &((type *)NULL)->member) - \
	    offsetof(type, member)))

#endif
