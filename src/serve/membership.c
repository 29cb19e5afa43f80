/*
 * A server's membership: its sockets, its slot on the registry, and what it
 * says about them.
 *
 *	state		sockets		slot		what moves it on
 *	none		not open	none		_open(): member
 *	member		open		claimed		leave.c closes: away
 *	away		closed		kept: AWAY	_join(): member
 *					or LEFT
 *	closed		the caller	released	_close(), from any
 *			closes them
 *
 * Without -r the registry is private: the same code runs, and no other process
 * sees it. A server may serve from a copy of the set (listening), which leave.c
 * empties; the set itself keeps the addresses for membership_join().
 */
#include "serve/membership.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/fail.h"
#include "base/signals.h"
#include "group/diagnose/bind_error.h"
#include "group/diagnose/overlap.h"
#include "group/replace.h"
#include "group/steer/member_index.h"
#include "net/multicast.h"
#include "net/resolve.h"
#include "serve/activation.h"
#include "serve/adoption.h"
#include "serve/program_check.h"

struct sock_options
membership_options(const struct settings *s)
{
	return (struct sock_options){
		.datagram = s->udp, .reuseport = s->reuseport,
		.stream = settings_stream(s),
		.backlog = (int)s->backlog, .interface = s->interface,
		.sockopts = &s->sockopts, .source = s->multicast_source,
	};
}

int
membership_listen(struct sock_set *out, const struct addr_list *want,
    const struct sock_options *o)
{
	signals_hold();
	if (sock_listen(out, want, o) == 0)
		return 0;
	bind_error_explain(out, o);
	return -1;
}

/* Opens the port's registry; if it fails, notes why and opens a private one. */
static int
membership_open_registry(struct membership *m, const struct settings *s)
{
	uint16_t port = addr_port(&m->set.bound[0]);

	if (s->reuseport) {
		m->registry = registry_open(s->udp, port);
		if (!m->registry)
			snprintf(m->notice, sizeof(m->notice), "%s: other "
			    "members can't be shown", fail_text());
	}
	if (!m->registry)
		m->registry = registry_private();
	return m->registry ? 0 : -1;
}

void
membership_equip(struct membership *m, int slot, const struct sock_set *set)
{
	const struct settings *s = m->settings;
	struct registry *r = m->registry;

	registry_slot(r, slot)->access = m->access;
	if (s->weight >= 0)
		registry_slot(r, slot)->weight = (uint32_t)s->weight;
	for (int i = 0; s->udp && s->reuseport && i < set->count; i++)
		index_hide(set->fd[i], registry_shared(r)->mark);
	registry_set_sockets(r, slot, set->fd, set->count);
}

/* Sets the steering that --steer or --weight ask for. */
static int
membership_apply_steering(struct membership *m)
{
	const struct settings *s = m->settings;
	enum steer_mode mode = mode_of(&registry_shared(m->registry)->steering);
	struct steering weights = { .mode = STEER_WEIGHTS };

	if (s->steer)
		return membership_steer(m, s->steer);
	if (s->weight < 0 || mode == STEER_WEIGHTS)
		return 0;
	if (mode == STEER_HASH)
		return mode_set(m->registry, &weights);
	return fail_as(STATUS_OK, "the weight does not count: the group's "
	    "steering is %s", steer_types[mode].name);
}

int
membership_steer(struct membership *m, const char *text)
{
	struct steering s;

	if (mode_parse(text, &s) < 0 || mode_suits(&s, m->settings->udp) < 0)
		return -1;
	return mode_set(m->registry, &s);
}

void
membership_full(struct registry *r, int slot, bool full)
{
	enum slot_state now = (enum slot_state)registry_slot(r, slot)->state;

	if (now == (full ? STATE_RUNNING : STATE_FULL))
		registry_set_state(r, slot, full ? STATE_FULL : STATE_RUNNING);
}

static int
open_inherited(struct membership *m, const struct settings *s,
    const struct endpoint *e)
{
	if (activation_open(m->activation, &m->set, s, e) < 0)
		return -1;
	if (program_check(s, m->set.bound, m->set.count) == 0)
		return 0;
	sock_set_close(&m->set);
	return -1;
}

static int
membership_open_sockets(struct membership *m, const struct settings *s,
    const struct endpoint *e)
{
	struct sock_options o = membership_options(s);
	struct addr_list list;
	int result;

	if (s->adopt)
		return adoption_open(&m->set, s, e);
	if (s->inherits)
		return open_inherited(m, s, e);
	result = resolve_passive(e, &list);
	if (result > 0)
		result = program_check(s, list.at, list.count);
	if (result == 0)
		result = membership_listen(&m->set, &list, &o);
	addr_list_free(&list);
	return result;
}

