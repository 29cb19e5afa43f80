#include "report/group_flag.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *meaning;
} flag_types[GROUP_FLAGS] = {
	[GROUP_STUCK] = { "STUCK", "clients wait, and none is accepted" },
	[GROUP_FULL] = { "FULL", "the queue is over its limit: what comes is "
	    "dropped" },
	[GROUP_NOT_LISTENING] = { "NOT-LISTENING", "bound, gets nothing "
	    "before it listens" },
	[GROUP_SHADOWED] = { "SHADOWED", NULL },
	[GROUP_ONE_SOCKET] = { "ONE-SOCKET", "many processes, one queue: no "
	    "reuseport here" },
	[GROUP_HIJACKABLE] = { "HIJACKABLE", "SO_REUSEADDR: any user may bind "
	    "here too, and gets all" },
	[GROUP_QUARANTINED] = { "QUARANTINED", "new ones go to others, as a "
	    "quarantine asks" },
	[GROUP_STEERED] = { "STEERED", "a program chooses the member, not the "
	    "kernel's hash" },
	[GROUP_SILENT] = { "SILENT", "it answered nothing of what was for it" },
};

static void
flag_add(struct group_flags *f, const char *name)
{
	for (int i = 0; i < GROUP_FLAGS; i++) {
		if (f->names[i] == name)
			return;
		if (!f->names[i]) {
			f->names[i] = name;
			return;
		}
	}
}

void
group_flag_set(struct group_flags *f, enum group_flag flag)
{
	flag_add(f, flag_types[flag].name);
}

void
group_flags_add(struct group_flags *f, const struct group_flags *more)
{
	for (int i = 0; more->names[i]; i++)
		flag_add(f, more->names[i]);
}

const char *
group_flag_name(enum group_flag flag)
{
	return flag_types[flag].name;
}

const char *
group_flag_word(int i, char word[static GROUP_FLAG_WORD])
{
	if (i >= GROUP_FLAGS)
		return NULL;
	snprintf(word, GROUP_FLAG_WORD, "%s", flag_types[i].name);
	return word;
}

const char *
group_flag_meaning(enum group_flag flag)
{
	return flag_types[flag].meaning;
}

int
group_flag_find(const char *name, size_t length)
{
	for (int i = 0; i < GROUP_FLAGS; i++)
		if (strlen(flag_types[i].name) == length &&
		    strncasecmp(flag_types[i].name, name, length) == 0)
			return i;
	return -1;
}
