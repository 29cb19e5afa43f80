/*
 * Keeps new connections away from one process. How it works. The target may be
 * stuck, so it does nothing itself. Its listening sockets are found in the
 * kernel's list: through the registry if it is rpnc's, otherwise through /proc.
 * A request in the registry names them, and reconcile.c gives them weight 0
 * while this process lives.
 *
 *	step			who does it
 *	find the sockets	quarantine_find(), here
 *	name them		quarantine_begin(): the request's slot is ours
 *	spare them		the first healthy member that wakes: it attaches
 *				the program that the registry asks for
 *	keep it up		quarantine_observe(): the sockets may change
 *	end it			quarantine_end(), or our death; then a member
 *				attaches the program without the request
 *
 * So each group needs at least one member of rpnc's that is not stuck.
 */
#include "ops/quarantine.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "group/diagnose/port_sockets.h"
#include "kernel/sock_acceptor.h"

static const struct slot *
quarantine_slot(const struct quarantine *q, uint64_t inode)
{
	int socket,
	    slot = q->registry ? registry_find_socket(q->registry, inode, &socket)
			       : -1;

	return slot < 0 ? NULL : registry_slot(q->registry, slot);
}

static bool
target_holds(struct quarantine *q, uint64_t inode)
{
	pid_t pids[REGISTRY_SLOTS];
	int n = q->sockinfo.owners ? owners_holders(q->sockinfo.owners, inode,
	    pids, REGISTRY_SLOTS) : 0;

	for (int i = 0; i < n && i < REGISTRY_SLOTS; i++)
		if (pids[i] == q->pid)
			return true;
	return false;
}

/* Whether the target, and no other process, accepts from the socket. */
static bool
is_of_target(struct quarantine *q, uint64_t inode)
{
	const struct slot *s = quarantine_slot(q, inode);
	struct sock_acceptor h;

	if (s)
		return q->process && s->process == q->process;
	if (!target_holds(q, inode))
		return false;
	sock_acceptor_find(q->sockinfo.owners, inode, &h);
	q->shared |= h.servers > 1;
	q->manager |= h.servers == 1 && h.pid != q->pid;
	return h.pid == q->pid;
}

static bool
quarantine_wants(const struct quarantine *q, const struct diag_sock *d)
{
	struct diag_sock host = port_socket_like(&q->host, q->datagram, NULL);

	if (!port_socket_listens(d) || (q->family != AF_UNSPEC &&
	    d->local.sa.sa_family != q->family))
		return false;
	return !q->host.len || relation_of(d, &host) != APART;
}

static int
collect_socket(const struct diag_sock *d, void *arg)
{
	struct quarantine *q = arg;

	if (!quarantine_wants(q, d) || !is_of_target(q, d->inode))
		return 0;
	q->many |= q->count == REGISTRY_SOCKETS;
	if (!q->many)
		q->sock[q->count++] = *d;
	return 0;
}

static int
quarantine_protocol(const struct quarantine *q)
{
	return q->datagram ? IPPROTO_UDP : IPPROTO_TCP;
}

static int
find_sockets(struct quarantine *q)
{
	unsigned states = 1 << (q->datagram ? TCP_CLOSE : TCP_LISTEN);

	q->count = 0;
	q->many = false;
	q->queue = 0;
	if (sock_diag_dump(q->sockinfo.diag, quarantine_protocol(q), states,
	    q->port, collect_socket, q) < 0)
		return -1;
	for (int i = 0; i < q->count; i++)
		q->queue += q->sock[i].rqueue;
	return 0;
}

const char *
quarantine_text(const struct quarantine *q, char text[static QUARANTINE_TEXT])
{
	char safe[sizeof(q->command) * ESCAPE_MAX + 1];

	escape(q->command, strlen(q->command), false, safe);
	snprintf(text, QUARANTINE_TEXT, "%s (pid %d)",
	    *q->name ? q->name : *safe ? safe : "a process", (int)q->pid);
	return text;
}

/* Why a member can't attach a program; NULL: it can. */
static const char *
member_trouble(struct quarantine *q, const struct slot *s, uint64_t inode)
{
	pid_t pid = member_pid(&q->sockinfo, s);

	/*
	 * pid 0: it is in another PID namespace; its lock shows that it lives
	 */
	switch (pid ? owner_state(pid) : 0) {
	case 'T':
	case 't':
		return "stopped";
	case 'Z':
	case 'X':
	case -1:
		return "dead";
	}
	if (s->state != STATE_RUNNING && s->state != STATE_FULL)
		return state_name(s->state);
	return request_of(q->registry, inode) ? "quarantined" : NULL;
}

/* The other members of one of the target's groups. */
struct group_check {
	int others, healthy, strangers;		/* strangers: not rpnc's */
	const struct slot *unhealthy;		/* one that can't, and why */
	const char *trouble;
	struct diag_sock stranger;
};

