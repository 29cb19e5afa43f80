#ifndef GROUP_STEER_RECONCILE_H
#define GROUP_STEER_RECONCILE_H

#include "group/registry/registry.h"
#include "group/steer/mode.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * The program of a port's groups follows from the registry: the steering, the
 * weights, the members, and which of them are full or leave. Each process that
 * is woken compares, and if necessary attaches the program to its groups.
 */

struct reconcile {
	struct registry *registry;
	struct sock_diag *diag;		/* NULL: nothing can be steered */
	bool datagram;
	int64_t failing;		/* since when: loop_now(); 0: it works */
	/* Results: of STEER_LEAST, see balance.h. */
	bool again;			/* something may be due in LEAST_MS */
	uint32_t balanced;		/* shared->balanced, if we were last */
};

/*
 * Attaches the right program to the groups of these sockets. Returns 0 also if
 * another process is doing so (it will wake us, or `again` is set), or if it
 * can't be done just now. -1: it has failed for a while (a fault says why), and
 * is given up until something changes.
 */
int reconcile_apply(struct reconcile *, const struct sock_set *set);

/*
 * Attaches a program to the group of one socket that gives this socket, with
 * its index, nothing more. The caller has called registry_steer_begin(). Any
 * process that is woken later attaches the right one. -1: a fault.
 */
int reconcile_exclude(struct registry *, struct sock_diag *, int fd,
    const struct addr *bound, int index);
/* Call it before the first one: if we die, the others then attach anew. */
void reconcile_mark_dirty(struct registry *, struct sock_diag *,
    const struct sock_set *);

/*
 * Counts the drops that finding an index has caused since the list of a group
 * was taken, so that no member is blamed for them.
 */
void reconcile_forgive(struct registry *, struct sock_diag *,
    const struct diag_sock *before, int n);
/* Detaches the members' programs: the last member calls it. */
void reconcile_clear(struct registry *, struct sock_diag *,
    const struct sock_set *);

/* Whether the group of this socket has its program already. */
enum progress { PROGRESS_DUE, PROGRESS_DONE, PROGRESS_GIVEN_UP };
enum progress reconcile_progress(struct registry *, struct sock_diag *,
    const struct diag_sock *member);
/* How many of n sockets belong to living members of the registry. */
int reconcile_known(struct registry *, const struct diag_sock *list, int n);

#endif
