/*
 * rpnc echo: sends back what arrives. The processes:
 *
 *	process		serves				ends by
 *	only one	the membership's sockets	a signal: echo_end()
 *	parent		nothing, or accepts for		a signal: workers_stop()
 *			others (handoff, fork)		until on_stopped()
 *	worker		sockets of its own, shared	the parent's SIGTERM; if
 *			ones, or what it is handed	it dies, on_death()
 *	forked		one connection			the connection's end
 *
 * With --accept reuseport the parent opens the sockets of all workers, in the
 * workers' order, forks the workers and then closes the sockets. A listener
 * that stays open in a second process still gets connections when its owner
 * has died, and nobody accepts them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "cmd/check.h"
#include "cmd/command.h"
#include "cmd/echo_models.h"
#include "cmd/echo_report.h"
#include "cmd/echo_server.h"
#include "cmd/multicast_options.h"
#include "cmd/server_check.h"
#include "serve/adoption.h"
#include "serve/confine.h"

/* Beyond --grace, because workers leave the group one after the other. */
enum { PATIENCE_US = 10 * 1000 * 1000 };

static int
echo_check(struct settings *s, const struct endpoint *e, int workers)
{
	if (server_check(s, e) < 0 ||
	    members_header_check(s, STDERR_FILENO) < 0)
		return -1;
	if (e->local && s->accept == ACCEPT_REUSEPORT)
		return fail_as(STATUS_USAGE, "--accept reuseport needs TCP or "
		    "UDP: Linux has no SO_REUSEPORT for Unix sockets");
	if (s->accept == ACCEPT_DEFAULT && (s->adopt || s->inherits) &&
	    !s->reuseport)
		s->accept = ACCEPT_EXCLUSIVE;
	if (s->accept == ACCEPT_DEFAULT)
		s->accept = e->local ? ACCEPT_EXCLUSIVE : workers > 1 ||
		    s->reuseport ? ACCEPT_REUSEPORT : ACCEPT_EXCLUSIVE;
	if (s->accept != ACCEPT_REUSEPORT && s->reuseport)
		return fail_as(STATUS_USAGE, "-r means --accept reuseport: choose");
	s->reuseport = s->accept == ACCEPT_REUSEPORT;
	if (s->adopt && s->reuseport && workers > 1)
		return fail_as(STATUS_USAGE, "--adopt has sockets for one "
		    "member: workers share them without -r");
	if (s->inherits && s->reuseport && workers > 1)
		return fail_as(STATUS_USAGE, "the service manager's sockets "
		    "are for one member: workers share them without -r");
	return echo_models_check(s) < 0 ? -1 : server_check_group(s, e);
}

static void
on_wake(struct registry_events *e)
{
	struct echo_server *v = e->user;

	if (balance_apply(&v->membership.balance) < 0)
		emit_error(&v->app);
}

/* A worker emits no events about members, but reconciles the group. */
static int
watch_registry(struct echo_server *v)
{
	static const struct registry_events_ops ops = { .on_wake = on_wake };

	membership_balance(&v->membership, &v->app, &v->listening,
	    v->stop.leave.slot);
	v->watch.ops = &ops;
	v->watch.user = v;
	return registry_events_open(&v->watch, &v->app.loop,
	    v->membership.registry);
}

/*
 * Closes the sockets of the other workers. If one of them is killed, the kernel
 * closes its listener only when nobody has a copy. Until then clients would
 * come into a queue that nobody serves.
 */
static void
on_forked(struct workers *all, int index)
{
	struct echo_server *v = all->user;

	for (int i = 0; v->sets && i < v->count; i++)
		if (i != index)
			sock_set_close(&v->sets[i]);
}

