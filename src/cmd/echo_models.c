/*
 * The accept models of rpnc echo, and what runs each:
 *
 *	shared		all workers watch the same sockets: echo_server.c
 *	exclusive	the same, but EPOLLEXCLUSIVE doesn't wake all of them
 *	reuseport	each worker watches sockets of its own
 *	blocking	each worker waits in accept(2) and serves one client
 *			at a time: serve_blocking()
 *	handoff		the parent accepts and sends the descriptor to a
 *			worker (handoff.c), which takes it: on_take()
 *	fork		the parent accepts and forks a process for the
 *			connection (fork_model.c): on_fork()
 */
#include "cmd/echo_models.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "serve/confine.h"

enum { FLUSH_MS = 1000 };

static const struct slot *
worker_slot(struct handoff *h, int worker)
{
	struct echo_server *v = h->user;
	struct echo_slot *known = &v->slots[worker];
	char name[REGISTRY_NAME];

	if (!known->found) {
		echo_worker_name(v, worker, name);
		known->slot = registry_find(v->membership.registry, name,
		    membership_slot(&v->membership)->process);
		known->found = known->slot >= 0;
	}
	return known->found ? registry_slot(v->membership.registry, known->slot)
			    : NULL;
}

static void
on_handoff_fault(struct handoff *h)
{
	struct echo_server *v = h->user;

	emit_error(&v->app);
}

static void
on_forks_fault(struct fork_model *f)
{
	struct echo_server *v = f->user;

	emit_error(&v->app);
}

/* Adds to the one slot that all forked processes share. */
static void
counters_add(struct counters *to, const struct counters *c)
{
	__atomic_fetch_add(&to->in, c->in, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->out, c->out, __ATOMIC_RELAXED);
}

/* Runs in the forked process: serves fd, and returns the exit status. */
static int
on_fork(struct fork_model *f, int fd)
{
	static const struct sock_set none;
	struct echo_server *v = f->user;
	struct counters own = { 0 };

	app_abandon(&v->app);
	membership_abandon(&v->membership);
	sock_set_close(&v->membership.set);
	if (app_open(&v->app, v->settings) < 0)
		return STATUS_NETWORK;
	v->app.forked = true;
	v->app.on_signal = echo_worker_signal;
	v->one_client = true;
	v->service = (struct service){ .last_id = f->begun - 1 + f->denied };
	v->setup.admission = (struct admission){ 0 };	/* it is admitted */
	v->workload.requests = f->begun - 1;
	if (echo_serve(v, &none, 0, v->membership.slot, v->membership.name) <
	    0) {
		app_fault(&v->app);
		return app_close(&v->app);
	}
	v->service.counters = &own;
	service_take(&v->service, fd);
	if (loop_run(&v->app.loop) < 0)
		app_fault(&v->app);
	service_close(&v->service);
	counters_add(f->counters, &own);
	return app_close(&v->app);
}

/* In the parent: a connection gets no process, but its two events. */
static void
on_fork_refused(struct accept_setup *p, struct conn *c, enum reason reason,
    bool news)
{
	struct echo_server *v = container_of(p, struct echo_server, setup);
	struct counters *n = v->forks.counters;

	if (news)
		emit_error(&v->app);
	n->accepted++;
	n->closed++;
	n->denied += reason == REASON_DENIED;
	c->id = v->forks.begun + ++v->forks.denied;
	emit_connected(&v->app, c);
	emit_closed(&v->app, c, reason);
	conn_free(c);
	acceptor_freed(&v->forks.acceptor);
}

static bool
forks_admit(struct fork_model *f, struct conn *c)
{
	struct echo_server *v = f->user;

	return accept_setup_admits(&v->setup, c);
}

static void
on_fork_left(struct fork_model *f, struct source_count *counted, int status)
{
	struct echo_server *v = f->user;

	app_child_lost_output(&v->app, status);
	admission_left(&v->setup.admission, counted);
}

