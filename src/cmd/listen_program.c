/*
 * rpnc listen ... -- COMMAND: listen_server.c accepts, and leaves the group;
 * serve/program.c runs the command for each connection, without a relay. A
 * session is open until its process has ended.
 *
 * At the end the open sessions have --grace, as all sessions do. Then
 * listen_program_end() ends the processes.
 */
#include "cmd/listen_program.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"

enum { PROCESSES = 100 };	/* at once, without -m */

static struct listen_server *
listen_of_program(struct program *p)
{
	return container_of(p, struct listen_server, program);
}

int
listen_program_words(const struct settings *s, int count)
{
	int behind = s->given.behind;

	/* sockets of others need no port */
	if (behind == count && !s->adopt && !s->listen_fds.count &&
	    !activation_is_ours())
		return 0;
	return behind > 0 ? behind : 0;
}

int
listen_program_take(struct settings *s, int *count, char *const *words)
{
	int length = listen_program_words(s, *count);

	if (!s->given.behind && *count)
		return fail_as(STATUS_USAGE, "--: which command? 'rpnc listen "
		    "[host] port -- COMMAND'");
	if (!length)
		return 0;
	*count -= length;
	s->program = words + *count;
	if (!s->max_conns)
		s->max_conns = PROCESSES;
	s->no_stdin = true;
	return child_check(s->program[0]);
}

/* Without -k there is one connection: its fault is the command's. */
static bool
is_judged(const struct listen_server *v)
{
	return !v->settings->keep && !v->stop.leave.ends;
}

static void
judge(struct listen_server *v, const struct event *e)
{
	const char *command = v->settings->program[0];

	if (!is_judged(v) || !e->status)
		return;
	if (e->signal > 0)
		fail_as(STATUS_NETWORK, "%.200s: killed by signal %d (%s)",
		    command, (int)e->signal, strsignal((int)e->signal));
	else
		fail_as(STATUS_NETWORK, "%.200s: exit status %d", command,
		    (int)e->status);
	app_fault(&v->netcat.app);
}

static void
on_exit_of(struct program *p, unsigned conn, const struct child *child,
    int64_t time)
{
	struct listen_server *v = listen_of_program(p);
	int status = child->status;
	struct event e = {
		.kind = EVENT_EXIT, .conn = conn, .pid = child->pid,
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : -1,
		.seconds = (double)time / 1e6,
	};

	emit_event(&v->netcat.app, &e);
	judge(v, &e);
}

static void
on_closed(struct program *p, struct conn *c, enum reason reason)
{
	struct listen_server *v = listen_of_program(p);
	struct relay_end end = { .reason = reason };

	emit_closed(&v->netcat.app, c, reason);
	if (reason == REASON_RESET)
		end.error = ECONNRESET;
	netcat_judge_end(&v->netcat, c, &end);
}

static void
on_over(struct program *p, uint64_t in, uint64_t out,
    struct source_count *counted)
{
	struct listen_server *v = listen_of_program(p);

	listen_session_over(v, in, out, counted);
	if (!program_is_busy(p))
		v->netcat.on_last(&v->netcat);
}

static void
on_failed(struct program *p, struct conn *c)
{
	struct listen_server *v = listen_of_program(p);

	if (is_judged(v)) {
		fail_status_set(STATUS_NETWORK);
		app_fault(&v->netcat.app);
	} else if (backoff_is_due(&v->program_failed))
		emit_error(&v->netcat.app);
	on_closed(p, c, REASON_LOCAL);
	listen_session_over(v, 0, 0, c->counted);
	conn_free(c);
	/* later, because without -k the listener is still to be closed */
	loop_timer_set(p->loop, &v->program_idle, loop_now());
}

static void
on_idle(struct timer *t)
{
	struct listen_server *v = container_of(t, struct listen_server,
	    program_idle);

	if (!program_is_busy(&v->program))
		v->netcat.on_last(&v->netcat);
}

static void
on_wait(struct program *p)
{
	emit_error(&listen_of_program(p)->netcat.app);
}

/*
 * The server leaves, because it would take clients and serve none. It can't
 * start another spawner: the sandbox lets it run no program.
 */
static void
on_spawner_killed(struct program *p)
{
	struct listen_server *v = listen_of_program(p);

	if (v->closing && !p->waiting)
		return;			/* the only client is served */
	app_fault(&v->netcat.app);
	backoff_is_due(&v->program_failed);	/* it has been said */
	if (!v->stop.leave.ends)
		listen_end(v);
}

static void
on_client(struct listen_server *v, struct conn *c)
{
	c->id = ++v->netcat.last_id;
	v->netcat.on_opened(&v->netcat, c);
	emit_tls(&v->netcat.app, c);
	program_add(&v->program, c);
}

int
listen_program_init(struct listen_server *v)
{
	v->program = (struct program){
		.loop = &v->netcat.app.loop, .argv = v->settings->program,
		.name = v->membership.named ? v->membership.name : NULL,
		.limit = (unsigned)v->settings->max_conns,
		.on_exit = on_exit_of, .on_closed = on_closed,
		.on_over = on_over, .on_failed = on_failed,
		.on_wait = on_wait, .on_spawner_killed = on_spawner_killed,
	};
	v->on_client = on_client;
	v->program_idle.on_timer = on_idle;
	return getrlimit(RLIMIT_NOFILE, &v->program.files) < 0 ?
	    fail("descriptors") : program_init(&v->program);
}

void
listen_program_end(struct listen_server *v)
{
	if (!v->program.argv)
		return;
	acceptor_close(&v->acceptor);
	program_end(&v->program);
	loop_timer_cancel(&v->netcat.app.loop, &v->program_idle);
}
