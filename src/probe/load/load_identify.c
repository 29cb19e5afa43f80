/*
 * Connects a load to the ways of learning which member answers (--by): the
 * registry, the kernel (identify.c), or the peer's own name.
 * load_identify_open() finds the registry of the port, load_identify_aim() asks
 * the kernel about an address; load_follow() looks again for members while the
 * load runs. If the registry counts datagrams, the kernel is still asked whose
 * each is, because the registry does not know whose the lost ones were.
 */
#include "probe/load/load_internal.h"

#include <errno.h>

#include "base/fail.h"
#include "net/sock.h"

static struct origin
origin_of(const struct plan *p)
{
	return (struct origin){
		.datagram = p->datagram, .paced = p->rate > 0,
		.interface = p->interface, .sources = p->sources,
	};
}

/* The registry has names; it also counts if nothing else can. */
int
load_identify_open(struct load *l, const struct endpoint *e)
{
	const struct plan *p = l->plan;
	int members;

	l->port = e->local ? 0 : e->port;
	if (p->proxies)			/* it may be another host's port */
		return 0;
	members = registry_counts_open(&l->counts, p->datagram, l->port);
	if (p->by == BY_REGISTRY && members < 0 && errno != ENOENT)
		return -1;
	if (p->by == BY_REGISTRY && members <= 0)
		return fail_as(STATUS_NETWORK, "no registry: no member of "
		    "port %u is rpnc's and this user's", e->port);
	if (p->by == BY_REGISTRY || (p->by == BY_AUTO && p->datagram &&
	    members > 0))
		registry_counts_begin(&l->counts, &l->tally);
	return 0;
}

/* Whether this host's kernel can be asked about the address. */
static bool
is_askable(struct load *l, const struct addr *a)
{
	const struct plan *p = l->plan;
	struct origin from = origin_of(p);

	if (p->by != BY_AUTO && p->by != BY_DIAG)
		return false;
	if (p->proxies || !sock_is_local(a))
		return false;
	if (!l->identify)
		l->identify = identify_new(&l->tally, &from);
	return l->identify && identify_aim(l->identify, a) >= 0;
}

int
load_identify_aim(struct load *l, const struct addr *a)
{
	struct attempt_shared *s = &l->shared;
	bool askable = is_askable(l, a);
	char text[ADDR_TEXT];

	s->target = *a;
	s->identify = askable ? l->identify : NULL;
	s->by = l->plan->by;
	if (s->by == BY_AUTO && l->counts.counts)
		s->by = BY_REGISTRY;
	if (s->by == BY_AUTO && l->plan->datagram)
		s->by = askable ? BY_DIAG : BY_NONE;
	if (s->by != BY_DIAG || askable)
		return 0;
	if (!sock_is_local(a))
		fail_as(STATUS_USAGE, "only this host's kernel can be "
		    "asked, and %s is another host", addr_text(a, text));
	return -1;
}

/*
 * If all members have gone, the next ones have another registry. The same one
 * stays open, because its steering may have changed since the last look.
 */
static void
counts_reopen(struct load *l)
{
	if (!l->counts.registry || !registry_is_named(l->counts.registry)) {
		registry_counts_close(&l->counts);
		registry_counts_open(&l->counts, l->plan->datagram, l->port);
	}
	registry_counts_name(&l->counts, &l->tally);
}

void
load_name_members(struct load *l)
{
	registry_counts_name(&l->counts, &l->tally);
	if (l->shared.by != BY_REGISTRY)
		counts_reopen(l);
}

static int
counts_follow(struct load *l)
{
	bool before = l->counts.changed, now;

	l->counts.changed = false;
	registry_counts_follow(&l->counts, &l->tally);
	now = l->counts.changed;
	l->counts.changed |= before;
	return now;
}

/* The steering only matters if the members that answer are on this host. */
static bool
is_steering_new(struct load *l)
{
	uint32_t serial;

	if (!l->counts.registry || !(l->identify || l->counts.counts))
		return false;
	serial = registry_shared(l->counts.registry)->steering.serial;
	if (serial == l->counts.serial)
		return false;
	l->counts.serial = serial;
	return true;
}

int
load_follow(struct load *l, bool doubt)
{
	const struct attempt_shared *s = &l->shared;
	int found = 0;

	l->steered = is_steering_new(l);
	if (s->by == BY_REGISTRY)
		found = counts_follow(l);
	else if (s->identify && (s->by == BY_DIAG || s->by == BY_AUTO))
		found = identify_follow(s->identify, doubt);
	if (found > 0 && s->by != BY_REGISTRY)
		counts_reopen(l);
	l->changed |= found > 0 || l->steered;
	return found < 0 ? -1 : found || l->steered;
}

static const char *
protocol_name(const struct plan *p)
{
	if (p->local)
		return p->datagram ? "unix datagram" : "unix";
	return p->datagram ? "udp" : "tcp";
}

struct probe_target
load_target(const struct load *l)
{
	const struct addr *aimed = &l->shared.target;
	struct probe_target t;

	if (!l->plan->proxies)
		return target_direct(aimed->len ? aimed : &l->addresses.at[0],
		    protocol_name(l->plan));
	t = target_direct(l->shared.known ? l->shared.known :
	    l->route.servers.at, protocol_name(l->plan));
	t.proxy = l->proxies;
	t.port = l->port;
	if (!t.address)
		t.name = l->route.server->host[0] ? l->route.server->host :
		    "localhost";
	return t;
}

const char *
load_by(const struct load *l)
{
	static const char *const names[] = {
		[BY_DIAG] = "diag", [BY_BANNER] = "banner",
		[BY_REPLY] = "reply", [BY_REGISTRY] = "registry",
		[BY_NONE] = NULL,
	};
	const struct attempt_shared *s = &l->shared;

	return names[s->by == BY_AUTO && s->identify ? BY_DIAG : s->by];
}

bool
load_is_shared(const struct load *l)
{
	const struct addr *to = &l->shared.target;
	struct origin from = origin_of(l->plan);

	return !l->plan->local && !l->plan->proxies && to->len &&
	    identify_is_shared(&from, to);
}
