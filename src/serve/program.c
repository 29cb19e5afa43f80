/*
 * Runs a command of the user for each connection, as inetd does.
 *
 *	state		what it holds		what moves it on
 *	waiting		the connection		a process may start: running.
 *						It can't: on_failed()
 *	running		a process, and our copy	the process has ended: ended
 *			of the connection, or
 *			a proxy
 *	ended		its process group	the group is empty, and the
 *						proxy has ended: closing
 *	closing		the connection		the client's end, or LINGER_US:
 *						over
 *	over		freed, after on_over()
 *
 * The process has the accepted socket itself. Our copy is for the end: a
 * program need not read all that its client sends, and close(2) with unread
 * data would reset the connection, and what the program has written with it. So
 * we half-close, and read what the client still sends. If other processes of
 * the group go on, they may use the connection: then our copy is just closed.
 *
 * Only if we must change the bytes (TLS), the process has one end of a Unix
 * socket pair, and a proxy (relay/proxy.h) joins the other end and the
 * connection.
 *
 * Processes that a program leaves behind become our children
 * (PR_SET_CHILD_SUBREAPER), so we learn when its group is empty. A process that
 * has left the group (setsid(2)) is a stray, on its own.
 *
 * A connection waits if the limit is reached, because a server that leaves its
 * group accepts all that is queued. It also waits if fork(2) fails, or if the
 * command's file is being written: until a process ends, or the pause of
 * backoff.h is over.
 */
#include "serve/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "relay/proxy.h"
#include "serve/program_environment.h"

enum {
	TERM_US = 2 * 1000 * 1000,	/* from SIGTERM to SIGKILL */
	KILL_US = 1000 * 1000,		/* from SIGKILL to the end */
	AWAIT_MS = 10,			/* from one look to the next */
	LINGER_US = 1500 * 1000,	/* a client may never close */
	DISCARD = 16 * 1024,		/* bytes in one read, and */
	DISCARDS = 64,			/* reads in one event */
};

struct program_run {
	struct child child;
	struct program *program;
	struct conn *conn;		/* our copy; NULL: closed, or proxy's */
	struct proxy *proxy;		/* NULL: there is none, or it ended */
	bool empty;			/* its group has no process */
	struct timer linger;
	unsigned id;			/* of the connection */
	int64_t began;
	uint64_t in, out;
	struct source_count *counted;	/* the connection's */
	struct program_run *next;
};

static void run_settle(struct program *, struct program_run *);

static void
run_over(struct program *p, struct program_run *run)
{
	struct program_run **link = &p->runs;
	struct program_run gone = *run;

	while (*link && *link != run)
		link = &(*link)->next;
	*link = run->next;
	free(run);
	p->on_over(p, gone.in, gone.out, gone.counted);
	if (p->ending && !p->runs)
		loop_stop(p->loop);
}

/* Closes our copy of the connection. */
static void
run_close_copy(struct program_run *run)
{
	loop_timer_cancel(run->program->loop, &run->linger);
	if (run->conn)
		conn_free(run->conn);
	run->conn = NULL;
}

/* Reads what the client has sent; false: it has ended, or broke. */
static bool
run_discard(const struct program_run *run)
{
	char buffer[DISCARD];
	ssize_t n = 1;

	for (int i = 0; i < DISCARDS && n > 0; i++)
		n = recv(run->conn->source.fd, buffer, sizeof(buffer),
		    MSG_DONTWAIT);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
on_discard(struct conn *c, uint32_t events)
{
	struct program_run *run = c->user;

	(void)events;
	if (run_discard(run))
		return;
	run_close_copy(run);
	run_settle(run->program, run);
}

static void
on_client_late(struct timer *t)
{
	struct program_run *run = container_of(t, struct program_run, linger);

	run_close_copy(run);
	run_settle(run->program, run);
}

/* Whether a child of ours is in none of the programs' groups; or unknown. */
static bool
program_has_strays(const struct program *p)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	bool strays = !f;
	int pid;

	while (!strays && fscanf(f, "%d", &pid) == 1) {
		const struct program_run *run = p->runs;
		pid_t group = getpgid(pid);

		while (run && run->child.pid != group)
			run = run->next;
		strays = !run && pid != p->spawner.pid;
	}
	if (f)
		fclose(f);
	return strays;
}

