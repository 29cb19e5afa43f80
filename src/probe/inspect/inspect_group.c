/*
 * One group of a port, for --group. inspect_group_fill() gathers its sockets,
 * asks who holds each, judges its queue over the snapshots, and then adds what
 * concerns the whole group: indices, steering, losses to other groups,
 * findings.
 */
#include "probe/inspect/inspect_group.h"

#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "group/diagnose/overlap.h"
#include "group/members.h"
#include "group/registry/spare_request.h"
#include "kernel/sock_acceptor.h"
#include "net/accept_queue.h"
#include "net/interface.h"
#include "probe/inspect/snapshot.h"

struct member_found {
	char name[REGISTRY_NAME], user[PORT_SOCKET_TEXT];
	char command[sizeof(((struct owner *)0)->command)];
	struct group_flags flags;
	struct diag_sock sock;
	int servers;			/* processes that accept from it */
};

struct loss_found {
	char traffic[PORT_SOCKET_TEXT], to[PORT_SOCKET_TEXT];
};

/* Gathers the sockets of the group: those that listen, then the others. */
static int
group_gather(struct inspect_group *g, const struct snapshot *s,
    const struct diag_sock *like)
{
	size_t room = (size_t)s->listening.count + (size_t)s->bound.count;
	size_t n = 0;

	g->members = calloc(room, sizeof(*g->members));
	g->texts = calloc(room, sizeof(*g->texts));
	if (!g->members || !g->texts)
		return fail("groups");
	/* oldest first; the kernel lists IPv4 in reverse order */
	for (int i = 0; i < s->listening.count; i++) {
		int at = like->local.sa.sa_family == AF_INET ?
		    s->listening.count - 1 - i : i;

		if (in_one_group(&s->listening.list[at], like))
			g->texts[n++].sock = s->listening.list[at];
	}
	for (int i = 0; i < s->bound.count; i++)
		if (in_one_group(&s->bound.list[i], like))
			g->texts[n++].sock = s->bound.list[i];
	g->report.members = g->members;
	g->report.member_count = n;
	return 0;
}

/* How many slots have the socket; out: the last of them. */
static int
socket_slots(struct registry *r, uint64_t inode, const struct slot **out)
{
	int n = 0;

	for (int i = 0; r && inode && i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (slot_socket(s, inode) >= 0 && registry_is_member(r, i)) {
			*out = s;
			n++;
		}
	}
	return n;
}

static const char *
member_state(const struct slot *slot, pid_t pid)
{
	int letter = pid > 0 ? owner_state(pid) : -1;

	switch (letter) {
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'D':
		return "blocked";
	case 'Z':
	case 'X':
		return "dead";
	}
	if (slot && slot->leaving)
		return "leaving";
	if (slot && state_name(slot->state))
		return state_name(slot->state);
	return letter == 'R' ? "running" : letter < 0 ? NULL : "sleeping";
}

static void
inspect_member_fill(struct port_sockets *p, struct member_found *t,
    struct group_member *m)
{
	const struct slot *slot = NULL;
	struct sock_acceptor h = { 0 };
	int slots = socket_slots(p->registry, t->sock.inode, &slot);

	sock_acceptor_find(p->sockinfo.owners, t->sock.inode, &h);
	if (slots > 1)
		slot = NULL;
	if (slot) {
		h.pid = member_pid(&p->sockinfo, slot);
		snprintf(h.command, sizeof(h.command), "rpnc");
		slot_name(slot, t->name);
	}
	memcpy(t->command, h.command, sizeof(t->command));
	user_text(t->sock.uid, t->user);
	t->servers = slots ? slots : h.servers;
	*m = (struct group_member){
		.index = -1,
		.who = {
			.name = slot ? t->name : NULL,
			.command = *t->command ? t->command : NULL,
			.pid = h.pid ? h.pid : -1, .worker = -1,
			.uid = t->sock.uid,
		},
		.user = t->user,
		.holders = h.count ? h.count : -1,
		.queue = -1, .limit = -1, .half_open = -1,
		.drops = registry_drops(p->registry, t->sock.inode,
		    t->sock.cookie, t->sock.drops),
		.oldest_wait = NAN,
		.state = member_state(slot, h.pid),
		.reuseport = port_socket_reuseport(p, &t->sock),
		.reuseaddr = port_socket_reuseaddr(p, &t->sock),
		.mptcp = p->datagram ? -1 : t->sock.mptcp,
		.flags = t->flags.names,
	};
	if (!m->state && h.all_stopped)
		m->state = "stopped";
	if (p->registry && request_of(p->registry, t->sock.inode))
		group_flag_set(&t->flags, GROUP_QUARANTINED);
}

/* Whether the socket's process is known to be stopped. */
static bool
is_member_stopped(const struct diag_sock *d, void *arg)
{
	const struct inspect_group *g = arg;

	for (size_t i = 0; i < g->report.member_count; i++)
		if (g->texts[i].sock.cookie == d->cookie)
			return g->members[i].state &&
			    (strcmp(g->members[i].state, "stopped") == 0 ||
			    strcmp(g->members[i].state, "traced") == 0);
	return false;
}