/* Opened before the fork, or, if this worker replaces one that died, now. */
static int
worker_sockets(struct echo_server *v, int index, struct sock_set *out)
{
	struct sock_options o = membership_options(v->settings);
	struct addr_list list = {
		.count = v->membership.set.count, .at = v->membership.set.bound,
	};

	if (!v->own_sockets) {
		*out = v->membership.set;
		return 0;
	}
	if (v->sets) {
		*out = v->sets[index];
		return 0;
	}
	return membership_listen(out, &list, &o);
}

/* Runs in the worker's process; returns its exit status. */
static int
worker_run(struct workers *all, int index)
{
	struct echo_server *v = all->user;
	char *name = v->worker_name;
	struct sock_set set, none = { 0 };
	int slot;

	app_abandon(&v->app);
	membership_abandon(&v->membership);
	if (v->settings->ready_fd >= 0)
		close((int)v->settings->ready_fd);
	echo_worker_name(v, index, name);
	if (app_open(&v->app, v->settings) < 0)
		return STATUS_NETWORK;
	v->app.forked = true;
	v->app.on_signal = echo_worker_signal;
	v->app.worker = name;
	v->one_client = v->settings->accept == ACCEPT_BLOCKING;
	v->workload.requests = v->workload.every * (uint64_t)index /
	    (uint64_t)v->count;
	registry_reopen(v->membership.registry);
	if (worker_sockets(v, index, &set) < 0)
		goto fault;
	sockinfo_open(&v->membership.sockinfo);
	slot = registry_claim(v->membership.registry, SLOT_MEMBER, name,
	    membership_slot(&v->membership)->process);
	if (slot >= 0)
		membership_equip(&v->membership, slot, &set);
	workers_is_set(all);
	if (slot < 0 || echo_serve(v, echo_is_given(v) ? &none : &set, index,
	    slot, name) < 0 || (v->own_sockets && watch_registry(v) < 0) ||
	    echo_worker_loop(v, index, &set) < 0)
		goto fault;
	service_close(&v->service);
	taker_close(&v->taker);
	if (v->own_sockets || index == 0)	/* shared sockets: one report */
		emit_lost(&v->app, v->service.lost);
	registry_events_close(&v->watch);
	balance_stop(&v->membership.balance);
	goto close;
fault:
	app_fault(&v->app);
close:
	sockinfo_close(&v->membership.sockinfo);
	/* the last process to close it removes the file */
	registry_close(v->membership.registry);
	return app_close(&v->app);
}

static void
on_death(struct workers *all, struct worker *w, int status)
{
	struct echo_server *v = all->user;
	char name[REGISTRY_NAME];

	if (app_child_lost_output(&v->app, status) || all->stopping)
		return;
	echo_worker_name(v, w->index, name);
	if (v->handoff.count)
		handoff_died(&v->handoff, w->index);
	if (WIFSIGNALED(status))
		fail_as(STATUS_OK, "worker %s (pid %d) died by signal %d "
		    "(%s); it is replaced", name, (int)w->last_pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fail_as(STATUS_OK, "worker %s (pid %d) ended with status %d; "
		    "it is replaced", name, (int)w->last_pid,
		    WEXITSTATUS(status));
	emit_error(&v->app);
}

static void
on_refused(struct workers *all)
{
	struct echo_server *v = all->user;

	fail_add("it is tried again");
	emit_error(&v->app);
}

static void
on_stopped(struct workers *all)
{
	struct echo_server *v = all->user;

	loop_stop(&v->app.loop);
}

static void
on_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct echo_server *v = container_of(a, struct echo_server, app);

	if (live_screen_signal(&v->header.screen, info))
		return;
	if (info->ssi_signo == SIGCHLD) {
		if (v->by_workers)
			workers_reap(&v->workers);
		else if (v->settings->accept == ACCEPT_FORK)
			fork_model_reap(&v->forks);
		return;
	}
	a->ended_by = (int)info->ssi_signo;
	app_stopping(a);
	live_screen_freeze(&v->header.screen);
	if (v->by_workers)
		workers_stop(&v->workers, v->ending);
	else
		echo_end(v);
	v->ending = true;
}

