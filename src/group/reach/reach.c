/*
 * Reaches one given member of a port. How it works.
 *
 *	by		a source port is chosen		who has it is
 *	prediction	that the kernel's hash gives	looked up once it is
 *			to a socket of the member	accepted
 *	trying		by connect(2)			looked up; if it is
 *							another, once more
 *	greeting	by connect(2)			read from the greeting;
 *							the same
 *
 * Prediction comes first. If a program steers, which only rpnc's own registry
 * shows beforehand, or if a prediction proves wrong, trying takes over. A
 * connection that nobody has accepted in time is where the hash put it, unless
 * a prediction was wrong. Datagrams leave no trace of who has them: prediction
 * alone tells, and where a program is known to steer, nothing does.
 *
 * If several processes accept from one socket, no port leads to one of them:
 * only trying is left.
 *
 * Tries are bounded: a member with an equal share is missed by all of them less
 * than once in a million times (port_plan_tries()). Other members see a
 * connection that ends at once.
 */
#include "group/reach/reach.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/loop.h"
#include "base/num.h"
#include "base/pid_set.h"
#include "net/sock.h"

enum {
	ACCEPT_US = 1000 * 1000,	/* until it is accepted */
	DEFERRED_US = 50 * 1000,	/* the same, if it waits for data */
	OBSERVE_FIRST_NS = 50 * 1000,
	OBSERVE_LAST_NS = 5 * 1000 * 1000,
	GREETING_US = 1000 * 1000,
	GREETING_MAX = 256,
	HOLDERS_MAX = 64,
	ANCESTORS = 8,
	PORTS_TAKEN = 64,		/* chosen ports that are in use */
};

const char *const reach_names[] = {
	[REACH_PREDICTION] = "prediction", [REACH_TRYING] = "trying",
	[REACH_GREETING] = "greeting",
};

void
reach_open(struct reach *r, uint16_t port)
{
	sockinfo_open(&r->sockinfo);
	r->registry = r->distant ? NULL :
	    registry_open_existing(r->datagram, port);
}

void
reach_close(struct reach *r)
{
	port_group_free(&r->group);
	port_plan_free(&r->plan);
	if (r->registry)
		registry_close(r->registry);
	sockinfo_close(&r->sockinfo);
}

/* No socket is the member's alone. */
static int
aim_at_shared(struct reach *r, const struct addr *target)
{
	r->sharers = port_group_sharers(&r->group, r->sockinfo.owners, &r->whom,
	    &r->shared);
	if (r->shared && !r->datagram)
		return 1;
	/* the greeting of one that can't be seen may tell who it is */
	if (((r->whom.name[0] && r->sharers) ||
	    port_group_is_hidden(&r->group)) && !r->datagram && !r->mute)
		return 0;
	return port_group_fail_absent(&r->group, target, r->text);
}

int
reach_aim(struct reach *r, const struct addr *target, const struct addr *source)
{
	port_group_free(&r->group);
	port_plan_free(&r->plan);
	r->shared = false;
	r->sharers = 0;
	if (r->distant || !sock_is_local(target))
		return 0;
	if (port_group_find(&r->group, &r->sockinfo, r->registry,
	    r->datagram ? IPPROTO_UDP : IPPROTO_TCP, target, source,
	    r->interface) <= 0)
		return 0;
	for (int i = 0; i < r->group.count; i++) {
		const struct port_group_socket *s = &r->group.at[i];

		if (!port_group_is_chosen(s, &r->whom))
			continue;
		if (port_plan_add(&r->plan, s->inode, PORT_PLAN_ANY) < 0)
			return fail("connect");
	}
	r->plan.sockets = r->group.count;
	return r->plan.count ? 1 : aim_at_shared(r, target);
}

/* Whether a process, or an ancestor that forked it, is the member. */
static bool
process_is_chosen(struct reach *r, pid_t pid)
{
	if (r->shared && port_group_is_sharer(&r->whom, pid)) {
		r->who = (struct port_group_socket){ .pid = pid, .worker = -1 };
		owner_command(pid, r->who.command);
		return true;
	}
	for (int i = 0; i < ANCESTORS && pid > 0; i++) {
		for (int j = 0; j < r->group.count; j++) {
			const struct port_group_socket *s = &r->group.at[j];

			if (s->pid != pid)
				continue;
			r->who = *s;
			return port_group_is_chosen(s, &r->whom);
		}
		pid = owner_parent(pid);
	}
	return false;
}

/* The member that has accepted the connection. */
enum reached {
	REACHED_CHOSEN, REACHED_OTHER,
	REACHED_UNKNOWN,		/* nobody was seen to accept it */
};

/* Finds the server's end of the connection; 0: there is none yet. */
static int
end_find(struct reach *r, const struct addr *target, const struct addr *ours,
    struct diag_sock *end)
{
	if (sock_diag_get(r->sockinfo.diag, IPPROTO_TCP, target, ours,
	    end) <= 0 || end->state == TCP_LISTEN)
		return -1;
	return end->inode != 0;
}