static void
inspect_member_judge(struct inspect_group *g, const struct snapshot *snapshots,
    int taken, size_t i)
{
	const struct diag_sock *d = &g->texts[i].sock;
	struct group_flags *flags = &g->texts[i].flags;
	struct group_member *m = &g->members[i];
	int64_t age;

	if (!port_socket_listens(d)) {
		group_flag_set(flags, GROUP_NOT_LISTENING);
		return;
	}
	m->queue = d->rqueue;
	m->limit = d->protocol == IPPROTO_UDP ? d->rcvbuf : d->wqueue;
	age = snapshot_oldest(&snapshots[taken - 1], d, false);
	if (age >= 0)
		m->oldest_wait = (double)age / 1e3;
	if (snapshot_is_stuck(snapshots, taken, d, is_member_stopped, g))
		group_flag_set(flags, GROUP_STUCK);
	if (snapshot_is_full(snapshots, taken, d))
		group_flag_set(flags, GROUP_FULL);
}

/* Another socket can bind here only if all of these allow it. */
static void
group_hijackable(struct inspect_group *g)
{
	for (size_t i = 0; i < g->report.member_count; i++)
		if (g->members[i].reuseaddr != 1)
			return;
	for (size_t i = 0; i < g->report.member_count; i++)
		group_flag_set(&g->texts[i].flags, GROUP_HIJACKABLE);
}

static void
group_half_open(struct inspect_group *g)
{
	size_t n = g->report.member_count, listening = 0;
	uint64_t *inodes = calloc(n + 1, sizeof(*inodes));
	int *references = calloc(n + 1, sizeof(*references));

	while (inodes && listening < n &&
	    port_socket_listens(&g->texts[listening].sock)) {
		inodes[listening] = g->texts[listening].sock.inode;
		listening++;
	}
	if (inodes && references && listening && listener_references(
	    g->address.sa.sa_family, inodes, (int)listening, references) == 0)
		for (size_t i = 0; i < listening; i++) {
			int own = g->texts[i].sock.mptcp ? 2 : 1;
			int64_t rest = references[i] - own -
			    g->members[i].queue;

			g->members[i].half_open = rest > 0 ? rest : 0;
		}
	free(inodes);
	free(references);
}

/*
 * Whether the order, which a member found in order to steer, is of these
 * sockets. It stays right if the last ones have left.
 */
static bool
is_order_of_group(const struct order *o, const struct inspect_group *g, int n)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			found += o->cookies[i] == g->texts[j].sock.cookie;
	return o->key && found == n;
}

static void
group_indices(struct inspect_group *g, struct registry *r)
{
	const struct shared *shared = r ? registry_shared(r) : NULL;
	int n = 0;

	while (n < (int)g->report.member_count &&
	    port_socket_listens(&g->texts[n].sock))
		n++;
	for (int k = 0; shared && n <= SHARED_SOCKETS && k < SHARED_ORDERS;
	    k++) {
		const struct order *o = &shared->orders[k];

		if (!is_order_of_group(o, g, n))
			continue;
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				if (o->cookies[i] == g->texts[j].sock.cookie)
					g->members[j].index = i;
		return;
	}
}

static bool
member_has_flag(const struct group_member *m, enum group_flag flag)
{
	const char *name = group_flag_name(flag);

	for (int i = 0; m->flags[i]; i++)
		if (strcmp(m->flags[i], name) == 0)
			return true;
	return false;
}

/* Steering is only known if members are on the registry. */
static void
group_steering(struct inspect_group *g, struct registry *r)
{
	for (size_t i = 0; r && i < g->report.member_count; i++)
		if (g->members[i].who.name) {
			g->report.steering = mode_text(
			    &registry_shared(r)->steering, g->steering);
			return;
		}
}

/*
 * Members attach a program if they steer, if one is full, or quarantined. One
 * alone has nothing to choose.
 */
static bool
is_steered_by_members(const struct inspect_group *g)
{
	const struct group_report *r = &g->report;

	if (r->sockets < 2)
		return false;
	for (size_t i = 0; r->steering && i < r->member_count; i++)
		if (member_has_flag(&r->members[i], GROUP_QUARANTINED) ||
		    (r->members[i].who.name && r->members[i].state &&
		    strcmp(r->members[i].state, "full") == 0))
			return true;
	return r->steering && strcmp(r->steering, "hash") != 0;
}

void
inspect_group_steered(struct inspect_group *g, int steered)
{
	g->report.steered = steered;
	if (steered == 1)
		group_flag_set(&g->flags, GROUP_STEERED);
}

