/*
 * Worker processes of one server. Each has an index; its process may change.
 *
 *	state		what it does		what moves it on
 *	waiting		is forked, blocks at	workers_go(): running
 *			the gate		another fork fails: killed
 *	running		workers.run(), which	it dies: pausing
 *			calls workers_is_set()	workers_stop(): stopping
 *	pausing		no process; the delay	the timer: running (fork(2)
 *			doubles if it died	fails: pausing)
 *			young
 *	stopping	got SIGTERM		it ends; SIGKILL if it is late
 *
 * The parent owns struct workers and reaps the processes on SIGCHLD. A worker
 * gets SIGTERM from the kernel if the parent dies (PR_SET_PDEATHSIG).
 */
#include "serve/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"

enum {
	DELAY_FIRST_US = 50 * 1000,
	DELAY_MAX_US = 10 * 1000 * 1000,
	GROWN_UP_US = 10 * 1000 * 1000,	/* a longer life: the delay is reset */
	KILL_AFTER_US = 2 * 1000 * 1000,	/* besides patience */
	SET_MS = 2000,			/* for all to be set up */
};

/* Waits until the parent closes the other end of the pipe, or dies. */
static void
wait_at_gate(int gate)
{
	char byte;

	while (read(gate, &byte, 1) < 0 && errno == EINTR)
		continue;
	close(gate);
}

static void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* gate: the read end of the gate, or -1 to run at once. */
static int
worker_start(struct worker *w, int gate)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return fail("fork of worker %d of %d", w->index + 1,
		    w->all->count);
	if (pid == 0) {
		w->all->on_forked(w->all, w->index);
		if (gate >= 0) {
			fd_close(&w->all->gate);
			fd_close(&w->all->set[0]);
			wait_at_gate(gate);
		}
		/*
		 * Then check: the parent may have died before this call. Even
		 * then clients may be in the worker's queue: it serves them.
		 */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			kill(getpid(), SIGTERM);
		_exit(w->all->run(w->all, w->index));
	}
	w->pid = pid;
	w->started = loop_now();
	w->all->running++;
	return 0;
}

static void
worker_start_later(struct worker *w)
{
	int64_t now = loop_now();

	if (now - w->started > GROWN_UP_US || !w->delay)
		w->delay = DELAY_FIRST_US;
	else if (w->delay < DELAY_MAX_US / 2)
		w->delay *= 2;
	else
		w->delay = DELAY_MAX_US;
	loop_timer_set(w->all->loop, &w->again, now + w->delay);
}

static void
on_start_again(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, again);

	if (worker_start(w, -1) == 0) {
		w->restarts++;
		w->refused = false;
		return;
	}
	if (!w->refused)
		w->all->on_refused(w->all);
	w->refused = true;
	w->started = loop_now();	/* so that the delay doubles */
	worker_start_later(w);
}

int
workers_init(struct workers *all, struct loop *l, int count)
{
	all->loop = l;
	all->count = count;
	all->gate = -1;
	all->list = calloc((size_t)count, sizeof(*all->list));
	if (!all->list)
		return fail("workers");
	for (int i = 0; i < count; i++) {
		all->list[i].all = all;
		all->list[i].index = i;
		all->list[i].again.on_timer = on_start_again;
	}
	return 0;
}

/* SIGKILL loses nothing: they still wait at the gate. */
static void
kill_waiting(struct workers *all)
{
	for (int i = 0; i < all->count && all->list[i].pid; i++) {
		kill(all->list[i].pid, SIGKILL);
		waitpid(all->list[i].pid, NULL, 0);
	}
}

int
workers_start(struct workers *all)
{
	int gate[2], result = 0;

	if (pipe2(all->set, O_CLOEXEC) < 0)
		return fail("pipe");
	if (pipe2(gate, O_CLOEXEC) < 0) {
		fd_close(&all->set[0]);
		fd_close(&all->set[1]);
		return fail("pipe");
	}
	all->gate = gate[1];
	for (int i = 0; i < all->count && result == 0; i++)
		result = worker_start(&all->list[i], gate[0]);
	close(gate[0]);
	fd_close(&all->set[1]);
	if (result < 0) {
		kill_waiting(all);
		workers_go(all);
	}
	return result;
}

void
workers_go(struct workers *all)
{
	struct pollfd set = { .fd = all->set[0], .events = POLLIN };
	int64_t end = loop_now() + SET_MS * 1000;

	fd_close(&all->gate);
	/* its end: none holds the other end any more */
	while (all->set[0] >= 0 && poll(&set, 1, loop_ms_until(end)) < 0 &&
	    errno == EINTR)
		continue;
	fd_close(&all->set[0]);
}

void
workers_is_set(struct workers *all)
{
	fd_close(&all->set[1]);
}

static struct worker *
worker_of(struct workers *all, pid_t pid)
{
	for (int i = 0; i < all->count; i++)
		if (all->list[i].pid == pid)
			return &all->list[i];
	return NULL;
}

static double
timeval_seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void
workers_reap(struct workers *all)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		struct worker *w = worker_of(all, pid);

		if (!w)
			continue;
		w->last_pid = pid;
		w->pid = 0;
		w->cpu += timeval_seconds(usage.ru_utime) +
		    timeval_seconds(usage.ru_stime);
		all->running--;
		all->on_death(all, w, status);
		if (!all->stopping)
			worker_start_later(w);
	}
	if (all->stopping && !all->running)
		all->on_stopped(all);
}

static void
workers_signal(struct workers *all, int number)
{
	for (int i = 0; i < all->count; i++) {
		loop_timer_cancel(all->loop, &all->list[i].again);
		if (!all->list[i].pid)
			continue;
		kill(all->list[i].pid, number);
		/* a stopped process acts on SIGTERM only after SIGCONT */
		kill(all->list[i].pid, SIGCONT);
	}
}

static void
on_kill(struct timer *t)
{
	workers_signal(container_of(t, struct workers, kill), SIGKILL);
}

void
workers_stop(struct workers *all, bool at_once)
{
	all->stopping = true;
	all->kill.on_timer = on_kill;
	workers_signal(all, at_once ? SIGKILL : SIGTERM);
	if (!all->running)
		all->on_stopped(all);
	else if (!at_once)
		loop_timer_set(all->loop, &all->kill,
		    loop_now() + all->patience + KILL_AFTER_US);
}

void
workers_free(struct workers *all)
{
	/* the loop may have stopped by itself, with a restart due */
	for (int i = 0; all->list && i < all->count; i++)
		loop_timer_cancel(all->loop, &all->list[i].again);
	if (all->list)
		loop_timer_cancel(all->loop, &all->kill);
	free(all->list);
	all->list = NULL;
}