static void
on_change(struct membership *m)
{
	struct echo_server *v = container_of(m, struct echo_server, membership);

	header_touch(&v->header.screen.top);
}

static void
on_replaced(struct membership *m, const char *why)
{
	struct echo_server *v = container_of(m, struct echo_server, membership);
	struct event e = {
		.kind = EVENT_DRAINING, .name = m->name, .reason = why,
	};

	v->stop.why = why;
	app_stopping(&v->app);
	live_screen_freeze(&v->header.screen);
	if (v->by_workers) {
		emit_event(&v->app, &e);
		workers_stop(&v->workers, false);
	} else if (!v->ending) {
		echo_end(v);
	}
	v->stop.why = NULL;
	v->ending = true;
}

/* Before the workers start: clients may connect before a worker accepts. */
static void
prepare_set(struct echo_server *v, const struct sock_set *set)
{
	for (int i = 0; !set->adopted && i < set->count; i++)
		congestion_prepare(&v->congestion, set->fd[i], NULL);
}

/*
 * Opens the sockets of the workers, in their order. The first worker takes the
 * membership's, where port 0 has become a number.
 */
static int
open_sets(struct echo_server *v)
{
	struct sock_options o = membership_options(v->settings);
	struct addr_list list = {
		.count = v->membership.set.count, .at = v->membership.set.bound,
	};

	v->sets = calloc((size_t)v->count, sizeof(*v->sets));
	if (!v->sets)
		return fail("workers");
	v->sets[0] = v->membership.set;
	for (int i = 1; i < v->count; i++) {
		if (membership_listen(&v->sets[i], &list, &o) < 0)
			return -1;
		prepare_set(v, &v->sets[i]);
	}
	return 0;
}

static void
close_sets(struct echo_server *v)
{
	for (int i = 0; v->sets && i < v->count; i++) {
		struct sock_set set = v->sets[i];

		sock_set_close(&set);
	}
	free(v->sets);
	v->sets = NULL;
}

static int
serve_by_workers(struct echo_server *v)
{
	v->workers = (struct workers){
		.on_forked = on_forked, .run = worker_run, .on_death = on_death,
		.on_refused = on_refused, .on_stopped = on_stopped, .user = v,
		.patience = v->settings->grace + PATIENCE_US,
	};
	if (workers_init(&v->workers, &v->app.loop, v->count) < 0 ||
	    (v->own_sockets && open_sets(v) < 0) ||
	    workers_start(&v->workers) < 0) {
		close_sets(v);
		return -1;
	}
	close_sets(v);
	return 0;
}

static int
echo_start(struct echo_server *v)
{
	prepare_set(v, &v->membership.set);
	if (echo_models_prepare(v) < 0)
		return -1;
	if (v->by_workers)
		return serve_by_workers(v) < 0 ? -1 : echo_models_start(v);
	if (v->settings->accept == ACCEPT_FORK)
		return echo_models_start(v);
	if (echo_serve(v, &v->membership.set, 0, v->membership.slot,
	    v->membership.name) < 0)
		return -1;
	if (v->activation.connected < 0)
		return 0;
	v->one_client = true;
	service_take(&v->service, v->activation.connected);
	return 0;
}

/* Checks and reads all options, before anything is opened. */
static int
echo_options_read(struct echo_server *v, struct settings *s,
    int words_count, char *const *words, struct endpoint *e)
{
	if (server_take_sockets(s, &v->activation) < 0)
		return -1;
	if (v->activation.connected >= 0) {
		s->workers = NULL;
		s->accept = ACCEPT_EXCLUSIVE;
	}
	v->count = settings_workers(s);
	return v->count < 0 || settings_endpoint(s, words_count, words, e) < 0 ||
	    multicast_options(s, e) < 0 ||
	    echo_check(s, e, v->count) < 0 ||
	    settings_congestion(s, &v->congestion) < 0 ||
	    server_check_setup(s, &v->setup, &v->tls) < 0 ||
	    echo_models_arrange(v) < 0 ? -1 : 0;
}