int
echo_models_check(const struct settings *s)
{
	bool passed = s->accept == ACCEPT_HANDOFF || s->accept == ACCEPT_FORK;

	if (s->udp && passed)
		return fail_as(STATUS_USAGE, "--accept %s passes connections "
		    "on; datagrams have none",
		    s->accept == ACCEPT_FORK ? "fork" : "handoff");
	if (s->max_per_source && s->udp)
		return fail_as(STATUS_USAGE, "--max-per-source: echo -u keeps "
		    "no clients to count");
	if (s->max_conns && (s->accept == ACCEPT_BLOCKING ||
	    s->accept == ACCEPT_HANDOFF))
		return fail_as(STATUS_USAGE, s->accept == ACCEPT_BLOCKING ?
		    "-m: with --accept blocking a worker has one connection" :
		    "-m: with --accept handoff no connection waits");
	if (s->adopt && (passed || s->accept == ACCEPT_BLOCKING))
		return fail_as(STATUS_USAGE, "--adopt goes with --accept "
		    "shared, exclusive and reuseport");
	return 0;
}

int
echo_models_arrange(struct echo_server *v)
{
	const struct settings *s = v->settings;

	if (s->accept == ACCEPT_FORK) {
		v->fork_model_max = s->workers ? v->count : 0;
		v->count = 1;
	}
	v->by_workers = v->count > 1 || s->accept == ACCEPT_BLOCKING ||
	    s->accept == ACCEPT_HANDOFF;
	v->own_sockets = s->reuseport;
	v->workload.work = s->work > 0 ? s->work : 0;
	v->spin = settings_spin(s);
	if (v->spin < 0)
		return -1;
	return s->stall && workload_read(&v->workload, s->stall) < 0 ?
	    fail_option("--stall") : 0;
}

int
echo_models_prepare(struct echo_server *v)
{
	const struct sock_set *set = &v->membership.set;

	if (v->settings->accept == ACCEPT_BLOCKING) {
		if (set->count > 1)
			return fail_as(STATUS_USAGE, "--accept blocking waits "
			    "for one socket, and there are %d: name one "
			    "address, or say -4 or -6", set->count);
		return fcntl(set->fd[0], F_SETFL, fcntl(set->fd[0], F_GETFL) &
		    ~O_NONBLOCK) < 0 ? fail("blocking") : 0;
	}
	if (v->settings->accept == ACCEPT_HANDOFF) {
		v->handoff.slot = worker_slot;
		v->handoff.on_fault = on_handoff_fault;
		v->handoff.user = v;
		v->handoff.acceptor.congestion = &v->congestion;
		v->handoff.acceptor.sockopts = &v->settings->sockopts;
		return handoff_open(&v->handoff, v->count);
	}
	return 0;
}

/* The limit of processes at once. */
static unsigned
fork_model_at_once(const struct echo_server *v)
{
	if (v->fork_model_max)
		return (unsigned)v->fork_model_max;
	return v->settings->max_conns ? (unsigned)v->settings->max_conns :
	    fork_model_limit();
}

int
echo_models_start(struct echo_server *v)
{
	if (v->settings->accept == ACCEPT_HANDOFF)
		return handoff_start(&v->handoff, &v->app.loop,
		    &v->membership.set);
	if (v->settings->accept != ACCEPT_FORK)
		return 0;
	v->setup.on_refused = on_fork_refused;
	v->forks = (struct fork_model){
		.counters = &membership_slot(&v->membership)->counters,
		.run = on_fork, .admits = forks_admit, .on_left = on_fork_left,
		.on_fault = on_forks_fault,
		.user = v,
		.acceptor.congestion = &v->congestion,
		.acceptor.sockopts = &v->settings->sockopts,
	};
	return fork_model_open(&v->forks, &v->app.loop, &v->membership.set,
	    fork_model_at_once(v));
}

