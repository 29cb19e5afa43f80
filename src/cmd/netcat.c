/*
 * The part of listen and connect that is the same: it joins a relay to an app,
 * and to a session if there is a prompt.
 *
 * Ways of a byte that a peer sent: if somebody looks at it (a prompt, --json,
 * --hex, a terminal as stdout), the relay calls on_data(); else the relay
 * writes it to stdout itself, without a copy if it can.
 *
 * A connection: netcat_add() to open, relay to closed (on_closed()). A fault of
 * the only connection is the command's fault; with -k it is an event.
 */
#include "cmd/netcat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"

/* If stdout is this many bytes behind, further lines are only counted. */
enum { LINES_AHEAD = 64 * 1024 };

static struct netcat *
netcat_of(struct relay *r)
{
	return r->user;
}

static void
on_data(struct relay *r, struct conn *c, const void *data, size_t length)
{
	struct netcat *n = netcat_of(r);

	if (n->interactive ? n->session.hex : n->app.settings->hex)
		emit_hex(&n->app, c, data, length);
	else if (n->interactive && c)
		session_data(&n->session, c, data, length);
	if (c && !n->interactive)
		emit_payload(&n->app, c, data, length);
}

static void
lost_text(char *text, size_t room, const struct loss *lost)
{
	snprintf(text, room, "%s%llu byte%s of input %s not delivered",
	    lost->at_least ? "at least " : "",
	    (unsigned long long)lost->bytes, lost->bytes == 1 ? "" : "s",
	    lost->bytes == 1 ? "was" : "were");
}

/* Records what went wrong with a connection and returns -1; 0: nothing did. */
static int
end_fail(struct netcat *n, const struct conn *c, const struct relay_end *end)
{
	char peer[ADDR_TEXT], time[NUM_TEXT], lost[NUM_TEXT + 64];

	addr_text(conn_origin(c), peer);
	lost_text(lost, sizeof(lost), &end->lost);
	if (end->reason == REASON_TIMEOUT && !end->error)
		fail_as(STATUS_TIMEOUT, "%s: nothing heard or said for %s",
		    peer, duration_text(n->app.settings->idle_timeout, time));
	else if (end->error == EPROTO && c->why) {
		fail_as(STATUS_NETWORK, "%s: TLS: %s", peer, c->why);
	} else if (end->error) {
		errno = end->error;
		fail("%s", peer);
	} else if (end->reason == REASON_TRUNCATED) {
		return fail_as(STATUS_NETWORK, "%s closed without TLS's "
		    "close_notify: its data may be cut off (--tls-lax-eof: it "
		    "is not)", peer);
	} else if (end->lost.bytes)
		return fail_as(STATUS_NETWORK, "%s closed: %s", peer, lost);
	else
		return 0;
	if (end->lost.bytes)
		fail_add("%s", lost);
	return end->error == ETIMEDOUT ? fail_status_set(STATUS_TIMEOUT) : -1;
}

void
netcat_judge_end(struct netcat *n, const struct conn *c,
    const struct relay_end *end)
{
	const struct relay_options *o = &n->relay_options;

	if (end_fail(n, c, end) == 0)
		return;
	if (!o->keep || (o->until == UNTIL_INPUT && end->lost.bytes))
		app_fault(&n->app);
	else if (end->lost.bytes)
		emit_notice(&n->app, fail_text());
}

static void
on_closed(struct relay *r, struct conn *c, const struct relay_end *end)
{
	struct netcat *n = netcat_of(r);

	if (n->interactive)
		session_closed(&n->session, c);
	emit_closed(&n->app, c, end->reason);
	netcat_judge_end(n, c, end);
	if (n->on_closed)
		n->on_closed(n, c);
	if (!r->count)
		n->on_last(n);
	if (n->interactive)
		session_refresh(&n->session);
}

/*
 * Passes the peer's end of file on to stdout. The program that reads our
 * stdout may also write our stdin, and end only when it sees end of file.
 */
static void
on_half(struct relay *r, struct conn *c)
{
	const struct netcat *n = netcat_of(r);
	const struct settings *s = n->app.settings;

	(void)c;
	if (!n->relay_options.keep && !s->reuseport && !s->json &&
	    !isatty(STDOUT_FILENO))
		sink_end(r->out);
}

static void
on_input_fail(struct relay *r)
{
	app_fault(&netcat_of(r)->app);
}

/* With -k the fault of one client is not the command's. */
void
netcat_lost(struct netcat *n)
{
	if (n->relay_options.keep)
		emit_error(&n->app);
	else
		app_fault(&n->app);
}

static void
on_unsent(struct relay *r, struct conn *c, size_t length, int error)
{
	struct netcat *n = netcat_of(r);

	losses_count(&n->unsent, &c->peer, length, error);
	if (losses_due(&n->unsent))
		netcat_lost(n);
}

static void
on_drained(struct sink *s)
{
	struct netcat *n = container_of(s, struct netcat, app.out);

	relay_resume(&n->relay);
	if (n->interactive)
		session_refresh(&n->session);
	if (n->on_drained)
		n->on_drained(n);
}

/* The dump goes out, so that what waited for it is read again. */
static void
on_dumped(struct sink *s)
{
	struct netcat *n = container_of(s, struct netcat, app.err);

	if (!sink_full(&n->app.out))
		on_drained(&n->app.out);
}

static void
on_undumped(struct timer *t)
{
	on_dumped(&container_of(t, struct netcat, undumped)->app.err);
}