static int
echo_confine(struct echo_server *v)
{
	unsigned keeps = 0;

	manager_find(&v->app.manager);
	/* a new process opens the registry and its streams anew */
	if (v->by_workers || v->settings->accept == ACCEPT_FORK)
		keeps |= KEEPS_CHILDREN | KEEPS_FILES | KEEPS_OTHERS;
	if (v->header.screen.top.open)
		keeps |= KEEPS_PROMPT;
	return server_confine(&v->app, &v->membership, keeps);
}

/* Tells that it serves, and does so until the end. */
static void
echo_run_loop(struct echo_server *v, int members)
{
	if (!v->by_workers)
		membership_settle(&v->membership, &v->listening);
	membership_emit_start(&v->membership, &v->app, v->count, members);
	emit_key(&v->app, &v->tls);
	workers_go(&v->workers);
	if (v->by_workers)
		membership_settle(&v->membership, NULL);
	if (v->settings->reuseport && membership_watch(&v->membership, &v->app,
	    v->by_workers ? NULL : &v->listening) < 0)
		emit_error(&v->app);
	membership_replace(&v->membership, &v->app);
	/* the workers hold the sockets now */
	if (v->membership.sockinfo.owners)
		owners_refresh(v->membership.sockinfo.owners);
	members_header_start(&v->header, &v->app, &v->membership);
	if (echo_confine(v) < 0) {
		app_fault(&v->app);
	} else {
		app_ready(&v->app, &v->membership.set);
		if (loop_run(&v->app.loop) < 0)
			app_fault(&v->app);
	}
	live_screen_close(&v->header.screen);
	membership_emit_holder(&v->app, v->by_workers ? &v->membership.set :
	    &v->listening);
	echo_models_stop(v);
	echo_report(v);
}

static int
echo_run(struct settings *s, int words_count, char *const *words, int *ended_by)
{
	static struct echo_server v;		/* too large for a small stack */
	struct endpoint e;
	int members;

	v.settings = s;
	v.workers.gate = v.handoff.pending = -1;
	v.workers.set[0] = v.workers.set[1] = -1;
	if (echo_options_read(&v, s, words_count, words, &e) < 0)
		return -1;
	if (s->check)
		return check_server(s, &e, &v.activation);
	v.membership.activation = &v.activation;
	v.membership.access = access_hash(&v.setup.admission.access);
	if (membership_open(&v.membership, s, &e,
	    v.by_workers ? SLOT_PARENT : SLOT_MEMBER) < 0)
		return -1;
	raise_descriptor_limit();
	if (app_open(&v.app, s) < 0) {
		membership_close(&v.membership);
		return -1;
	}
	v.app.on_signal = on_signal;
	v.stop.app = &v.app;	/* for --accept fork, without echo_serve() */
	v.membership.on_change = on_change;
	v.membership.on_replaced = on_replaced;
	v.started = loop_now();
	/* counted before the workers hold the same sockets */
	members = membership_count(&v.membership, v.count);
	if (echo_start(&v) < 0)
		app_fault(&v.app);
	else
		echo_run_loop(&v, members);
	*ended_by = v.app.ended_by;
	workers_free(&v.workers);
	accept_setup_free(&v.setup);
	tls_context_close(&v.tls);
	membership_close(&v.membership);
	return app_close(&v.app);
}

const struct command echo_command = {
	.name = "echo",
	.synopsis = "echo [-r] [-w N] [options] [host] port",
	.summary = "send back what arrives",
	.tables = { echo_options, server_options, access_options,
	    group_options, tls_listen_options, address_options,
	    output_options, NULL },
	.host = WORDS_ADDRESS,
	.run = echo_run,
};
