#ifndef GROUP_BOARD_H
#define GROUP_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where the members of one port meet: a shared file that only their user can
 * open (ARCHITECTURE). A slot belongs to a process for as long as it holds
 * an open-file-description lock on the slot's byte, which the kernel drops
 * however the process ends. Names and pids change under the mutex byte;
 * counters are written by their one owner and read by all, without a lock.
 */

enum {
	BOARD_SLOTS = 256,
	BOARD_NAME = 24,		/* "ABCDEFGHIJKLMNOP/1023" */
	NAME_MAX_LENGTH = 16,
};

enum slot_kind {
	SLOT_FREE,
	SLOT_MEMBER,		/* a process that accepts */
	SLOT_PARENT,		/* keeps a name for its workers */
};

struct slot {
	uint32_t kind;
	int32_t pid, parent;
	char name[BOARD_NAME];
	int64_t joined;			/* event_now() */
	uint64_t order;			/* counts up with every claim */
	struct counters {
		uint64_t accepted, closed, in, out, cpu;	/* cpu: us */
	} counters __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct board;

/*
 * Opens the board of a port of this user in this network namespace; NULL
 * with a fault that says why there can be none. board_private() gives one
 * that only this process and its children see, to count on.
 */
struct board *board_open(bool datagram, uint16_t port);
struct board *board_private(void);
bool board_is_private(const struct board *);

/* After fork(2): locks are then taken through a descriptor of its own. */
int board_reopen(struct board *);
/* Gives back the slots that were claimed, and the file if nobody is left. */
void board_close(struct board *);

/*
 * Takes a slot under a name, or under the first free letter (NULL). A dead
 * slot of the same parent and name is taken over with its counts. Returns
 * its index, or -1: a usage fault where the name is taken.
 */
int board_claim(struct board *, enum slot_kind, const char *name,
    pid_t parent);

struct slot *board_slot(struct board *, int index);
bool board_alive(struct board *, int index);
/* The slot of that name and parent, dead or alive, or -1. */
int board_find(struct board *, const char *name, pid_t parent);
/* Members that live; place: which of them index is, from 1. */
int board_members(struct board *, int index, int *place);

/* [A-Za-z][A-Za-z0-9_.-]{0,15} */
bool name_valid(const char *name);

#endif