static enum reached
end_reached(struct reach *r, uint64_t inode)
{
	struct owners *o = r->sockinfo.owners;
	pid_t pids[HOLDERS_MAX];
	int n = owners_holders(o, inode, pids, HOLDERS_MAX);

	if (n <= 0) {			/* /proc was read just before */
		owners_refresh(o);
		n = owners_holders(o, inode, pids, HOLDERS_MAX);
	}
	if (n <= 0)
		return REACHED_UNKNOWN;
	for (int i = 0; i < n && i < HOLDERS_MAX; i++)
		if (process_is_chosen(r, pids[i]))
			return REACHED_CHOSEN;
	return REACHED_OTHER;
}

/* Waits until the connection is accepted, and looks who has it. */
static enum reached
reach_observe(struct reach *r, const struct addr *target, int fd)
{
	int64_t began = loop_now(), waited;
	struct timespec gap = { .tv_nsec = OBSERVE_FIRST_NS };
	struct diag_sock end;
	struct addr ours;
	int found;

	if (r->datagram || sock_name(fd, &ours) < 0)
		return REACHED_UNKNOWN;
	while ((found = end_find(r, target, &ours, &end)) == 0) {
		waited = loop_now() - began;
		if (waited >= ACCEPT_US || loop_now() >= r->deadline ||
		    (end.state == TCP_SYN_RECV && waited >= DEFERRED_US))
			return REACHED_UNKNOWN;
		nanosleep(&gap, NULL);
		if (gap.tv_nsec < OBSERVE_LAST_NS)
			gap.tv_nsec *= 2;
	}
	return found < 0 ? REACHED_UNKNOWN : end_reached(r, end.inode);
}

/* Ends a connection that another member has got: by FIN, not by RST. */
static void
reach_drop(int fd)
{
	char room[GREETING_MAX];

	shutdown(fd, SHUT_WR);
	while (recv(fd, room, sizeof(room), MSG_DONTWAIT) > 0)
		;
	close(fd);
}

/* Whether a fault is only that the chosen port can't be used. */
static bool
is_port_refused(void)
{
	return errno == EADDRINUSE || errno == EADDRNOTAVAIL;
}

static void
who_by_inode(struct reach *r, uint64_t inode)
{
	for (int i = 0; i < r->group.count; i++)
		if (r->group.at[i].inode == inode)
			r->who = r->group.at[i];
}

/* Connects from a port that the hash gives to the member; -2: none found. */
static int
connect_predicted(struct reach *r, const struct addr *target)
{
	struct addr source = r->group.source;
	uint64_t inode;
	int fd = -2;

	port_search_begin(&r->search);
	for (int i = 0; i < PORTS_TAKEN; i++) {
		if (port_search_next(&r->search, &source, &inode) <= 0)
			return -2;
		who_by_inode(r, inode);
		fd = r->connect(r, target, &source);
		if (fd >= 0 || !is_port_refused())
			break;
	}
	return fd;
}

static int
connect_any(struct reach *r, const struct addr *target)
{
	struct addr source = r->group.source;

	return r->connect(r, target, &source);
}

static int
reach_fail_datagram(const struct reach *r)
{
	return fail_as(STATUS_NETWORK, "%.40s: a program chooses who gets a "
	    "datagram, and nothing shows whom it chose", r->text);
}

static int
reach_fail_missed(const struct reach *r, const struct addr *target)
{
	char text[ADDR_TEXT];

	fail_as(STATUS_NETWORK, "connect to %s: %.40s got none of %d "
	    "connection%s", addr_text(target, text), r->text, r->tries,
	    plural((uint64_t)r->tries));
	fail_add("%s%s", r->why ? r->why : "none of them was seen to be its "
	    "own", r->steered ? ", and keeps them from it" : "");
	return loop_now() >= r->deadline ? fail_status_set(STATUS_TIMEOUT) : -1;
}

/* The hash has not chosen. */
static void
reach_wrong(struct reach *r, const struct addr *target)
{
	bool changed = port_group_has_changed(&r->group, r->sockinfo.diag,
	    IPPROTO_TCP, target);

	r->why = port_group_why_wrong(r->registry, changed, &r->steered);
}

/* A connection has come to nobody, or to another member; 1: it is good. */
static int
reach_judge(struct reach *r, const struct addr *target, enum reached reached)
{
	if (reached == REACHED_CHOSEN) {
		r->seen = true;
		return 1;
	}
	if (reached == REACHED_UNKNOWN && r->how == REACH_PREDICTION)
		return 1;
	if (r->how == REACH_PREDICTION)
		reach_wrong(r, target);
	r->how = REACH_TRYING;
	return 0;
}

/* Has the members' descriptors read first when a new socket is looked for. */
static void
owners_warm(struct reach *r)
{
	pid_t pids[HOLDERS_MAX];

	for (int i = 0; i < r->group.count; i++)
		owners_holders(r->sockinfo.owners, r->group.at[i].inode, pids,
		    HOLDERS_MAX);
}