void
echo_models_stop(struct echo_server *v)
{
	if (v->by_workers)
		handoff_close(&v->handoff);
	else if (v->settings->accept == ACCEPT_FORK)
		fork_model_close(&v->forks);
	else
		service_close(&v->service);
	emit_lost(&v->app, v->service.lost);
}

bool
echo_is_given(const struct echo_server *v)
{
	return v->settings->accept == ACCEPT_HANDOFF ||
	    (v->settings->accept == ACCEPT_BLOCKING && !v->settings->udp);
}

/*
 * Waits for a connection, or for a datagram. SIGTERM is unblocked only here,
 * where it ends the process: no client is open that this could cut off.
 */
static int
wait_for_signal_or(struct echo_server *v, int listener, int64_t pause)
{
	struct timespec rest = { pause / 1000000, pause % 1000000 * 1000 };
	sigset_t term;
	int fd, error;
	char byte;

	sink_flush(&v->app.out, FLUSH_MS, -1);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	if (pause)
		nanosleep(&rest, NULL);
	if (v->settings->udp)
		fd = (int)recv(listener, &byte, 1, MSG_PEEK);
	else
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK |
		    SOCK_CLOEXEC);
	error = errno;
	sigprocmask(SIG_BLOCK, &term, NULL);
	errno = error;
	return fd;
}

static int
serve_connection(struct echo_server *v, int fd)
{
	v->app.loop.stopped = false;
	congestion_settle(&v->congestion, fd);
	sockopts_set_accepted(&v->settings->sockopts, fd);
	service_take(&v->service, fd);
	return loop_run(&v->app.loop);
}

/* Serves one client at a time, from accept(2) until it closes. */
static int
serve_blocking(struct echo_server *v, int listener)
{
	bool udp = v->settings->udp;
	struct backoff backoff = { .pause = 0 };
	int64_t reported = 0, pause = 0;

	while (!v->stop.leave.ends && !v->app.output_error) {
		int fd = wait_for_signal_or(v, listener, pause);

		pause = 0;
		if (fd >= 0 && udp)
			fd = service_answer(&v->service);
		else if (fd >= 0 && serve_connection(v, fd) < 0)
			return -1;
		if (fd >= 0)
			backoff_worked(&backoff);
		else if (backoff_failed(&backoff, &v->app.loop) ==
		    BACKOFF_REST) {
			pause = backoff.pause;
			fail(udp ? "receive" : "accept");
			if (backoff_is_due(&reported))
				emit_error(&v->app);
		}
	}
	return 0;
}

static struct echo_server *
taker_server(struct taker *t)
{
	return container_of(t, struct echo_server, taker);
}

static void
on_take(struct taker *t, int fd)
{
	service_take(&taker_server(t)->service, fd);
}

static void
on_taker_full(struct taker *t, bool full)
{
	struct echo_server *v = taker_server(t);

	membership_full(v->membership.registry, v->stop.leave.slot, full);
	if (full && backoff_is_due(&v->service.reported))
		emit_error(&v->app);
}

/* Counts it as closed, so that the parent does not take it for open. */
static void
on_taker_lost(struct taker *t)
{
	struct echo_server *v = taker_server(t);

	v->service.counters->accepted++;
	v->service.counters->closed++;
	emit_error(&v->app);
}

int
echo_worker_loop(struct echo_server *v, int index, const struct sock_set *set)
{
	struct sock_set listeners = v->membership.set;

	if (server_confine(&v->app, &v->membership, 0) < 0)
		return -1;
	if (v->settings->accept == ACCEPT_BLOCKING)
		return serve_blocking(v, set->fd[0]);
	if (v->settings->accept == ACCEPT_HANDOFF) {
		sock_set_close(&listeners);
		v->taker = (struct taker){
			.on_take = on_take, .on_full = on_taker_full,
			.on_lost = on_taker_lost,
		};
		if (taker_open(&v->taker, &v->app.loop, &v->handoff,
		    index) < 0)
			return -1;
	}
	return loop_run(&v->app.loop);
}
