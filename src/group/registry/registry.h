#ifndef GROUP_REGISTRY_REGISTRY_H
#define GROUP_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The members of one port meet in the registry: slots in a file that only their
 * user can open (registry_file.h). A process owns a slot while it holds a lock
 * on the slot's byte. Names and pids change under the mutex. Only the owner
 * writes a slot's counters; all read them, without a lock. When its owner has
 * ended, a slot keeps its name and counts until a new one needs the room.
 */

enum {
	REGISTRY_SLOTS = 256,
	REGISTRY_NAME = 24,		/* "ABCDEFGHIJKLMNOP/1023" */
	REGISTRY_SOCKETS = 8,
	NAME_MAX_LENGTH = 16,
	WEIGHT_DEFAULT = 100,
	WEIGHT_MAX = 1000,
	PROGRAM_DIRTY = 1,		/* see reconcile.c */
};

enum slot_kind {
	SLOT_FREE,
	SLOT_MEMBER,		/* a process that accepts */
	SLOT_PARENT,		/* keeps a name for its workers */
	SLOT_REQUEST,		/* asks for something: spare_request.h */
};

enum slot_state {
	STATE_RUNNING,
	STATE_FULL,		/* -m: new connections are steered around it */
	STATE_PAUSED,		/* accepts nothing, by /pause */
	STATE_STOPPED,		/* by ^Z */
	STATE_AWAY,		/* its sockets are closed, it goes on: /leave */
	STATE_LEFT,		/* in order; a slot that died has another */
};
const char *state_name(uint32_t state);	/* NULL: no such state */

struct slot {
	uint32_t kind, state;
	uint64_t process, parent;	/* cookies: process_id.h; parent or 0 */
	uint64_t pid_namespace;		/* the one of its pids: slot_pid() */
	int32_t raw_pid;
	char name[REGISTRY_NAME];
	int64_t joined;			/* CLOCK_REALTIME, microseconds */
	uint64_t order;			/* counts up with every claim; never 0 */
	uint32_t weight;		/* --weight; see reconcile.h */
	uint32_t leaving;	/* its leave is under way; it was padding, 0 */
	uint64_t replaced_by;		/* process that asks it to go, or 0 */
	int32_t raw_target;		/* a request's target */
	uint32_t repair_due;	/* predecessor died with a program attached */
	/* Its listening sockets; in a request, the target's. */
	uint64_t inodes[REGISTRY_SOCKETS];
	/* Checksums of their groups' programs (reconcile.c); 0: none. */
	uint64_t programs[REGISTRY_SOCKETS];
	uint32_t tests[REGISTRY_SOCKETS]; /* drops that member_index.c caused */
	int32_t adopted_by;		/* pid that has its sockets too, or 0 */
	uint64_t name_taken_by;		/* process that has its name now, or 0 */
	/* Which clients it admits: access_hash(). Before, 0 was written here. */
	uint64_t access;
	/* Like programs, of what steering.finer adds. Before, 0 was here. */
	uint32_t finer[REGISTRY_SOCKETS];
	struct counters {
		uint64_t accepted, closed, in, out;
		uint64_t denied;	/* of accepted; see access */
	} counters __attribute__((aligned(64)));
} __attribute__((aligned(64)));

enum {
	SHARED_TESTS = 64,
	SHARED_WEIGHTS = 32,
	SHARED_ORDERS = 4,
	SHARED_SOCKETS = 1024,
};

/* How the port's groups distribute connections; see reconcile.h. */
struct steering {
	uint32_t mode;			/* enum steer_mode */
	uint32_t serial;		/* counts up with every change */
	uint64_t process;		/* the process that made the change */
	uint32_t count;
	struct weight {
		char name[REGISTRY_NAME];
		uint32_t weight;
	} weights[SHARED_WEIGHTS];
	/*
	 * A mode that older members do not know, and its argument: mode_of().
	 * They steer by `mode` meanwhile, and write 0 here. It was padding.
	 */
	uint32_t finer;
};

struct shared {
	uint32_t mark[4];		/* random; marks our tests' datagrams */
	struct steering steering;
	uint32_t next_order;
	/* What STEER_LEAST spent: least.h, by CLOCK_MONOTONIC. Was padding. */
	uint32_t balanced;
	/* The order of a group; valid while the group has the same sockets. */
	struct order {
		uint64_t key;		/* from the set of cookies; 0: none */
		uint64_t cookies[SHARED_SOCKETS];
	} orders[SHARED_ORDERS];
	/* Like a slot's tests, of sockets that no slot has. */
	uint32_t next_test;
	struct foreign_tests {
		uint64_t cookie;	/* of the socket; 0: none */
		uint32_t drops;
	} tests[SHARED_TESTS];
};

struct registry;

/*
 * Opens this user's registry of a port in this network namespace; NULL: a fault
 * that says why there can be none. registry_private() makes one that only this
 * process and its children see, for their counts. registry_open_existing()
 * opens one that is there already, for reading.
 */