int
reach_by_kernel(struct reach *r, const struct addr *target)
{
	int most = r->shared ? port_plan_tries(1, r->sharers) :
	    port_group_tries(&r->group, &r->plan, false), fd;

	port_search_init(&r->search);
	r->search.diag = r->sockinfo.diag;
	r->search.protocol = r->datagram ? IPPROTO_UDP : IPPROTO_TCP;
	r->search.target = *target;
	r->search.plan = &r->plan;
	r->why = r->group.count > 1 ? port_group_why_steered(&r->group) : NULL;
	r->steered = r->why && !r->group.leaving;
	if (r->steered && r->datagram)
		return reach_fail_datagram(r);
	r->how = r->why || r->shared ? REACH_TRYING : REACH_PREDICTION;
	if (!r->datagram)
		owners_warm(r);
	while (r->tries < most && loop_now() < r->deadline) {
		fd = r->how == REACH_PREDICTION ? connect_predicted(r, target) :
		    connect_any(r, target);
		if (fd == -2)
			r->how = REACH_TRYING;
		if (fd == -2 && !r->datagram)
			continue;
		if (fd < 0)
			return -1;
		r->tries++;
		if (reach_judge(r, target, reach_observe(r, target, fd)) > 0)
			return fd;
		reach_drop(fd);
	}
	return reach_fail_missed(r, target);
}

/* Waits for a line, and leaves it in the socket; its length, or -1. */
static int
greeting_peek(const struct reach *r, int fd, char line[static GREETING_MAX])
{
	int64_t end = loop_now() + GREETING_US;
	struct timespec gap = { .tv_nsec = OBSERVE_LAST_NS };
	struct pollfd in = { .fd = fd, .events = POLLIN };

	if (end > r->deadline)
		end = r->deadline;
	while (loop_now() < end && poll(&in, 1, loop_ms_until(end)) > 0) {
		ssize_t n = recv(fd, line, GREETING_MAX, MSG_PEEK |
		    MSG_DONTWAIT);

		if (n > 0 && memchr(line, '\n', (size_t)n))
			return (int)n;
		if (n == 0 || n == GREETING_MAX || (n < 0 && errno != EAGAIN &&
		    errno != EINTR))
			return -1;
		nanosleep(&gap, NULL);	/* poll(2) would spin */
	}
	return -1;
}

/* Reads who has the connection; -1: it does not say. */
static int
greeting_who(struct reach *r, int fd)
{
	static const char start[] = "rpnc/1 ";
	char line[GREETING_MAX];
	struct greeting_words g;
	int n = greeting_peek(r, fd, line);

	if (n < (int)sizeof(start) ||
	    memcmp(line, start, sizeof(start) - 1) != 0 ||
	    greeting_read(&g, line, (size_t)n) < 0)
		return -1;
	r->who = (struct port_group_socket){
		.pid = g.pid, .worker = g.worker,
	};
	snprintf(r->who.name, sizeof(r->who.name), "%.*s",
	    (int)sizeof(r->who.name) - 1, g.name);
	return 0;
}

static int
reach_fail_greeted(const struct reach *r, const struct addr *target, int others)
{
	char text[ADDR_TEXT] = "the server";

	if (target->len)
		addr_text(target, text);
	fail_as(loop_now() >= r->deadline ? STATUS_TIMEOUT : STATUS_NETWORK,
	    "%s: %d connection%s, and %.40s greeted on none", text, r->tries,
	    plural((uint64_t)r->tries), r->text);
	fail_add("%d other%s did", others, plural((uint64_t)others));
	return -1;
}

static int
reach_fail_mute(const struct addr *target)
{
	char text[ADDR_TEXT] = "the server";

	if (target->len)
		addr_text(target, text);
	fail_as(STATUS_NETWORK, "%s: it sends no greeting that names the "
	    "member", text);
	return fail_advise(ADVICE_IDENTIFY);
}

int
reach_by_greeting(struct reach *r, const struct addr *target,
    const struct addr *source)
{
	struct pid_set others = { .count = 0 };
	int fd = -1;

	r->how = REACH_GREETING;
	/* one more may be there that has not greeted yet */
	while (r->tries < port_plan_tries(1, others.count + 1) &&
	    loop_now() < r->deadline) {
		fd = r->connect(r, target, source);
		if (fd < 0)
			goto done;
		r->tries++;
		if (greeting_who(r, fd) < 0) {
			close(fd);
			fd = reach_fail_mute(target);
			goto done;
		}
		if (member_choice_is(&r->whom, r->who.name, r->who.pid, 0,
		    r->who.worker)) {
			r->seen = true;
			goto done;
		}
		pid_set_add(&others, r->who.pid);
		reach_drop(fd);
	}
	fd = reach_fail_greeted(r, target, others.count);
done:
	pid_set_free(&others);
	return fd;
}
