#ifndef REPORT_GROUP_FLAG_H
#define REPORT_GROUP_FLAG_H

#include <stddef.h>

/* What may be wrong with a group or a member, as one word. */

enum group_flag {
	GROUP_STUCK, GROUP_FULL, GROUP_NOT_LISTENING, GROUP_SHADOWED,
	GROUP_ONE_SOCKET, GROUP_HIJACKABLE, GROUP_QUARANTINED,
	GROUP_STEERED, GROUP_SILENT,
	GROUP_FLAGS,
};

/* Names until NULL. */
struct group_flags {
	const char *names[GROUP_FLAGS + 1];
};

void group_flag_set(struct group_flags *, enum group_flag);
void group_flags_add(struct group_flags *, const struct group_flags *more);

const char *group_flag_name(enum group_flag);
/* What it means, in a few words; NULL: each report says that itself. */
const char *group_flag_meaning(enum group_flag);
/* The same for any number, for completion; NULL: there are no more. */
enum { GROUP_FLAG_WORD = 32 };
const char *group_flag_word(int i, char word[static GROUP_FLAG_WORD]);
/* The flag of this name, in capitals or not; -1: there is none. */
int group_flag_find(const char *name, size_t length);

#endif
