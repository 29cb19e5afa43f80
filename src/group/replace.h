#ifndef GROUP_REPLACE_H
#define GROUP_REPLACE_H

#include "group/registry/registry.h"

/*
 * The slot of the living member with that name or pid: a process, or a parent
 * of workers. -1: a usage fault that lists the members.
 */
int replace_find(struct registry *, const char *text);

/*
 * The name of a member that is replaced can go to the new one at once: the old
 * one is D.old from then on, or D.old2, so that each name is one member's. Its
 * workers D/0, D/1 are D.old/0, D.old/1.
 *
 * Whether `text` means the member with this name.
 */
bool replace_is_name(struct registry *, const char *text, const char *name);
/*
 * Frees the name, if `text` means the member with it, for this process to claim.
 * The caller has registry_open()'s mutex.
 */
void replace_take_name(struct registry *, const char *text, const char *name);
/*
 * Gives a member its name back, if the process that took it has ended before it
 * asked this one to leave. If another member has the name by now, this one keeps
 * the name that it has.
 */
void replace_give_back(struct registry *, struct slot *, const char *name);
/* The slot whose name this member, or its parent, has taken; NULL: none. */
const struct slot *replace_taken_from(struct registry *, const struct slot *);

/* Asks the process of that slot to leave the group for good, and wakes it. */
void replace_request(struct registry *, int slot);

#endif