struct registry *registry_open(bool datagram, uint16_t port);
struct registry *registry_private(void);
struct registry *registry_open_existing(bool datagram, uint16_t port);
/*
 * Whether another process has cut the file short: the registry is then empty.
 */
bool registry_is_lost(const struct registry *);
/* Whether new members use this file, too. */
bool registry_is_named(const struct registry *);
/* See registry_file_watch(). */
int registry_watch(const struct registry *, int inotify, uint32_t events);

/* After fork(2): opens the file again, so that locks are the child's own. */
void registry_reopen(struct registry *);
/* Frees the slots that were claimed; the last one removes the file. */
void registry_close(struct registry *);

/*
 * Takes a slot under a name; NULL: the first free letter, or for a request a
 * name that no user can choose. If a dead slot has the same parent and name,
 * takes that with its counts. Returns the index, or -1: a usage fault if the
 * name is taken.
 */
int registry_claim(struct registry *, enum slot_kind, const char *name,
    uint64_t parent);
/* Set what others see of a slot of this process, and wake them. */
void registry_set_state(struct registry *, int index, enum slot_state);
void registry_set_sockets(struct registry *, int index, const int *fds,
    int count);
/* Sets whether a slot of this process is leaving; wakes nobody. */
void registry_set_leaving(struct registry *, int index, bool leaving);

/* The data that belongs to no single slot; reconcile.h uses it. */
struct shared *registry_shared(struct registry *);
/*
 * Only one process at a time changes the shared data; registry_change_end()
 * wakes all that watch.
 */
int registry_change_begin(struct registry *);
void registry_change_end(struct registry *);
void registry_notify(struct registry *);

/*
 * Only one process at a time may change the programs of the port's groups, or
 * leave a group. -1: another process is doing so. registry_steer_end() wakes
 * all; registry_steer_end_quietly() wakes nobody.
 */
int registry_steer_begin(struct registry *);
void registry_steer_end(struct registry *);
void registry_steer_end_quietly(struct registry *);

struct slot *registry_slot(struct registry *, int index);
/*
 * Copies a name and terminates it, without the characters that no valid name
 * has: any process of this user may have written anything there.
 */
const char *name_clean(const char from[static REGISTRY_NAME],
    char name[static REGISTRY_NAME]);
const char *slot_name(const struct slot *, char name[static REGISTRY_NAME]);
/*
 * The pid of a slot's process, and of a request's target. 0: the process is in
 * another PID namespace, so its pid means nothing in ours.
 */
pid_t slot_pid(const struct slot *);
pid_t slot_target(const struct slot *);
/* "A (pid 4100)", or "A (pid -)" if slot_pid() is 0 */
enum { SLOT_TEXT = REGISTRY_NAME + 24 };
const char *slot_text(const struct slot *, char text[static SLOT_TEXT]);
bool registry_alive(struct registry *, int index);
/* Whether the slot is a living member with sockets. */
bool registry_is_member(struct registry *, int index);
/*
 * Whether any member's leave is under way. Its sockets still listen, and a
 * program may keep new connections from them.
 */
bool registry_is_leaving(struct registry *);
/* The index of the slot's socket with that inode; -1: none. */
int slot_socket(const struct slot *, uint64_t inode);
/*
 * The living member that has the socket, or -1; *socket (NULL: not wanted) is
 * the socket's index in the slot.
 */
int registry_find_socket(struct registry *, uint64_t inode, int *socket);
/*
 * Adds drops that a test (member_index.c) caused on a socket. The caller has
 * called registry_steer_begin().
 */
void registry_forgive(struct registry *, uint64_t inode, uint64_t cookie,
    uint32_t drops);
/*
 * A socket's drops without those: no client was lost by them. Registry NULL:
 * there is none.
 */
uint32_t registry_drops(struct registry *, uint64_t inode, uint64_t cookie,
    uint64_t drops);
/* How many slots can be claimed: free and dead ones. */
int registry_room(struct registry *);
/* Whether a name is taken. */
bool registry_has_name(struct registry *, const char *name);
/*
 * The same; the names of parent's own workers (A/1 of A) don't count. With
 * dead_too, names of dead processes count too.
 */
bool registry_name_taken(struct registry *, const char *name, uint64_t parent,
    bool dead_too);
/*
 * With the mutex held: fills a free or dead slot, and locks it. Returns its
 * index, or -1: a fault. See registry_claim().
 */
int registry_fill(struct registry *, enum slot_kind, const char *name,
    uint64_t parent);
/* The slot of that name and parent, dead or alive, or -1. */
int registry_find(struct registry *, const char *name, uint64_t parent);
/* The slot of a process, dead or alive, or -1. */
int registry_find_process(struct registry *, uint64_t process);

/* [A-Za-z][A-Za-z0-9_.-]{0,15} */
bool name_valid(const char *name);

#endif
