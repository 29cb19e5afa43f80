#ifndef GROUP_REPLACE_H
#define GROUP_REPLACE_H

#include "group/registry/registry.h"

/*
 * The slot of the living member with that name or pid: a process, or a parent
 * of workers. -1: a usage fault that lists the members.
 */
int replace_find(struct registry *, const char *text);

/* Asks the process of that slot to leave the group for good, and wakes it. */
void replace_request(struct registry *, int slot);

#endif
