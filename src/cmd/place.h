#ifndef CMD_PLACE_H
#define CMD_PLACE_H

#include "cmd/desk.h"
#include "group/board.h"
#include "net/local.h"

/* Where a server listens, and its slot on the board of that port. */
struct place {
	struct sock_set set;
	struct board *board;
	int slot;
	char name[BOARD_NAME];
	bool named;			/* by the user or the board */
	struct local_name local;	/* to remove at the end */
	pid_t owner;			/* who removes it */
	char notice[600];		/* why there is no board, or "" */
	const struct settings *settings;
};

/* What a server can't be asked for; -1: usage. */
int place_check(const struct settings *, const struct endpoint *e);

/*
 * Opens the sockets of e and takes a slot of that kind (-r: on the board of
 * the port; else, or where there can be no board, a private one).
 */
int place_open(struct place *, const struct settings *,
    const struct endpoint *e, enum slot_kind kind);
struct slot *place_slot(struct place *);
/* The listening events; own: how many members this process has. */
void place_tell(struct place *, struct desk *, int own);
/* Closes the board and removes a Unix socket's name; not the sockets. */
void place_close(struct place *);

/* What the sockets of a place are opened with. */
struct sock_options place_options(const struct settings *);

#endif
