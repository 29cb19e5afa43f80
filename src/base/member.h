#ifndef BASE_MEMBER_H
#define BASE_MEMBER_H

#include <stdint.h>

/*
 * Tells which member of a group is meant. The texts belong to somebody else,
 * and may have any bytes; NULL or -1: not known, or it has none.
 */
struct member {
	const char *name, *host, *command;
	int64_t pid, worker;
	int64_t uid;
};

enum { MEMBER_NAME_TEXT = 96 };

/* "A", or "A/1" for a worker; unnamed if it has no name. */
const char *member_name_text(const struct member *, const char *unnamed,
    char text[static MEMBER_NAME_TEXT]);

#endif
