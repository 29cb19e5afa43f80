#ifndef GROUP_REPLACE_H
#define GROUP_REPLACE_H

#include "group/registry/registry.h"

/*
 * The slot of the living member that a name or a pid stands for, of one
 * process or a parent of workers; -1: a usage fault that says who is there.
 */
int replace_find(struct registry *, const char *text);

/* Wishes that its process leaves the group for good, and wakes it. */
void replace_wish(struct registry *, int slot);

#endif
