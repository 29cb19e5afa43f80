#ifndef GROUP_REACH_GREETING_H
#define GROUP_REACH_GREETING_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The line that a server with an identity sends first:
 * "rpnc/1 name=A host=H pid=123 worker=0". A stranger may have written it.
 */
enum { GREETING_NAME = 64 + 1 };

struct greeting_words {
	char name[GREETING_NAME], host[GREETING_NAME];	/* "": none */
	pid_t pid;			/* 0: none */
	int worker;			/* -1: none */
};

/* -1: it has neither a name nor a pid. */
int greeting_read(struct greeting_words *, const char *line, size_t length);

/* Copies a name, which may be cut, and which keeps no zero byte. */
void greeting_name(char room[static GREETING_NAME], const char *text,
    size_t length);

#endif
