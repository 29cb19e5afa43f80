#ifndef GROUP_STEER_RECONCILE_H
#define GROUP_STEER_RECONCILE_H

#include "group/registry/registry.h"
#include "group/steer/bpf.h"
#include "kernel/sock_diag.h"
#include "net/sock.h"

/*
 * The program of a port's groups follows from the registry: the steering, the
 * weights, the members, and which of them are full or leave. Each process that
 * is woken compares, and if necessary attaches the program to its groups.
 */

/* Reads "hash", "weights A=70,B=20", "A=70,B=20"...; -1: a usage fault. */
int mode_parse(const char *text, struct steering *out);
/* Whether the last of the weights has the name of another. */
bool mode_is_last_twice(const struct steering *);
/* The same as text: "weights A=70,B=20". */
enum { MODE_TEXT = 1200 };
const char *mode_text(const struct steering *,
    char text[static MODE_TEXT]);

/* The mode; if the registry has an invalid one, the hash. */
enum steer_mode mode_of(const struct steering *);

/* Sets the steering in the registry, and wakes all; -1: a fault. */
int mode_set(struct registry *, const struct steering *);
/*
 * The weight of a slot's share of new connections; slot -1 is a foreign member.
 */
uint32_t mode_weight(struct registry *, int slot);
/* Whether that is 100 because nobody has given it another one. */
bool mode_weight_is_default(struct registry *, int slot);

struct reconcile {
	struct registry *registry;
	struct sock_diag *diag;		/* NULL: nothing can be steered */
	bool datagram;
	int64_t failing;		/* since when: loop_now(); 0: it works */
};

/*
 * Attaches the right program to the groups of these sockets. Returns 0 also if
 * another process is doing so (it will wake us), or if it can't be done just
 * now. -1: it has failed for a while (a fault says why), and is given up until
 * something changes.
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
/* Whether nothing is steered, nor ever was: true of most registries. */
bool reconcile_is_plain(struct registry *);
/* How many of n sockets belong to living members of the registry. */
int reconcile_known(struct registry *, const struct diag_sock *list, int n);

#endif
