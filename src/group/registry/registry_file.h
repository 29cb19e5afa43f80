#ifndef GROUP_REGISTRY_REGISTRY_FILE_H
#define GROUP_REGISTRY_REGISTRY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The file behind a registry: one per network namespace, protocol, port and
 * user, in a directory that only this user can enter. Its bytes are locked
 * with open-file-description locks, which the kernel drops when the last
 * descriptor and the last mapping of that opening are gone, also if the process
 * was killed. A child that can't open it anew (no /proc) uses locks that belong
 * to the process.
 */
struct registry_file {
	int fd;			/* -1: none */
	bool shared;		/* the parent has the same open file */
	bool sizeless;		/* it has locks, but no memory */
	bool made;		/* there was none: this opening made it */
	char path[200];
};

enum {
	FILE_STEER = 0,		/* held to leave, or to change programs */
	FILE_MUTEX = 1,		/* the byte that registry_file_lock() takes */
	FILE_NOTIFY = 2,		/* written to wake all watchers */
	FILE_FIRST_FREE = 64,	/* bytes from here on are the caller's */
};

/*
 * Opens the port's file with its mutex locked; a new file gets this head and
 * size. -1: a fault that says what is wrong with it.
 */
int registry_file_open(struct registry_file *, bool datagram, uint16_t port,
    const void *head, size_t head_length, size_t size);
/*
 * Makes a file without a name, for this process and its children. It is
 * sizeless if memfd_create(2) or RLIMIT_FSIZE allows no more.
 */
int registry_file_private(struct registry_file *, const void *head,
    size_t head_length, size_t size);
/* Opens an existing file for reading. */
int registry_file_open_existing(struct registry_file *, bool datagram,
    uint16_t port);
/*
 * The ports in this network namespace that have files: sets ports[PORT], which
 * has room for all 65,536.
 */
void registry_file_ports(bool datagram, bool *ports);
/* After fork(2): opens it again, so that locks are this process's own. */
void registry_file_reopen(struct registry_file *);
/* Adds it to an inotify(7) descriptor; -1: that can't be. */
int registry_file_watch(const struct registry_file *, int inotify,
    uint32_t events);
/* Whether the path still leads to this file. */
bool registry_file_is_named(const struct registry_file *);
/* With the mutex: nobody else has it. Without a path: nothing. */
void registry_file_remove(const struct registry_file *);
void registry_file_close(struct registry_file *);

/* Waits for a second at most, because a holder may be stopped. */
int registry_file_lock(struct registry_file *);
void registry_file_unlock(struct registry_file *);

/* Locks a byte until fd is closed; -1: another has it. */
int registry_file_take(struct registry_file *, int byte);
void registry_file_give(struct registry_file *, int byte);
/* Whether another open file has the byte. */
bool registry_file_taken(const struct registry_file *, int byte);

/* Wakes all that watch the file with inotify(7). */
void registry_file_notify(struct registry_file *);

#endif
