#ifndef SERVE_ADMISSION_H
#define SERVE_ADMISSION_H

#include "net/access.h"
#include "net/conn.h"

/*
 * Which clients a server admits: by their address, by their user on a Unix
 * socket, and by how many connections their source has already. All zero:
 * everybody. admission.c says what a source is.
 */
struct source_count;
struct admission {
	struct access access;
	uid_t *users;			/* of Unix sockets */
	int user_count;			/* 0: each */
	unsigned per_source;		/* most connections; 0: no limit */
	struct source_count *sources;	/* uthash, of the open connections */
};

/* Adds a list of users, names or numbers; -1: usage. */
int admission_add_users(struct admission *, const char *list);
/* Whether somebody may be denied. */
bool admission_is_on(const struct admission *);
/* Whether c, just accepted, may be served. -1: fail_text() says why not. */
int admission_judge(struct admission *, const struct conn *c);
/* The same for the sender of a datagram. */
int admission_judge_address(struct admission *, const struct addr *);
/* Counts c for its source, until admission_left(). -1: no memory. */
int admission_enter(struct admission *, struct conn *c);
/* A connection with that c->counted closes; NULL: it was not counted. */
void admission_left(struct admission *, struct source_count *);
void admission_free(struct admission *);

#endif
