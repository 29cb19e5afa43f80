#ifndef KERNEL_SOCK_OWNER_H
#define KERNEL_SOCK_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Finds in /proc which process holds a socket, by its inode. */
struct owners;

struct owner {
	pid_t pid;		/* the lowest pid of its holders */
	int fd;			/* the descriptor in that process */
	uid_t uid;		/* effective, of that process */
	char command[16 + 1];	/* the process chose it: any bytes */
	int holders;		/* how many processes hold the socket */
};

struct owners *owners_new(void);
void owners_free(struct owners *o);

/*
 * Returns 1, or 0 if no process that we may look into holds the socket. Every
 * remembered holder is checked again, so the answer was true a moment ago. It
 * lacks processes that came to hold the socket after /proc was last read. For a
 * new inode the processes that were returned before are read again, and all of
 * /proc at most every 100 ms; the same if one of several holders is gone,
 * because a new one often replaces it.
 */
int owners_find(struct owners *o, uint64_t inode, struct owner *out);

/* Writes up to max pids, ascending; returns how many holders there are. */
int owners_holders(struct owners *o, uint64_t inode, pid_t *pids, int max);

/*
 * Whether this process holds the socket by a descriptor that was found there
 * recently. That costs a few readlink(2), not a reading of all descriptors.
 * true is certain; after false, ask owners_holders().
 */
bool owners_held_by(struct owners *o, uint64_t inode, pid_t pid);

/* Makes the next look-up read all of /proc. */
void owners_refresh(struct owners *o);

/* The state letter in /proc/PID/stat: 'R', 'S', 'T'...; -1: no such process. */
int owner_state(pid_t pid);

/* Whether the process certainly started before that time (clock_ns()). */
bool owner_started_before(pid_t pid, int64_t when);

/* Whether a signal or a debugger has stopped it; by its pid, or its letter. */
bool owner_is_stopped(pid_t pid);
bool owner_state_is_stopped(int state);

/*
 * "processes of root (uid 0) can't be seen: be that user, or root": why nobody is
 * found that holds a socket of this user.
 */
enum { OWNER_HIDDEN_TEXT = 160 };
const char *owner_hidden_text(uid_t uid, char text[static OWNER_HIDDEN_TEXT]);

/* The pid of its parent; 0: there is no such process. */
pid_t owner_parent(pid_t pid);

/* Its command, as in struct owner; "" if there is no such process. */
void owner_command(pid_t pid, char command[static 16 + 1]);

#endif
