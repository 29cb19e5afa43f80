#ifndef GROUP_STEER_SHARES_H
#define GROUP_STEER_SHARES_H

#include "group/registry/registry.h"
#include "group/steer/bpf.h"
#include "kernel/sock_diag.h"

/*
 * The share of new connections that each socket of a group has, from the
 * registry: by weights, states, requests, and with STEER_LEAST by how many
 * connections each member has.
 */

/* One group: its sockets, in the kernel's order, and their weights. */
struct group {
	struct registry *registry;
	struct sock_diag *diag;
	int fd, n;
	const struct addr *bound;
	struct diag_sock *list;
	int slot[STEER_MAX];		/* like list; -1: a foreign member */
	int socket[STEER_MAX];		/* which one of the slot */
	uint32_t weight[STEER_MAX];	/* like list; 0: gets nothing */
	uint32_t share[STEER_MAX];	/* the weight that the program has */
	bool foreign;			/* some are not rpnc's */
	bool chosen;			/* some get less than others */
	int least;			/* STEER_LEAST: members with a share */
};

/*
 * Lists the group of fd, and fills in weights and shares; returns the number of
 * sockets, or -1. The caller frees g->list.
 */
int group_open(struct group *, struct registry *, struct sock_diag *, int fd,
    const struct addr *bound, bool datagram);
/* The same of a list that the caller has taken: registry, n and list are set. */
int group_take(struct group *);
/* Fills them in anew, after the list was put in another order. */
void group_weigh(struct group *);
/* The shares only: as many as members have now, with the queues of the list. */
void group_share(struct group *);
/* Whether some members get less than others. */
bool group_is_uneven(const struct group *);

enum steer_mode group_mode(const struct group *);
/* See mode_offset(). */
uint32_t group_offset(const struct group *);

#endif