static void
group_check_add(struct quarantine *q, struct group_check *r,
    const struct diag_sock *d)
{
	const struct slot *s = quarantine_slot(q, d->inode);
	const char *why;

	if (is_of_target(q, d->inode)) {
		r->strangers += !s;
		return;
	}
	r->others++;
	if (!s) {
		r->stranger = *d;
		r->strangers++;
		return;
	}
	why = member_trouble(q, s, d->inode);
	if (why) {
		r->unhealthy = s;
		r->trouble = why;
		return;
	}
	r->healthy++;
	slot_text(s, q->doer);
}

static int
group_check_fill(struct quarantine *q, int i, struct group_check *r)
{
	struct diag_sock *list = NULL;
	int n = sock_diag_group_of(q->sockinfo.diag, &q->sock[i], &list);

	*r = (struct group_check){ 0 };
	for (int j = 0; j < n; j++)
		group_check_add(q, r, &list[j]);
	free(list);
	if (i == 0 || r->healthy < q->healthy)
		q->healthy = r->healthy;
	q->foreign |= r->strangers > 0;
	return n;
}

/* Records why no member of this group can attach the program. */
static int
refuse_group(struct quarantine *q, int i, const struct group_check *r)
{
	char whom[QUARANTINE_TEXT], place[PORT_SOCKET_TEXT],
	    unhealthy[SLOT_TEXT];

	quarantine_text(q, whom);
	port_socket_place(&q->sock[i], place);
	if (!r->others)
		return fail_as(STATUS_NETWORK, "%s: %s is alone at %s: no "
		    "other member can take its connections", q->option, whom,
		    place);
	if (!r->unhealthy)
		return fail_as(STATUS_NETWORK, "%s: no other member at %s is "
		    "rpnc's: one must be, to steer, and to undo it",
		    q->option, place);
	return fail_as(STATUS_NETWORK, "%s: no healthy rpnc is there at %s, to "
	    "steer and to undo it: %s is %s", q->option, place,
	    slot_text(r->unhealthy, unhealthy), r->trouble);
}

static int
refuse_strangers(struct quarantine *q, int i, const struct group_check *r)
{
	char place[PORT_SOCKET_TEXT], safe[16 * ESCAPE_MAX + 1] = "";
	struct owner o = { 0 };

	port_socket_place(&q->sock[i], place);
	if (r->stranger.inode && q->sockinfo.owners &&
	    owners_find(q->sockinfo.owners, r->stranger.inode, &o) > 0)
		escape(o.command, strlen(o.command), false, safe);
	if (q->datagram)
		return fail_as(STATUS_NETWORK, "%s: at %s not all sockets "
		    "are rpnc's, and then the order of datagram sockets "
		    "can't be found", q->option, place);
	if (q->force)
		return 0;
	fail_as(STATUS_USAGE, "%s: at %s not all members are rpnc's%s"
	    "%s%s: a program that one of them has attached can be neither "
	    "seen nor given back", q->option, place, *safe ? " (" : "", safe,
	    *safe ? " is not)" : "");
	return fail_advise(ADVICE_FORCE);
}

static int
check_groups(struct quarantine *q)
{
	for (int i = 0; i < q->count; i++) {
		struct group_check r;

		if (group_check_fill(q, i, &r) < 0)
			return -1;
		if (!r.healthy)
			return refuse_group(q, i, &r);
		if (r.strangers && refuse_strangers(q, i, &r) < 0)
			return -1;
	}
	return 0;
}

/* The uid of a process, from /proc. */
static uid_t
process_user(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) < 0 ? geteuid() : st.st_uid;
}

static int
refuse_user(const struct quarantine *q, uid_t uid)
{
	char user[PORT_SOCKET_TEXT];

	return fail_as(STATUS_USAGE, "%s %.24s: it is of user %.64s, and "
	    "only that user has access to the registry of its port",
	    q->option, q->whom,
	    user_text(uid, user));
}

/* Records why the target has none of the port's sockets. */
static int
refuse_process(struct quarantine *q)
{
	const char *what = q->datagram ? "UDP" : "TCP";

	if (q->shared)
		return fail_as(STATUS_NETWORK, "%s %.24s: it shares its socket "
		    "with other processes, which would get nothing, too",
		    q->option, q->whom);
	if (q->manager)
		return fail_as(STATUS_USAGE, "%s %.24s: it has only started "
		    "those that accept on port %u: name one of them",
		    q->option, q->whom, q->port);
	if (process_user(q->pid) != geteuid())
		return refuse_user(q, process_user(q->pid));
	return fail_as(STATUS_USAGE, "%s %.24s: it has no socket of its own%s "
	    "that is a member of %s port %u: '%s' lists them", q->option,
	    q->whom, q->host.len || q->family != AF_UNSPEC ? " there" : "",
	    what, q->port, q->lister);
}

