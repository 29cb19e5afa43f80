/*
 * One process that serves: a service, whose connections become events, and a
 * stop, which leaves the group.
 *
 *	serving		echo_end(), from a signal or --replace: to leaving if
 *			the process is in a group, else the loop ends
 *	leaving		stop closes the sockets once nothing waits in them
 *	ending		the last connection closes, --grace is over, or
 *			echo_end() comes again: the loop ends
 */
#include "cmd/echo_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"

void
echo_worker_name(const struct echo_server *v, int index,
    char name[static REGISTRY_NAME])
{
	const struct membership *m = &v->membership;
	char own[REGISTRY_NAME];

	/* another process may have taken our name: replace.h */
	slot_name(registry_slot(m->registry, m->slot), own);
	snprintf(name, REGISTRY_NAME, "%.16s/%hu", *own ? own : m->name,
	    (unsigned short)index);
}

/* Writes the line of --identify. */
static void
greeting_fill(struct echo_server *v, const char *name, int worker)
{
	char host[65] = "?";

	gethostname(host, sizeof(host) - 1);
	snprintf(v->greeting, sizeof(v->greeting),
	    "rpnc/1 name=%.*s host=%s pid=%d worker=%d\n",
	    (int)strcspn(name, "/"), name, host, (int)getpid(), worker);
}

static void
on_open(struct service *service, struct conn *c)
{
	struct echo_server *v = service->user;

	emit_connected(&v->app, c);
	emit_tls(&v->app, c);
}

static void
on_close(struct service *service, struct conn *c, enum reason reason)
{
	struct echo_server *v = service->user;

	emit_closed(&v->app, c, reason);
	stop_closed(&v->stop);
	taker_freed(&v->taker);
	if (v->one_client)
		loop_stop(&v->app.loop);
}

static void
on_fault(struct service *service)
{
	struct echo_server *v = service->user;

	emit_error(&v->app);
}

static struct service *
service_of(struct leave *l)
{
	return &container_of(l, struct echo_server, stop.leave)->service;
}

static void
echo_serve_datagrams(struct leave *l)
{
	service_drain(service_of(l));
}

static void
echo_close_datagrams(struct leave *l)
{
	service_stop(service_of(l));
}

static const struct leave_datagrams datagrams = {
	.serve = echo_serve_datagrams, .close = echo_close_datagrams,
};

static void
on_full(struct service *service, bool full)
{
	struct echo_server *v = service->user;

	if (v->own_sockets)
		membership_full(v->membership.registry, v->stop.leave.slot,
		    full);
}

int
echo_serve(struct echo_server *v, const struct sock_set *set, int worker,
    int slot, const char *name)
{
	static const struct service_ops ops = {
		.on_open = on_open, .on_close = on_close,
		.on_fault = on_fault, .on_full = on_full,
	};
	static const enum service_kind kinds[] = {
		[SERVICE_ECHO] = SERVE_ECHO,
		[SERVICE_DISCARD] = SERVE_DISCARD,
		[SERVICE_CHARGEN] = SERVE_CHARGEN,
	};
	const struct settings *s = v->settings;
	struct slot *own = registry_slot(v->membership.registry, slot);

	v->app.loop.spin = v->spin;
	greeting_fill(v, name, worker);
	v->listening = *set;
	v->stop = (struct stop){
		.app = &v->app,
		.name = name,
		.leave = {
			.acceptor = &v->service.acceptor,
			.datagrams = s->udp ? &datagrams : NULL,
			.registry = v->membership.registry,
			.slot = slot,
			.set = &v->listening,
			.served = &own->counters.accepted,
		},
	};
	v->service = (struct service){
		.loop = &v->app.loop,
		.kind = kinds[s->service], .seqpacket = s->seqpacket,
		.greeting = s->identify ? v->greeting : NULL,
		.ops = &ops, .counters = &own->counters, .user = v,
		.workload = v->workload, .congestion = &v->congestion,
		.sockopts = &s->sockopts,
		.setup = v->setup,
		.last_id = v->service.last_id,
	};
	return service_open(&v->service, set, s->udp,
	    s->accept == ACCEPT_EXCLUSIVE && v->count > 1,
	    (unsigned)s->max_conns);
}

void
echo_end(struct echo_server *v)
{
	bool leaves = v->own_sockets || v->settings->inherits ||
	    (v->settings->udp && v->count == 1);

	if (!leaves && !v->stop.leave.ends)
		service_drain(&v->service);	/* others may be ending, too */
	stop_request(&v->stop, leaves);
}

void
echo_worker_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct echo_server *v = container_of(a, struct echo_server, app);

	if (info->ssi_signo != SIGTERM || v->stop.leave.ends)
		return;
	/* another process may have taken our parent's name: replace.h */
	slot_name(registry_slot(v->membership.registry, v->stop.leave.slot),
	    v->worker_name);
	echo_end(v);
}