/* Traffic that other groups take from this one. */
static int
group_losses(struct inspect_group *g, const struct port_sockets *all)
{
	size_t n = 0;

	if (g->at < 0)
		return 0;
	g->losses = calloc((size_t)all->count, sizeof(*g->losses));
	g->loss_texts = calloc((size_t)all->count, sizeof(*g->loss_texts));
	if (!g->losses || !g->loss_texts)
		return fail("groups");
	for (int i = 0; i < all->count; i++) {
		struct loss_found *t = &g->loss_texts[n];

		if (!port_socket_is_first(all, i) ||
		    !overlap_between(all, i, g->at, t->traffic))
			continue;
		port_socket_place(&all->list[i], t->to);
		g->losses[n].traffic = t->traffic;
		g->losses[n++].to = t->to;
	}
	g->report.losses = g->losses;
	g->report.loss_count = n;
	if (n)
		group_flag_set(&g->flags, GROUP_SHADOWED);
	return 0;
}

/* Whether an earlier socket is the same process's. */
static bool
is_process_counted(const struct inspect_group *g, size_t at)
{
	int64_t pid = g->members[at].who.pid;

	for (size_t i = 0; i < at && pid >= 0; i++)
		if (g->members[i].who.pid == pid)
			return true;
	return false;
}

/*
 * Counts the sockets that listen, and the processes that accept from them. If
 * several processes share one socket, they are taken to share the others, too.
 */
static void
group_count(struct inspect_group *g)
{
	struct group_report *r = &g->report;
	int shared = 0;

	for (size_t i = 0; i < r->member_count; i++) {
		int servers = g->texts[i].servers;

		if (!port_socket_listens(&g->texts[i].sock))
			continue;
		r->sockets++;
		if (!servers)
			r->processes = -1;
		else if (servers > shared && servers > 1)
			shared = servers;
		else if (servers == 1 && r->processes >= 0)
			r->processes += !is_process_counted(g, i);
	}
	if (r->processes >= 0)
		r->processes += shared;
}

static void
group_flags_fill(struct inspect_group *g)
{
	size_t n = g->report.member_count;

	if (n && port_socket_listens(&g->texts[0].sock) &&
	    g->texts[0].servers > 1 &&
	    (n == 1 || !port_socket_listens(&g->texts[1].sock)))
		group_flag_set(&g->flags, GROUP_ONE_SOCKET);
	for (size_t i = 0; i < n; i++)
		group_flags_add(&g->flags, &g->texts[i].flags);
	g->report.flags = g->flags.names;
}

/* Sentences about members that do not accept. */
static int
group_findings(struct inspect_group *g, bool datagram)
{
	size_t n = g->report.member_count;
	struct finding_member *subjects = calloc(n + 1, sizeof(*subjects));
	struct finding_facts facts = {
		.members = subjects, .failure = "failed",
	};

	if (!subjects)
		return fail("groups");
	for (size_t i = 0; i < n; i++) {
		const struct group_member *m = &g->members[i];

		if (m->queue < 0)
			continue;
		subjects[facts.member_count++] = (struct finding_member){
			.who = m->who, .state = m->state, .expected = NAN,
			.stuck = member_has_flag(m, GROUP_STUCK),
			.waiting = datagram ? -1 : m->queue,
		};
	}
	finding_make(&g->findings, &facts);
	g->report.findings = &g->findings;
	g->report.finding = g->findings.count ? g->findings.at : NULL;
	g->report.verdict = g->findings.count ? g->findings.at->kind : NULL;
	free(subjects);
	return 0;
}

static void
group_place(struct inspect_group *g, const struct diag_sock *like, bool
    datagram)
{
	g->address = like->local;
	g->report.address = &g->address;
	g->report.protocol = datagram ? "udp" : "tcp";
	g->report.place = port_socket_place(like, g->place);
	g->report.v6only = like->v6only;
	if (like->ifindex && interface_name(like->ifindex, g->interface))
		g->report.interface = g->interface;
}

int
inspect_group_fill(struct inspect_group *g, const struct snapshot *snapshots,
    int taken, struct port_sockets *p, const struct diag_sock *like)
{
	const struct snapshot *last = &snapshots[taken - 1];
	int64_t age;

	group_place(g, like, p->datagram);
	if (group_gather(g, last, like) < 0)
		return -1;
	for (size_t i = 0; i < g->report.member_count; i++)
		inspect_member_fill(p, &g->texts[i], &g->members[i]);
	for (size_t i = 0; i < g->report.member_count; i++)
		inspect_member_judge(g, snapshots, taken, i);
	if (p->datagram)
		group_hijackable(g);
	else
		group_half_open(g);
	group_indices(g, p->registry);
	group_steering(g, p->registry);
	age = snapshot_oldest(last, like, true);
	g->report.oldest_wait = age < 0 ? NAN : (double)age / 1e3;
	if (group_losses(g, p) < 0)
		return -1;
	group_count(g);
	group_flags_fill(g);
	inspect_group_steered(g, is_steered_by_members(g) ? 1 : -1);
	return group_findings(g, p->datagram);
}

void
inspect_group_free(struct inspect_group *g)
{
	free(g->members);
	free(g->texts);
	free(g->losses);
	free(g->loss_texts);
}