/* Nobody has the connection but us: half-closes it, and waits for its end. */
static void
run_begin_close(struct program_run *run)
{
	struct program *p = run->program;
	struct conn *c = run->conn;

	c->user = run;
	c->on_event = on_discard;
	run->linger.on_timer = on_client_late;
	if (!run_discard(run) || program_has_strays(p) ||
	    shutdown(c->source.fd, SHUT_WR) < 0 || !run_discard(run) ||
	    c->ops->watch(c, EPOLLIN) < 0 ||
	    loop_timer_set(p->loop, &run->linger, loop_now() + LINGER_US) < 0)
		run_close_copy(run);
}

/* EPERM: they have another user by now. */
static bool
group_has_processes(pid_t group)
{
	return kill(-group, 0) == 0 || errno == EPERM;
}

/* The process or the proxy has ended, or another process of the group. */
static void
run_settle(struct program *p, struct program_run *run)
{
	if (!run->child.ended || run->proxy || p->abandons)
		return;
	if (!run->empty && group_has_processes(run->child.pid)) {
		run_close_copy(run);
		return;
	}
	if (!run->empty) {
		run->empty = true;
		p->processes--;
		if (run->conn)
			run_begin_close(run);
	}
	if (!run->conn)
		run_over(p, run);
}

static void
on_proxy_close(struct proxy *proxy, enum reason reason, int error)
{
	struct program_run *run = proxy->user;
	struct program *p = run->program;
	struct conn *client = proxy->side[PROXY_CLIENT];

	(void)error;
	run->proxy = NULL;
	run->in = client->in;
	run->out = client->out;
	/* what a write to a connection that was reset would do */
	if (reason != REASON_END && reason != REASON_TRUNCATED &&
	    !run->child.ended)
		kill(-run->child.pid, SIGPIPE);
	p->on_closed(p, client, reason);
	run_settle(p, run);
}

/* Starts the process with this socket; -1: errno says why. */
static int
run_start(struct program_run *run, const struct conn *c, int socket)
{
	struct program *p = run->program;
	struct program_environment e;
	struct child_plan plan = {
		.spawner = &p->spawner, .argv = p->argv, .files = &p->files,
		.socket = socket, .environment = e.variables,
	};

	program_environment_make(&e, c, p->name);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
	return child_start(&run->child, &plan);
}

/* The process gets one end of a pair, and the proxy takes over c. */
static int
run_start_behind_proxy(struct program_run *run, struct conn *c)
{
	static const struct proxy_ops ops = { .on_close = on_proxy_close };
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair");
	result = run_start(run, c, pair[1]);
	close(pair[1]);
	if (result == 0)
		run->proxy = proxy_join(c, pair[0], &ops);
	if (run->proxy)
		run->proxy->user = run;
	else
		close(pair[0]);
	if (result == 0 && !run->proxy) {
		run->program->on_closed(run->program, c, REASON_LOCAL);
		conn_free(c);
	}
	return result;
}

/* Takes over c. -1: c is still the caller's, and errno says why. */
static int
run_start_for(struct program_run *run, struct conn *c)
{
	if (c->tls)
		return run_start_behind_proxy(run, c);
	if (run_start(run, c, c->source.fd) < 0)
		return -1;
	run->conn = c;
	return 0;
}

/* The same. */
static int
program_start(struct program *p, struct conn *c)
{
	struct program_run *run = calloc(1, sizeof(*run));
	int error;

	if (!run)
		return fail("program");
	run->program = p;
	run->id = c->id;
	run->counted = c->counted;
	run->began = loop_now();
	if (run_start_for(run, c) < 0) {
		error = errno;
		free(run);
		errno = error;
		return -1;
	}
	p->processes++;
	run->next = p->runs;
	p->runs = run;
	return 0;
}

/* Whether it may work later: there is no room, or the file is being written. */
static bool
passes(int error)
{
	return error == EAGAIN || error == ENOMEM || error == EMFILE ||
	    error == ENFILE || error == ETXTBSY;
}

/* A process can't be started for c, the first that waited. */
static void
program_failed(struct program *p, struct conn *c)
{
	if (!passes(errno)) {
		p->on_failed(p, c);
		return;
	}
	conn_link(c, &p->waiting);
	backoff_rest(&p->backoff, p->loop);
	fail_add("clients wait");
	if (backoff_is_due(&p->reported))
		p->on_wait(p);
}