int
membership_open(struct membership *m, const struct settings *s,
    const struct endpoint *e, enum slot_kind kind)
{
	m->settings = s;
	m->owner = getpid();
	sockinfo_open(&m->sockinfo);
	if (membership_check_registry(s, e->port) < 0 ||
	    (s->replace && membership_check_replace(s, e) < 0) ||
	    membership_open_sockets(m, s, e) < 0)
		goto sockinfo;
	if (!s->adopt && !s->inherits)
		unix_name_get(&m->unix_name, &m->set.bound[0]);
	if (membership_open_registry(m, s) < 0)
		goto close;
	if (s->replace && s->name)
		replace_take_name(m->registry, s->replace, s->name);
	m->slot = registry_claim(m->registry, kind, s->name, 0);
	if (m->slot < 0)
		goto registry;
	m->named = s->name || s->reuseport;
	slot_name(membership_slot(m), m->name);
	membership_equip(m, m->slot, &m->set);
	if (membership_apply_steering(m) < 0)
		snprintf(m->notice, sizeof(m->notice), "%s", fail_text());
	if (s->adopt)
		adoption_mark(m->registry, &m->set);
	return 0;
registry:
	registry_close(m->registry);
close:
	sock_set_close(&m->set);
	unix_name_remove(&m->unix_name);
sockinfo:
	sockinfo_close(&m->sockinfo);
	return -1;
}

struct slot *
membership_slot(struct membership *m)
{
	return registry_slot(m->registry, m->slot);
}

const char *
membership_protocol(const struct settings *s, const struct addr *a)
{
	if (a->sa.sa_family == AF_UNIX)
		return s->udp ? "unix datagram" :
		    s->seqpacket ? "unix seqpacket" : "unix";
	return s->udp ? "udp" : s->mptcp ? "mptcp" : "tcp";
}

/* "127.0.0.1:9000"; the two sockets of a wildcard are "*:9000". */
static void
membership_address(const struct sock_set *set, char text[static ADDR_TEXT])
{
	if (set->count > 1)
		snprintf(text, ADDR_TEXT, "*:%u", addr_port(&set->bound[0]));
	else
		addr_text(&set->bound[0], text);
}

int
membership_observe(struct membership *m)
{
	struct group_stats *s = &m->stats;
	struct members all;

	if (members_list(&m->sockinfo, m->registry, m->settings->udp, &m->set,
	    &all) < 0)
		return -1;
	m->observed = loop_now();
	s->multicast = multicast_is_group(&m->set.bound[0]);
	membership_address(&m->set, s->address);
	s->scoreboard.address = s->address;
	s->scoreboard.protocol = membership_protocol(m->settings,
	    &m->set.bound[0]);
	s->scoreboard.name = m->named ? m->name : NULL;
	return group_stats_take(s, m->registry, &all, m->slot,
	    m->settings->udp);
}

/* How many processes are in the group, this one included. */
static int
count_members(struct membership *m)
{
	if (membership_observe(m) < 0 || m->stats.members.count < 1)
		return 1;
	return m->stats.members.count;
}

int
membership_join(struct membership *m)
{
	struct sock_options o = membership_options(m->settings);
	struct addr_list list = {
		.count = m->set.count, .at = m->set.bound,
	};
	struct sock_set set;

	if (membership_listen(&set, &list, &o) < 0)
		return -1;
	m->set = set;
	membership_equip(m, m->slot, &m->set);
	return 0;
}

/* Counts our own slot even if the watch has not seen it: the share is <= 1. */
uint64_t
membership_total(struct membership *m)
{
	uint64_t total = membership_slot(m)->counters.accepted;

	if (!registry_is_member(m->registry, m->slot))
		return 0;
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (m->watch.seen[i].order && i != m->slot)
			total +=
			    registry_slot(m->registry, i)->counters.accepted;
	return total;
}

int
membership_count(struct membership *m, int own)
{
	/* a parent's sockets are its first worker's: counted once already */
	return m->settings->reuseport ? count_members(m) + own - 1 : 1;
}

/* Emits notices about other sockets that overlap ours, in either direction. */
static void
emit_overlaps(struct membership *m, struct app *a, int own)
{
	static const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };
	struct sock_options o = membership_options(m->settings);
	struct overlaps all;

	/* there each socket gets its own copy */
	if (multicast_is_group(&m->set.bound[0]))
		return;
	overlaps_find(&m->set, &o, own, &all);
	for (int i = 0; i < all.count; i++)
		emit_notice(a, all.text[i]);
	overlap_strangers(&m->set, &o, own, &all);
	/* a new member joins the group first, then the registry: check again */
	if (all.count && nanosleep(&moment, NULL) == 0)
		overlap_strangers(&m->set, &o, own, &all);
	for (int i = 0; i < all.count; i++)
		emit_notice(a, all.text[i]);
}

