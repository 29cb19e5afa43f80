#ifndef GROUP_STEER_RECONCILE_H
#define GROUP_STEER_RECONCILE_H

#include "group/registry/registry.h"
#include "group/steer/bpf.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * The program of a port's groups is a function of the registry: the steering,
 * the weights, the members, and whether one is full or leaves. Each process
 * that is woken compares, and if needed attaches the program to the groups that
 * it is in.
 */

/* Reads "hash", "weights A=70,B=20", "A=70,B=20"...; -1: a usage fault. */
int mode_parse(const char *text, struct steering *out);
/* The same as text: "weights A=70,B=20". */
enum { MODE_TEXT = 1200 };
const char *mode_text(const struct steering *,
    char text[static MODE_TEXT]);

/* The hash, where others of this user have written what is no mode. */
enum steer_mode mode_of(const struct steering *);

/* Changes it on the registry, and wakes all; -1: a fault. */
int mode_set(struct registry *, const struct steering *);
/*
 * The weight of a slot's share of new connections; slot -1 is a foreign member.
 */
uint32_t mode_weight(struct registry *, int slot);

struct reconcile {
	struct registry *registry;
	struct sock_diag *diag;		/* NULL: nothing can be steered */
	bool datagram;
	int64_t failing;		/* loop_now() when it began; 0: it works */
};

/*
 * Attaches the right program to the groups of these sockets. 0 also if another
 * process is doing so, which will wake us, or if it can't be done just now. -1
 * with a fault if it could not be done for a while: it is given up until
 * something changes.
 */
int reconcile_apply(struct reconcile *, const struct sock_set *set);

/*
 * The same for the group of one socket, with its index, but from now on this
 * socket gets nothing more. The caller has called registry_steer_begin(). Any
 * process that is woken re-attaches later. -1 with a fault.
 */
int reconcile_exclude(struct registry *, struct sock_diag *, int fd,
    const struct addr *bound, int index);
/* Before the first program of that kind: a death from here on is mended. */
void reconcile_mark_dirty(struct registry *, struct sock_diag *,
    const struct sock_set *);

/*
 * Keeps account of the drops that finding an index has made since the list of
 * a group was taken, so that no member is blamed for them.
 */
void reconcile_forgive(struct registry *, struct sock_diag *,
    const struct diag_sock *before, int n);
/* Takes away what members have attached: for the last one of them. */
void reconcile_clear(struct registry *, struct sock_diag *,
    const struct sock_set *);

/* Whether the group of this socket has its program already. */
enum progress { PROGRESS_DUE, PROGRESS_DONE, PROGRESS_GIVEN_UP };
enum progress reconcile_progress(struct registry *, struct sock_diag *,
    const struct diag_sock *member);
/* How many of n sockets belong to living members of the registry. */
int reconcile_known(struct registry *, const struct diag_sock *list, int n);

#endif