/* Finds a member by its name, or by its pid in this namespace. */
static void
find_member(struct quarantine *q)
{
	for (int i = 0; q->registry && i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(q->registry, i);
		char name[REGISTRY_NAME];
		pid_t pid;

		if (!registry_is_member(q->registry, i))
			continue;
		pid = member_pid(&q->sockinfo, s);
		if (strcmp(slot_name(s, name), q->whom) != 0 &&
		    (!pid || pid != q->pid))
			continue;
		q->pid = pid;
		q->process = s->process;
		memcpy(q->name, name, sizeof(name));
	}
}

/* Finds the target by a member's name, or by a pid. */
static int
find_process(struct quarantine *q)
{
	int64_t pid;

	if (num_parse(q->whom, 1, INT32_MAX, &pid) == 0)
		q->pid = (pid_t)pid;
	find_member(q);
	if (q->process && !q->pid)
		return fail_as(STATUS_USAGE, "%s %.24s: its process is in "
		    "another PID namespace, and can't be reached from here: "
		    "run this in the same container, or on the host",
		    q->option, q->whom);
	if (!q->pid)
		return fail_as(STATUS_USAGE, "%s %.24s: want the pid of a "
		    "member, or the name of one that is rpnc's", q->option,
		    q->whom);
	if (owner_state(q->pid) < 0)
		return fail_as(STATUS_USAGE, "%s %.24s: no such process",
		    q->option, q->whom);
	owner_command(q->pid, q->command);
	return 0;
}

int
quarantine_find(struct quarantine *q)
{
	struct fault saved;

	q->slot = -1;
	sockinfo_open(&q->sockinfo);
	if (!q->sockinfo.diag)
		return -1;
	fail_save(&saved);
	q->registry = registry_open_existing(q->datagram, q->port);
	fail_restore(&saved);
	if (find_process(q) < 0 || find_sockets(q) < 0)
		return -1;
	if (!q->count)
		return refuse_process(q);
	if (q->many) {
		fail_as(STATUS_NETWORK, "%s %.24s: it has more than %d "
		    "sockets there", q->option, q->whom, REGISTRY_SOCKETS);
		return fail_advise(ADVICE_ONE_HOST);
	}
	if (q->sock[0].uid != geteuid())
		return refuse_user(q, q->sock[0].uid);
	return check_groups(q);
}

static int
quarantine_request(struct quarantine *q)
{
	uint64_t inodes[REGISTRY_SOCKETS];

	for (int i = 0; i < q->count; i++)
		inodes[i] = q->sock[i].inode;
	return request_set(q->registry, q->slot, q->pid, inodes, q->count);
}

int
quarantine_begin(struct quarantine *q)
{
	registry_close(q->registry);
	q->registry = registry_open(q->datagram, q->port);
	if (!q->registry)
		return -1;
	q->slot = request_claim(q->registry);
	return q->slot < 0 ? -1 : quarantine_request(q);
}

enum progress
quarantine_progress(struct quarantine *q)
{
	enum progress all = PROGRESS_DONE;

	for (int i = 0; i < q->count; i++) {
		enum progress one = reconcile_progress(q->registry,
		    q->sockinfo.diag, &q->sock[i]);

		if (one == PROGRESS_GIVEN_UP)
			return one;
		if (one == PROGRESS_DUE)
			all = one;
	}
	return all;
}

/* Whether the target has sockets that the request does not name. */
static bool
has_new_socket(const struct quarantine *q)
{
	const struct slot *ours = registry_slot(q->registry, q->slot);

	for (int i = 0; i < q->count; i++)
		if (request_of(q->registry, q->sock[i].inode) != ours)
			return true;
	return false;
}

int
quarantine_observe(struct quarantine *q)
{
	struct group_check r;

	if (find_sockets(q) < 0)
		return -1;
	if (!q->count)
		return 0;
	q->foreign = false;
	for (int i = 0; i < q->count; i++)
		group_check_fill(q, i, &r);
	return has_new_socket(q) ? quarantine_request(q) : 0;
}

void
quarantine_end(struct quarantine *q)
{
	if (q->slot < 0)
		return;
	registry_set_state(q->registry, q->slot, STATE_LEFT);
	q->slot = -1;
}

bool
quarantine_stays(const struct quarantine *q)
{
	for (int i = 0; i < q->count; i++)
		if (!request_of(q->registry, q->sock[i].inode))
			return false;
	return q->count > 0;
}

void
quarantine_close(struct quarantine *q)
{
	quarantine_end(q);
	sockinfo_close(&q->sockinfo);
	if (q->registry)
		registry_close(q->registry);
	q->registry = NULL;
}