/* The relay goes on without the dump; the exit status tells of it. */
static void
on_dump_fail(struct sink *s)
{
	struct netcat *n = container_of(s, struct netcat, app.err);

	/* from the loop, because the relay may be the caller */
	n->undumped.on_timer = on_undumped;
	loop_timer_set(&n->app.loop, &n->undumped, loop_now());
}

/* A reader of the dump that is slow holds up the bytes that it shows. */
static void
netcat_dump(struct netcat *n)
{
	n->app.out.beside = n->relay.shown = &n->app.err;
	n->app.err.on_drained = on_dumped;
	n->app.err.on_fail = on_dump_fail;
}

bool
netcat_wants_prompt(const struct settings *s)
{
	if (s->json || s->program || s->prompt == CHOICE_NEVER)
		return false;
	return s->prompt == CHOICE_ALWAYS || (!s->delay && prompt_possible());
}

int
netcat_check(struct netcat *n, const struct settings *s)
{
	if (s->until == UNTIL_INPUT && s->no_stdin)
		return fail_as(STATUS_USAGE, "--until input waits for the end "
		    "of stdin, and none is read (-n, or /dev/null)");
	if (s->delay && s->prompt == CHOICE_ALWAYS)
		return fail_as(STATUS_USAGE, "--delay is for lines of stdin: a "
		    "prompt sends each line at once");
	return settings_congestion(s, &n->congestion);
}

/* True if the bytes are shown or changed on their way to stdout. */
static bool
wants_data(const struct settings *s)
{
	return s->json || s->hex || netcat_wants_prompt(s) ||
	    isatty(STDOUT_FILENO);
}

int
netcat_open(struct netcat *n, const struct settings *s)
{
	static const struct relay_ops ops = {
		.on_half = on_half, .on_closed = on_closed,
		.on_input_fail = on_input_fail, .on_unsent = on_unsent,
	}, data_ops = {
		.on_data = on_data, .on_half = on_half,
		.on_closed = on_closed, .on_input_fail = on_input_fail,
		.on_unsent = on_unsent,
	};

	n->relay_options = (struct relay_options){
		.until = (enum until)s->until, .crlf = s->crlf,
		.no_input = s->no_stdin || netcat_wants_prompt(s),
		.no_shutdown = s->no_shutdown, .keep = s->keep,
		.delay = s->delay, .idle = s->idle_timeout, .linger = s->linger,
	};
	if (app_open(&n->app, s) < 0 || relay_init(&n->relay,
	    &n->app.loop, &n->relay_options, wants_data(s) ? &data_ops :
	    &ops, &n->app.out) < 0)
		return -1;
	n->relay.user = n;
	n->app.out.on_drained = on_drained;
	if (s->hex && !netcat_wants_prompt(s))
		netcat_dump(n);
	return 0;
}

int
netcat_add(struct netcat *n, struct conn *c)
{
	c->id = ++n->last_id;
	if (relay_add(&n->relay, c) < 0)
		return -1;
	if (n->on_opened)
		n->on_opened(n, c);
	else
		emit_connected(&n->app, c);
	emit_tls(&n->app, c);
	if (n->interactive)
		session_connected(&n->session, c);
	return 0;
}

static void
print_above(struct app *a, const char *line, size_t length, bool news)
{
	struct netcat *n = container_of(a, struct netcat, app);

	if (a->out.failed || !n->session.prompt.out)
		sink_write(&a->err, line, length);
	else if (news || a->out.length > LINES_AHEAD)
		session_print_event(&n->session, line, length);
	else
		prompt_print(&n->session.prompt, line, length);
}

static void
on_prompt_signal(struct app *a, const struct signalfd_siginfo *info)
{
	struct netcat *n = container_of(a, struct netcat, app);

	switch (info->ssi_signo) {
	case SIGINT:
		if (sink_stuck(&a->out))
			a->ended_by = SIGINT;	/* do not wait for a reader */
		session_interrupt(&n->session, a->ended_by);
		break;
	case SIGWINCH:
		prompt_resize(&n->session.prompt);
		if (n->on_resize)
			n->on_resize(n);
		break;
	case SIGTSTP:
		if (n->on_stop)
			n->on_stop(n, true);
		prompt_suspend(&n->session.prompt);
		raise(SIGSTOP);
		prompt_resume(&n->session.prompt);
		if (n->on_stop)
			n->on_stop(n, false);
		break;
	case SIGTERM:
	case SIGHUP:
		a->ended_by = (int)info->ssi_signo;
		if (n->on_signal)
			n->on_signal(n);
		else
			loop_stop(&a->loop);
		break;
	}
}

int
netcat_prompt(struct netcat *n)
{
	n->session.crlf = n->app.settings->crlf;
	n->session.hex = n->app.settings->hex;
	n->session.color = n->app.color;
	if (app_catch(&n->app, SIGWINCH) < 0 ||
	    app_catch(&n->app, SIGTSTP) < 0 ||
	    session_open(&n->session, &n->app.loop, &n->relay) < 0)
		return -1;
	n->interactive = n->app.interactive = true;
	n->app.print = print_above;
	n->app.on_signal = on_prompt_signal;
	return 0;
}

int
netcat_close(struct netcat *n)
{
	relay_free(&n->relay);
	if (losses_rest(&n->unsent))
		netcat_lost(n);
	session_close(&n->session);
	return app_close(&n->app);
}
