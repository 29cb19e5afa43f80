#ifndef KERNEL_SOCK_ACCEPTOR_H
#define KERNEL_SOCK_ACCEPTOR_H

#include <stdbool.h>

#include "kernel/sock_owner.h"

/* Finds in /proc which process accepts from a listening socket. */
struct sock_acceptor {
	pid_t pid;		/* 0: not known, or several may */
	char command[16 + 1];	/* the command, if all share it */
	int count;		/* processes that hold the socket; 0: unknown */
	int servers;		/* the holders that may accept */
	bool all_stopped;	/* all of these are stopped */
};

/* Whether pid is the parent of another of these: it only keeps the socket. */
bool sock_acceptor_is_manager(const pid_t *pids, int n, pid_t pid);

void sock_acceptor_find(struct owners *, uint64_t inode,
    struct sock_acceptor *out);

#endif