/*
 * Of a group by weights, whose members have different shares, says that nobody
 * has given this one a weight. own: see membership_emit_start().
 */
static void
emit_default_weight(struct membership *m, struct app *a, int own)
{
	const struct group_stats *s = &m->stats;
	char text[160] = "";
	bool equal = true;

	if (!m->settings->reuseport || m->settings->weight >= 0 ||
	    !mode_weight_is_default(m->registry, m->slot))
		return;
	for (int i = 0; i < s->members.count; i++) {
		if (mode_weight(m->registry, s->members.list[i].slot) !=
		    WEIGHT_DEFAULT)
			equal = false;
		if (s->rows[i].own && own == 1)
			snprintf(text, sizeof(text), "%s has the default "
			    "weight, %d: %.3g %% of new connections", m->name,
			    WEIGHT_DEFAULT, 100 * s->rows[i].expected);
	}
	if (own > 1)
		snprintf(text, sizeof(text), "each worker of %s has the "
		    "default weight, %d", m->name, WEIGHT_DEFAULT);
	if (!equal && *text)
		emit_notice(a, text);
}

/*
 * Members of one group that admit different clients: says so, because a client
 * is served or not by the member that its hash meets.
 */
static void
emit_other_access(struct membership *m, struct app *a)
{
	const struct members *all = &m->stats.members;
	char text[160], name[SLOT_TEXT];
	const struct slot *first = NULL;
	int others = -1;

	for (int i = 0; m->settings->reuseport && i < all->count; i++) {
		const struct port_member *one = &all->list[i];
		const struct slot *s = one->slot < 0 || !one->sockets ? NULL :
		    registry_slot(m->registry, one->slot);

		if (!s || s->access == m->access)
			continue;
		first = first ? first : s;
		others++;
	}
	if (!first)
		return;
	snprintf(text, sizeof(text), "%s %s other clients than %s: the "
	    "member that a client meets decides", slot_text(first, name),
	    others ? "and others admit" : "admits", m->name);
	emit_notice(a, text);
}

void
membership_emit_start(struct membership *m, struct app *a, int own, int members)
{
	char steering[MODE_TEXT];

	if (*m->notice)
		emit_notice(a, m->notice);
	if (m->set.no_ipv6)
		emit_notice(a, "no IPv6 here: listening on IPv4 only");
	for (int i = 0; i < m->set.count; i++) {
		struct event e = {
			.kind = EVENT_LISTENING,
			.pid = getpid(),
			.name = m->named ? m->name : NULL,
			.protocol = membership_protocol(m->settings,
			    &m->set.bound[i]),
			.address = &m->set.bound[i],
			.reuseport = m->settings->reuseport,
			.members = members,
			.own = own,
			.membership = own > 1 ? members - own + 1 : members,
			.steering = !m->settings->reuseport
			? NULL
			: mode_text(&registry_shared(m->registry)->steering,
			      steering),
			.adopted = m->set.adopted ? m->set.adopted : -1,
			.text = adoption_state(&m->set),
		};

		emit_event(a, &e);
	}
	emit_sockopts(a, m->set.fd[0]);
	emit_default_weight(m, a, own);
	emit_other_access(m, a);
	/* adopted sockets overlapped already, before this process */
	if (!m->set.adopted && !m->set.inherited)
		emit_overlaps(m, a, own);
}

void
membership_emit_holder(struct app *a, const struct sock_set *listening)
{
	char text[ADOPTION_TEXT];

	if (listening->adopted && adoption_holder(listening, text))
		emit_notice(a, text);
}

void
membership_replace(struct membership *m, struct app *a)
{
	char who[SLOT_TEXT], text[128];
	const struct slot *s;
	pid_t pid;
	int slot;

	if (!m->settings->replace)
		return;
	slot = replace_find(m->registry, m->settings->replace);
	if (slot < 0) {
		emit_notice(a, fail_text());
		return;
	}
	s = registry_slot(m->registry, slot);
	pid = slot_pid(s);
	snprintf(text, sizeof(text), "%s is stopped: it leaves when it goes "
	    "on (kill -CONT %d)", slot_name(s, who), (int)pid);
	if (pid && owner_is_stopped(pid))
		emit_notice(a, text);
	replace_request(m->registry, slot);
}

void
membership_abandon(struct membership *m)
{
	sockinfo_close(&m->sockinfo);
	if (m->watch.loop && m->watch.source.fd >= 0)
		close(m->watch.source.fd);
}

void
membership_close(struct membership *m)
{
	registry_events_close(&m->watch);
	balance_stop(&m->balance);
	sockinfo_close(&m->sockinfo);
	group_stats_free(&m->stats);
	registry_close(m->registry);
	if (m->owner == getpid())
		unix_name_remove(&m->unix_name);
}