static void
program_next(struct program *p)
{
	while (p->waiting && p->processes < p->limit &&
	    !backoff_rests(&p->backoff)) {
		struct conn *c = p->waiting;

		conn_unlink(c);
		if (program_start(p, c) < 0)
			program_failed(p, c);
		else
			backoff_worked(&p->backoff);
	}
}

static void
on_rested(struct backoff *b)
{
	program_next(container_of(b, struct program, backoff));
}

static void
program_signal(const struct program *p, int number)
{
	for (const struct program_run *run = p->runs; run; run = run->next)
		if (!run->empty)
			kill(-run->child.pid, number);
}

static void
on_never_dead(struct timer *t)
{
	loop_stop(container_of(t, struct program, kill)->loop);
}

static void
on_stubborn(struct timer *t)
{
	struct program *p = container_of(t, struct program, kill);

	program_signal(p, SIGKILL);
	t->on_timer = on_never_dead;
	loop_timer_set(p->loop, t, loop_now() + KILL_US);
}

int
program_init(struct program *p)
{
	p->backoff.on_end = on_rested;
	p->kill.on_timer = on_stubborn;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return child_spawner_open(&p->spawner);
}

void
program_add(struct program *p, struct conn *c)
{
	struct conn **last = &p->waiting;

	loop_del(p->loop, &c->source);
	while (*last)
		last = &(*last)->next;
	conn_link(c, last);
	program_next(p);
}

bool
program_is_busy(const struct program *p)
{
	return p->runs || p->waiting;
}

static struct program_run *
run_of(const struct program *p, pid_t pid)
{
	struct program_run *run = p->runs;

	while (run && (run->child.pid != pid || run->child.ended))
		run = run->next;
	return run;
}

static void
run_exited(struct program *p, struct program_run *run, int status)
{
	run->child.ended = true;
	run->child.status = status;
	p->on_exit(p, run->id, &run->child, loop_now() - run->began);
	run_settle(p, run);
	backoff_cancel(&p->backoff, p->loop);
}

/* A process that a program has left behind has ended. */
static void
program_settle(struct program *p)
{
	struct program_run *next;

	for (struct program_run *run = p->runs; run; run = next) {
		next = run->next;
		run_settle(p, run);
	}
}

static void
program_spawner_killed(struct program *p)
{
	child_fail_spawner(p->argv[0]);
	p->on_spawner_killed(p);
}

void
program_reap(struct program *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct program_run *run = run_of(p, pid);

		/* or one that a program has left behind */
		if (run)
			run_exited(p, run, status);
		else if (pid == p->spawner.pid && !p->ending)
			program_spawner_killed(p);
		else
			program_settle(p);
	}
	program_next(p);
}

/* After SIGKILL: waits for the processes, but not for one that can't die. */
static void
program_await(struct program *p)
{
	const struct timespec pause = { .tv_nsec = AWAIT_MS * 1000 * 1000 };

	program_reap(p);
	for (int i = 0; p->processes && i < KILL_US / 1000 / AWAIT_MS; i++) {
		nanosleep(&pause, NULL);
		program_reap(p);
	}
}

/* Forgets all that has not ended. */
static void
program_abandon(struct program *p)
{
	p->abandons = true;
	while (p->runs) {
		struct program_run *run = p->runs;

		if (run->proxy)
			proxy_cut(run->proxy);
		run_close_copy(run);
		run_over(p, run);
	}
}

static void
program_cut_waiting(struct program *p)
{
	while (p->waiting) {
		struct conn *c = p->waiting;

		struct source_count *counted = c->counted;

		p->on_closed(p, c, REASON_CUT);
		conn_free(c);
		p->on_over(p, 0, 0, counted);
	}
}

void
program_end(struct program *p)
{
	backoff_cancel(&p->backoff, p->loop);
	program_cut_waiting(p);
	p->ending = true;
	program_signal(p, SIGTERM);
	program_signal(p, SIGCONT);	/* a stopped one ends, too */
	loop_timer_set(p->loop, &p->kill, loop_now() + TERM_US);
	p->loop->stopped = !p->runs;
	if (loop_run(p->loop) == 0)
		program_signal(p, SIGKILL);
	loop_timer_cancel(p->loop, &p->kill);
	program_await(p);
	program_abandon(p);
	spawner_close(&p->spawner);
}
