#include "probe/load/run.h"

#include <errno.h>
#include <stddef.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/resolve.h"
#include "net/sock.h"

static struct run *
of_pace(struct pace *p)
{
	return container_of(p, struct run, pace);
}

static void
on_done(struct pace *p)
{
	struct run *r = of_pace(p);

	r->on_done(r);
}

static void
on_skip(struct pace *p, const struct addr *a, int error)
{
	struct run *r = of_pace(p);

	if (r->on_skip)
		r->on_skip(r, a, error);
}

static void
on_result(struct pace *p, const struct attempt_result *result)
{
	struct run *r = of_pace(p);

	if (r->on_result)
		r->on_result(r, result);
}

static struct origin
origin_of(const struct plan *p)
{
	return (struct origin){
		.datagram = p->datagram, .paced = p->rate > 0,
		.interface = p->interface, .sources = p->sources,
	};
}

/* Whether this host's kernel can be asked about the address. */
static bool
is_askable(struct run *r, const struct addr *a)
{
	const struct plan *p = r->pace.plan;
	struct origin from = origin_of(p);

	if (p->by != BY_AUTO && p->by != BY_DIAG)
		return false;
	if (!sock_is_local(a))
		return false;
	if (!r->who)
		r->who = identify_new(&r->tally, &from);
	return r->who && identify_aim(r->who, a) >= 0;
}

static void
on_aim(struct pace *p, const struct addr *a)
{
	struct run *r = of_pace(p);
	struct ground *g = &p->ground;
	bool askable = is_askable(r, a);
	char text[ADDR_TEXT];

	g->target = *a;
	g->who = askable ? r->who : NULL;
	g->by = p->plan->by;
	if (g->by == BY_AUTO && r->counts.counts)
		g->by = BY_REGISTRY;
	if (g->by == BY_AUTO && p->plan->datagram)
		g->by = askable ? BY_DIAG : BY_NONE;
	if (g->by == BY_REGISTRY)
		g->who = NULL;
	if (g->by != BY_DIAG || askable)
		return;
	if (!sock_is_local(a))
		fail_as(STATUS_USAGE, "--by diag asks this host's kernel, "
		    "and %s is another host", addr_text(a, text));
	p->stopping = true;
	r->on_fault(r);
}

/* Adds the addresses of a family whose answer was late. */
static void
on_more(struct pace *p)
{
	lookup_take(&of_pace(p)->lookup, &p->addresses);
}

static int
find_addresses(struct run *r, const struct endpoint *e)
{
	struct addr_list *list = &r->pace.addresses;
	const struct plan *p = r->pace.plan;

	if (resolve_wait(e, loop_now() + p->connect_timeout, p->wait,
	    &r->lookup, list) < 0)
		return -1;
	r->fallback = list->at[0];
	return 0;
}

/* The registry has names; it counts too where nothing else can. */
static int
open_roll(struct run *r, const struct endpoint *e)
{
	const struct plan *p = r->pace.plan;
	int members;

	r->port = e->local ? 0 : e->port;
	members = registry_counts_open(&r->counts, p->datagram, r->port);
	if (p->by == BY_REGISTRY && members < 0 && errno != ENOENT)
		return -1;
	if (p->by == BY_REGISTRY && members <= 0)
		return fail_as(STATUS_NETWORK, "--by registry: no member of port "
		    "%u is rpnc's and this user's", e->port);
	if (p->by == BY_REGISTRY || (p->by == BY_AUTO && p->datagram &&
	    members > 0))
		registry_counts_begin(&r->counts, &r->tally);
	return 0;
}

int
run_open(struct run *r, const struct plan *plan, const struct endpoint *e)
{
	r->pace.plan = plan;
	r->pace.clock.fd = -1;
	r->pace.ground.tally = &r->tally;
	r->lookup = LOOKUP_NONE;
	r->pace.on_aim = on_aim;
	r->pace.on_more = on_more;
	r->pace.on_skip = on_skip;
	r->pace.on_result = on_result;
	r->pace.on_done = on_done;
	return find_addresses(r, e) < 0 || open_roll(r, e) < 0 ? -1 : 0;
}

int
run_start(struct run *r, struct loop *l)
{
	return pace_open(&r->pace, l);
}

/* The registry may be another one since all of its members have gone. */
static void
name_again(struct run *r)
{
	registry_counts_close(&r->counts);
	registry_counts_open(&r->counts, r->pace.plan->datagram, r->port);
	registry_counts_name(&r->counts, &r->tally);
}

static int
follow_registry(struct run *r)
{
	bool before = r->counts.changed, now;

	r->counts.changed = false;
	registry_counts_follow(&r->counts, &r->tally);
	now = r->counts.changed;
	r->counts.changed |= before;
	return now;
}

/* The steering is about those who answer only where they are on this host. */
static bool
is_steered_anew(struct run *r)
{
	uint32_t serial;

	if (!r->counts.registry || !(r->who || r->counts.counts))
		return false;
	serial = registry_shared(r->counts.registry)->steering.serial;
	if (serial == r->counts.serial)
		return false;
	r->counts.serial = serial;
	return true;
}

int
run_follow(struct run *r, bool doubt)
{
	const struct ground *g = &r->pace.ground;
	int found = 0;

	r->steered = is_steered_anew(r);
	if (g->by == BY_REGISTRY)
		found = follow_registry(r);
	else if (g->who && (g->by == BY_DIAG || g->by == BY_AUTO))
		found = identify_follow(g->who, doubt);
	if (found > 0 && g->by != BY_REGISTRY)
		name_again(r);
	r->changed |= found > 0 || r->steered;
	return found < 0 ? -1 : found || r->steered;
}

static const char *
protocol(const struct plan *p)
{
	if (p->local)
		return p->datagram ? "unix datagram" : "unix";
	return p->datagram ? "udp" : "tcp";
}

struct probe_target
run_target(const struct run *r)
{
	const struct addr *aimed = &r->pace.ground.target;

	return (struct probe_target){
		.address = aimed->len ? aimed : &r->fallback,
		.protocol = protocol(r->pace.plan),
	};
}

const char *
run_by(const struct run *r)
{
	static const char *const names[] = {
		[BY_DIAG] = "diag", [BY_BANNER] = "banner",
		[BY_REPLY] = "reply", [BY_REGISTRY] = "registry",
		[BY_NONE] = NULL,
	};
	const struct ground *g = &r->pace.ground;

	return names[g->by == BY_AUTO && g->who ? BY_DIAG : g->by];
}

bool
run_is_shared(const struct run *r)
{
	const struct addr *to = &r->pace.ground.target;
	struct origin from = origin_of(r->pace.plan);

	return !r->pace.plan->local && to->len &&
	    identify_is_shared(&from, to);
}

bool
run_means(const struct run *r, int row)
{
	for (int i = 0; i < r->pace.plan->concurrency; i++) {
		const struct attempt *a = &r->pace.attempts[i];

		if (a->stage != STAGE_IDLE && (a->result.row == row ||
		    a->result.accepted == row ||
		    a->result.predicted == row))
			return true;
	}
	return false;
}

void
run_end(struct run *r)
{
	pace_end(&r->pace);
}

void
run_stop(struct run *r)
{
	pace_stop(&r->pace);
}

void
run_close(struct run *r)
{
	if (r->pace.ground.loop)
		pace_close(&r->pace);
	if (r->pace.plan)
		lookup_end(&r->lookup);
	addr_list_free(&r->pace.addresses);
	identify_free(r->who);
	registry_counts_close(&r->counts);
	tally_free(&r->tally);
}
