/*
 * The drops that members' tests caused (member_index.c), so that no member is
 * blamed for them. A member's slot has those of its sockets; those of a foreign
 * member's sockets are in the shared data.
 */
#include <stddef.h>

#include "group/registry/registry.h"

/* The count of a socket's tests; NULL: it has none yet. */
static uint32_t *
tests_find(struct registry *r, uint64_t inode, uint64_t cookie)
{
	struct foreign_tests *all = registry_shared(r)->tests;
	int socket, slot = registry_find_socket(r, inode, &socket);

	if (slot >= 0)
		return &registry_slot(r, slot)->tests[socket];
	for (int i = 0; i < SHARED_TESTS; i++)
		if (all[i].cookie == cookie)
			return &all[i].drops;
	return NULL;
}

/* If the room is used up, the oldest one is forgotten. */
static uint32_t *
tests_add(struct registry *r, uint64_t cookie)
{
	struct shared *shared = registry_shared(r);
	struct foreign_tests *new =
	    &shared->tests[shared->next_test++ % SHARED_TESTS];

	*new = (struct foreign_tests){ .cookie = cookie };
	return &new->drops;
}

void
registry_forgive(struct registry *r, uint64_t inode, uint64_t cookie,
    uint32_t drops)
{
	uint32_t *tests = tests_find(r, inode, cookie);

	if (!drops)
		return;
	*(tests ? tests : tests_add(r, cookie)) += drops;
}

uint32_t
registry_drops(struct registry *r, uint64_t inode, uint64_t cookie,
    uint64_t drops)
{
	const uint32_t *tests = r ? tests_find(r, inode, cookie) : NULL;
	uint32_t rest = (uint32_t)drops - (tests ? *tests : 0);

	return rest > INT32_MAX ? 0 : rest;
}
