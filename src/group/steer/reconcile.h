#ifndef GROUP_STEER_RECONCILE_H
#define GROUP_STEER_RECONCILE_H

#include "group/registry/registry.h"
#include "group/steer/bpf.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * Which program the groups of a port carry is a function of the registry: the
 * steering, the weights, who is full or leaves, and who is there. Whoever is
 * woken makes it so for the groups that it is in, if it isn't.
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
 * What a slot gets of new connections, next to the others' weights; slot -1
 * is a member that is not rpnc's.
 */
uint32_t mode_weight(struct registry *, int slot);

struct reconcile {
	struct registry *registry;
	struct sock_diag *diag;		/* NULL: nothing can be steered */
	bool datagram;
	int64_t failing;		/* loop_now() when it began; 0: it works */
};

/*
 * Sees that the groups of these sockets carry the program that they should.
 * 0, also where somebody else is at it, who will wake us, or where it can't
 * be done just now; -1 with a fault where it could not be done for a while.
 * It then is given up until something changes.
 */
int reconcile_apply(struct reconcile *, const struct sock_set *set);

/*
 * The same for the group of one socket, but so that it gets nothing more
 * from now on, with its index: for who has registry_steer_begin(). What is
 * attached is anybody's to put right who is woken. -1 with a fault.
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

/* How far members are with what the group of this socket should carry. */
enum progress { PROGRESS_DUE, PROGRESS_DONE, PROGRESS_GIVEN_UP };
enum progress reconcile_progress(struct registry *, struct sock_diag *,
    const struct diag_sock *member);
/* How many of n sockets are living members' on the registry. */
int reconcile_known(struct registry *, const struct diag_sock *list, int n);

#endif
