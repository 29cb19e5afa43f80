#include "probe/roster.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "probe/roll.h"

enum { HOLDERS_MAX = 256, KNOWN_MAX = 4096 };

void
roster_open(struct roster *r)
{
	r->diag = diag_open();
	r->owners = r->diag ? owners_new() : NULL;
}

void
roster_close(struct roster *r)
{
	owners_free(r->owners);
	diag_close(r->diag);
	tally_free(&r->known);
}

/* The sockets that listen for clients of the target. */
static int
listening(struct roster *r, const struct addr *target, struct diag_sock **list)
{
	int protocol = r->datagram ? IPPROTO_UDP : IPPROTO_TCP, found;
	struct addr client = *target;
	struct diag_sock winner;

	*list = NULL;
	addr_set_port(&client, 1);
	found = diag_get(r->diag, protocol, target, &client, &winner);
	if (found <= 0)
		return found;
	if (!r->datagram && winner.state != TCP_LISTEN)
		return 0;
	return diag_group_of(r->diag, &winner, list);
}

/* Who started another one that has the socket, too, only keeps it for that. */
static bool
is_manager(const pid_t *pids, int count, pid_t pid)
{
	for (int i = 0; i < count; i++)
		if (pids[i] != pid && owner_parent(pids[i]) == pid)
			return true;
	return false;
}

static void
mark(struct roster *r, uint64_t inode, bool *here)
{
	pid_t pids[HOLDERS_MAX];
	int count = owners_holders(r->owners, inode, pids, HOLDERS_MAX);

	if (count > HOLDERS_MAX)
		count = HOLDERS_MAX;
	for (int i = 0; i < count; i++) {
		int row = is_manager(pids, count, pids[i]) ? -1 :
		    tally_process(&r->known, pids[i]);

		if (row >= 0 && row < KNOWN_MAX)
			here[row] = true;
	}
}

/* The board may be another one since all of its members have gone. */
static void
give_names(struct roster *r, uint16_t port)
{
	struct roll roll;

	roll_open(&roll, r->datagram, port);
	roll_name(&roll, &r->known);
	roll_close(&roll);
}

static bool
has_come(const struct roster *r, const bool *here)
{
	for (int i = 0; i < r->known.count && i < KNOWN_MAX; i++)
		if (here[i] && !(r->known.rows[i].weight > 0))
			return true;
	return false;
}

static void
compare(struct roster *r, const bool *here)
{
	for (int i = 0; i < r->known.count && i < KNOWN_MAX; i++) {
		struct row *row = &r->known.rows[i];

		if (here[i] == (row->weight > 0))
			continue;
		row->weight = here[i];
		if (r->looked)
			r->on_change(r, row, here[i]);
	}
	r->looked = true;
}

void
roster_look(struct roster *r, const struct addr *target, bool doubt)
{
	static bool here[KNOWN_MAX];
	struct diag_sock *list;
	int count;

	if (!r->owners || target->sa.sa_family == AF_UNIX)
		return;
	count = listening(r, target, &list);
	if (count < 0)
		return;
	if (doubt)
		owners_refresh(r->owners);
	for (int i = 0; i < KNOWN_MAX; i++)
		here[i] = false;
	for (int i = 0; i < count; i++)
		mark(r, list[i].inode, here);
	free(list);
	if (has_come(r, here))
		give_names(r, addr_port(target));
	compare(r, here);
}
