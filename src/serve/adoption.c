/*
 * --adopt PID: serve on sockets of another process instead of new ones.
 *
 *	state		who owns the sockets	what moves it on
 *	taken		both; each accepts what	the other ends or closes: ours
 *	(adopted: pid)	it gets			we stop: we close our copy, and
 *						the queue stays with the other
 *	ours		only this process	we stop: leave.c drains them
 *
 * While two processes share a socket, its options are not changed
 * (kernel/adopt.h). stop.c asks adoption_holder() which state it is.
 */
#include "serve/adoption.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/signals.h"
#include "kernel/adopt.h"
#include "kernel/adopt_error.h"
#include "kernel/sock_owner.h"
#include "net/resolve.h"
#include "net/udp_options.h"
#include "serve/program_check.h"

static int
adopt_filter_fill(struct adopt_filter *w, struct addr_list *at,
    const struct settings *s, const struct endpoint *e)
{
	*at = (struct addr_list){ 0 };
	*w = (struct adopt_filter){
		.family = e->local ? AF_UNIX : s->family,
		.datagram = s->udp, .port = e->port,
	};
	if (!e->path && !*e->host)
		return 0;
	w->at = at;
	return resolve_passive(e, at) < 0 ? -1 : 0;
}

/* With -r each socket must be in a group already, and a slot must hold all. */
static int
check_group(const struct settings *s, const struct sock_set *set)
{
	char who[ADOPT_WHO], text[ADDR_TEXT];

	for (int i = 0; i < set->count && s->reuseport; i++) {
		if (sock_get_int(set->fd[i], SOL_SOCKET, SO_REUSEPORT, 0))
			continue;
		fail_as(STATUS_USAGE, "%s: its socket on %s has no "
		    "SO_REUSEPORT, so is in no group",
		    adopt_who(set->adopted, who),
		    addr_text(&set->bound[i], text));
		return fail_advise(ADVICE_DONT_JOIN);
	}
	if (!s->reuseport || set->count <= REGISTRY_SOCKETS)
		return 0;
	fail_as(STATUS_USAGE, "%s has %d such sockets, a member can have %d",
	    adopt_who(set->adopted, who), set->count, REGISTRY_SOCKETS);
	return fail_advise(ADVICE_DONT_JOIN);
}

/* The slot of the process that has the first of these sockets, or -1. */
static int
slot_of_sockets(struct registry *r, const struct sock_set *set)
{
	uint64_t inode = sock_inode(set->fd[0]);

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (slot_pid(s) == set->adopted && slot_socket(s, inode) >= 0 &&
		    registry_is_member(r, i))
			return i;
	}
	return -1;
}

/*
 * Without -r, a member's sockets are refused: when that member leaves it
 * changes shared socket options, and our copy would keep the change.
 */
static int
check_member(const struct settings *s, const struct sock_set *set)
{
	char who[ADOPT_WHO];
	struct registry *r;
	int slot;

	if (s->reuseport)
		return 0;
	r = registry_open_existing(s->udp, addr_port(&set->bound[0]));
	if (!r)
		return 0;
	slot = slot_of_sockets(r, set);
	registry_close(r);
	if (slot < 0)
		return 0;
	fail_as(STATUS_USAGE, "%s is a group's member",
	    adopt_who(set->adopted, who));
	return fail_advise(s->udp ? ADVICE_REPLACE : ADVICE_JOIN_TOO);
}

int
adoption_open(struct sock_set *out, const struct settings *s,
    const struct endpoint *e)
{
	struct adopt_filter want;
	struct addr_list at;
	int result;

	result = adopt_filter_fill(&want, &at, s, e);
	if (result == 0) {
		signals_hold();
		result = adopt_sockets((pid_t)s->adopt, &want, out);
	}
	addr_list_free(&at);
	if (result < 0)
		return -1;
	if (check_group(s, out) < 0 || check_member(s, out) < 0 ||
	    program_check(s, out->bound, out->count) < 0) {
		sock_set_close(out);
		return -1;
	}
	/* answers go out from the address that the datagram came to */
	for (int i = 0; s->udp && i < out->count; i++)
		udp_prepare(out->fd[i], &out->bound[i]);
	return 0;
}

void
adoption_mark(struct registry *r, const struct sock_set *set)
{
	int slot = slot_of_sockets(r, set);

	if (slot >= 0)
		registry_slot(r, slot)->adopted_by = getpid();
}

const char *
adoption_state(const struct sock_set *set)
{
	switch (owner_state(set->adopted)) {
	case -1:
	case 'Z':
		return "which has ended";
	case 'T':
	case 't':
		return "which is stopped";
	default:
		return "which accepts, too";
	}
}

const char *
adoption_holder(const struct sock_set *set, char text[static ADOPTION_TEXT])
{
	char who[ADOPT_WHO], where[ADDR_TEXT];
	pid_t holder = adopt_holder(set);

	if (!holder)
		return NULL;
	snprintf(text, ADOPTION_TEXT, "%s%s still holds %s",
	    adopt_who(holder, who),
	    owner_is_stopped(holder) ? ", which is stopped," : "",
	    addr_text(&set->bound[0], where));
	return text;
}
