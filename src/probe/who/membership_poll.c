#include "probe/who/membership_poll.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "group/reach/port_group.h"
#include "kernel/sock_acceptor.h"
#include "probe/who/listeners.h"
#include "probe/who/newcomer.h"
#include "probe/who/registry_counts.h"

enum { HOLDERS_MAX = 256, KNOWN_MAX = 4096 };

void
membership_poll_open(struct membership_poll *r)
{
	r->diag = sock_diag_open();
	r->owners = r->diag ? owners_new() : NULL;
}

void
membership_poll_close(struct membership_poll *r)
{
	owners_free(r->owners);
	sock_diag_close(r->diag);
	tally_free(&r->known);
}

/* A process that started after the first look may be a newcomer. */
static bool
poll_is_member(struct membership_poll *r, const pid_t *pids, int count, int i,
    uint64_t inode)
{
	if (sock_acceptor_is_manager(pids, count, pids[i]))
		return false;
	return !r->observed || tally_process_find(&r->known, pids[i]) >= 0 ||
	    !newcomer_is(r->served, pids, count, pids[i], inode);
}

/* A queue that several processes accept from is nobody's loss if one ends. */
static void
poll_count_waiting(const struct membership_poll *r, struct row *row,
    const struct diag_sock *s, bool shared)
{
	if (r->datagram || shared || row->waiting < 0)
		row->waiting = -1;
	else
		row->waiting += s->rqueue;
}

static void
poll_mark(struct membership_poll *r, const struct diag_sock *s, bool *here)
{
	pid_t pids[HOLDERS_MAX];
	int count = owners_holders(r->owners, s->inode, pids, HOLDERS_MAX);

	if (count > HOLDERS_MAX)
		count = HOLDERS_MAX;
	for (int i = 0; i < count; i++) {
		int row = !poll_is_member(r, pids, count, i, s->inode) ? -1 :
		    tally_process(&r->known, pids[i]);

		if (row < 0 || row >= KNOWN_MAX)
			continue;
		if (!here[row])
			r->known.rows[row].waiting = 0;
		here[row] = true;
		poll_count_waiting(r, &r->known.rows[row], s, count > 1);
	}
}

/* If all members have gone, the next ones may have another registry. */
static void
poll_name_rows(struct membership_poll *r, uint16_t port)
{
	struct registry_counts counts;

	registry_counts_open(&counts, r->datagram, port);
	registry_counts_name(&counts, &r->known);
	registry_counts_close(&counts);
}

static bool
poll_has_changed(const struct membership_poll *r, const bool *here, bool come)
{
	for (int i = 0; i < r->known.count && i < KNOWN_MAX; i++) {
		bool was = r->known.rows[i].weight > 0;

		if (here[i] != was && (here[i] || !come))
			return true;
	}
	return false;
}

static void
poll_compare(struct membership_poll *r, const bool *here)
{
	for (int i = 0; i < r->known.count && i < KNOWN_MAX; i++) {
		struct row *row = &r->known.rows[i];

		if (here[i] == (row->weight > 0))
			continue;
		row->weight = here[i];
		if (r->observed)
			r->on_change(r, row, here[i]);
	}
	r->observed = true;
}

static void
poll_mark_all(struct membership_poll *r, const struct diag_sock *list, int
    count, bool *here)
{
	memset(here, 0, KNOWN_MAX * sizeof(*here));
	for (int i = 0; i < count; i++)
		poll_mark(r, &list[i], here);
}

void
membership_poll_observe(struct membership_poll *r,
    const struct addr *target, bool doubt)
{
	static bool here[KNOWN_MAX];
	struct diag_sock *list;
	int count;

	if (!r->owners || target->sa.sa_family == AF_UNIX)
		return;
	count = port_group_list(r->diag, r->datagram ? IPPROTO_UDP :
	    IPPROTO_TCP, target, target, &list);
	if (count < 0)
		return;
	if (doubt)
		owners_refresh(r->owners);
	poll_mark_all(r, list, count, here);
	/* if some have gone, others may have started that are not known yet */
	if (!doubt && poll_has_changed(r, here, false)) {
		owners_refresh(r->owners);
		poll_mark_all(r, list, count, here);
	}
	free(list);
	if (poll_has_changed(r, here, true))
		poll_name_rows(r, addr_port(target));
	poll_compare(r, here);
}
