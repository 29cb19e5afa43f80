#ifndef GROUP_BOARD_H
#define GROUP_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the members of one port meet: slots in a file that only their user
 * can open (file.h). A slot belongs to a process for as long as it holds a
 * lock on the slot's byte. Names and pids change under the mutex; counters
 * are written by their one owner and read by all, without a lock. A slot
 * whose owner is gone keeps its name and counts until room is needed.
 */

enum {
	BOARD_SLOTS = 256,
	BOARD_NAME = 24,		/* "ABCDEFGHIJKLMNOP/1023" */
	BOARD_SOCKETS = 8,
	NAME_MAX_LENGTH = 16,
};

enum slot_kind {
	SLOT_FREE,
	SLOT_MEMBER,		/* a process that accepts */
	SLOT_PARENT,		/* keeps a name for its workers */
};

enum slot_state {
	STATE_RUNNING,
	STATE_PAUSED,		/* accepts nothing, by /pause */
	STATE_STOPPED,		/* by ^Z */
	STATE_AWAY,		/* its sockets are closed, it goes on: /leave */
	STATE_LEFT,		/* orderly; a slot that died says otherwise */
};

struct slot {
	uint32_t kind, state;
	int32_t pid, parent;
	char name[BOARD_NAME];
	int64_t joined;			/* CLOCK_REALTIME, microseconds */
	uint64_t order;			/* counts up with every claim; never 0 */
	uint64_t inodes[BOARD_SOCKETS];	/* its listening sockets */
	struct counters {
		uint64_t accepted, closed, in, out;
	} counters __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct board;

/*
 * Opens the board of a port of this user in this network namespace; NULL
 * with a fault that says why there can be none. board_private() gives one
 * that only this process and its children see, to count on; board_look()
 * opens one that is there, to read.
 */
struct board *board_open(bool datagram, uint16_t port);
struct board *board_private(void);
struct board *board_look(bool datagram, uint16_t port);
bool board_is_private(const struct board *);
/* See file_watch(). */
int board_watch(const struct board *, int inotify, uint32_t events);

/* After fork(2): locks are then taken through a descriptor of its own. */
void board_reopen(struct board *);
/* Gives back the slots that were claimed, and the file if nobody is left. */
void board_close(struct board *);

/*
 * Takes a slot under a name, or under the first letter that no slot has
 * (NULL). A dead slot of the same parent and name is taken over with its
 * counts. Returns its index, or -1: a usage fault where the name is taken.
 */
int board_claim(struct board *, enum slot_kind, const char *name,
    pid_t parent);
/* Changes what the others see of a slot of ours, and wakes them. */
void board_set_state(struct board *, int index, enum slot_state);
void board_set_sockets(struct board *, int index, const int *fds, int count);

/*
 * One member leaves at a time, and a group's program is changed only by who
 * has this: 0, or -1 if somebody has it. board_leave_end() wakes all.
 */
int board_leave_begin(struct board *);
void board_leave_end(struct board *);
/*
 * A leaver tells that it will attach programs. Until it has left or died
 * they are its own; then each member takes away those of its own groups,
 * which need not be the groups of the next one: 0 from board_mend_begin() if
 * there may be some, and then board_mend_end().
 */
void board_steer(struct board *);
bool board_unmended(const struct board *);
int board_mend_begin(struct board *);
void board_mend_end(struct board *);

struct slot *board_slot(struct board *, int index);
bool board_alive(struct board *, int index);
/* A living member with sockets. */
bool board_is_member(struct board *, int index);
/* Whether a living member has the listening socket of this inode. */
bool board_has_socket(struct board *, uint64_t inode);
/* The slot of that name and parent, dead or alive, or -1. */
int board_find(struct board *, const char *name, pid_t parent);

/* [A-Za-z][A-Za-z0-9_.-]{0,15} */
bool name_valid(const char *name);

#endif
