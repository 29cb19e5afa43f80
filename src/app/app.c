#include "app/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ready.h"
#include "base/container.h"
#include "base/escape.h"
#include "base/signals.h"

enum {
	PAYLOAD_PIECE = 64 * 1024,
	PATIENCE_MS = 1000,	/* for a reader, when we ought to end */
};

/*
 * A terminal that is gone sends SIGHUP, too, before or after this; where that
 * is ignored, a prompt comes to the end of its input, and leaves in order.
 */
static void
on_out_fail(struct sink *s)
{
	struct app *d = container_of(s, struct app, out);
	struct stat st;
	bool gone = (errno == EIO || errno == EPIPE) &&
	    fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode);

	if (gone && sigismember(&d->signal_set, SIGHUP) == 1)
		raise(SIGHUP);
	else if (!gone || !d->interactive)
		app_fatal(d);
}

static bool
ends(const struct signalfd_siginfo *info)
{
	return info->ssi_signo == SIGTERM || info->ssi_signo == SIGINT ||
	    info->ssi_signo == SIGHUP;
}

static bool
is_repeated(const struct signalfd_siginfo *info)
{
	return ends(info) && signals_is_twin((int)info->ssi_signo,
	    info->ssi_code == SI_USER ? (pid_t)info->ssi_pid : 0);
}

void
app_end_by(struct app *d, int number)
{
	d->ended_by = number;
	loop_stop(&d->loop);
	signals_hurry();
}

static void
on_signals(struct source *s, uint32_t events)
{
	struct app *d = container_of(s, struct app, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		if (is_repeated(&info))
			continue;
		if (d->on_signal)
			d->on_signal(d, &info);
		else if (info.ssi_signo != SIGCHLD)
			app_end_by(d, (int)info.ssi_signo);
	}
}

int
app_catch(struct app *d, int number)
{
	int fd;

	sigaddset(&d->signal_set, number);
	sigprocmask(SIG_BLOCK, &d->signal_set, NULL);
	fd = signalfd(d->signals.fd, &d->signal_set,
	    SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return fail("signalfd");
	d->signals.fd = fd;
	return 0;
}

static int
signals_open(struct app *d)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP };
	struct sigaction now;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&d->signal_set);
	d->signals.fd = -1;
	d->signals.on_event = on_signals;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup(1) asks for SIGHUP to stay ignored, a shell's & for
		 * SIGINT */
		if ((numbers[i] == SIGHUP || numbers[i] == SIGINT) &&
		    sigaction(numbers[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_IGN)
			continue;
		if (app_catch(d, numbers[i]) < 0)
			return -1;
	}
	return loop_watch(&d->loop, &d->signals, EPOLLIN);
}

static void
print(struct app *d, const char *line, size_t length, bool news)
{
	(void)news;
	sink_write(&d->err, line, length);
}

static bool
wants_color(const struct settings *s)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (s->color != CHOICE_AUTO)
		return s->color == CHOICE_ALWAYS;
	return isatty(STDERR_FILENO) && !(no && *no) &&
	    term && strcmp(term, "dumb") != 0;
}

int
app_open(struct app *d, const struct settings *s)
{
	*d = (struct app){
		.settings = s, .color = wants_color(s), .print = print,
	};
	if (loop_open(&d->loop) < 0 ||
	    sink_open(&d->err, &d->loop, STDERR_FILENO, true) < 0 ||
	    sink_open(&d->out, &d->loop, STDOUT_FILENO, false) < 0)
		return -1;
	d->out.on_fail = on_out_fail;
	return signals_open(d);
}

/* Waits for stdout's reader, but after a signal not for long. */
static void
flush_out(struct app *d)
{
	struct signalfd_siginfo info;

	while (sink_flush(&d->out, d->ended_by ? PATIENCE_MS : -1,
	    d->signals.fd) < 0 && !d->out.failed &&
	    read(d->signals.fd, &info, sizeof(info)) == sizeof(info))
		if (ends(&info))
			app_end_by(d, (int)info.ssi_signo);
}

int
app_close(struct app *d)
{
	fold_end(&d->peers, &d->loop);
	if (d->ended_by)
		signals_hurry();
	flush_out(d);
	sink_flush(&d->err, PATIENCE_MS, -1);
	sink_close(&d->out);
	sink_close(&d->err);
	loop_del(&d->loop, &d->signals);
	close(d->signals.fd);
	loop_close(&d->loop);
	return d->status;
}

void
app_abandon(struct app *d)
{
	sigset_t terminals;

	/* to be stopped by ^Z as well */
	sigemptyset(&terminals);
	sigaddset(&terminals, SIGTSTP);
	sigaddset(&terminals, SIGWINCH);
	sigprocmask(SIG_UNBLOCK, &terminals, NULL);
	sink_close(&d->out);
	sink_close(&d->err);
	close(d->signals.fd);
	loop_close(&d->loop);
}

void
report_error(const char *command)
{
	dprintf(STDERR_FILENO, "rpnc%s%s: %s\n", *command ? " " : "", command,
	    fail_text());
}

void
emit_fault(struct app *d)
{
	char line[FAIL_TEXT + 32];
	int n = snprintf(line, sizeof(line), "rpnc %s: %s\n",
	    d->settings->command, fail_text());

	d->print(d, line, (size_t)n, false);
	d->status = fail_status();
}

void
app_fatal(struct app *d)
{
	emit_fault(d);
	loop_stop(&d->loop);
}

void
emit_error(struct app *d)
{
	struct event e = { .kind = EVENT_ERROR, .text = fail_text() };

	emit_event(d, &e);
}

void
emit_notice(struct app *d, const char *text)
{
	struct event e = { .kind = EVENT_ERROR, .text = text };

	if (!d->settings->quiet)
		emit_event(d, &e);
}

void
emit_lost(struct app *d, uint32_t datagrams)
{
	char text[80];

	snprintf(text, sizeof(text), "%u datagram%s lost: the receive queue "
	    "was full", datagrams, datagrams == 1 ? " was" : "s were");
	if (datagrams)
		emit_notice(d, text);
}

static bool
is_told(const struct app *d, const struct event *e)
{
	int level = event_types[e->kind].level;

	if (d->settings->json || d->interactive)
		return true;
	return level <= 1 - d->settings->quiet + d->settings->verbose;
}

static void
tell_human(struct app *d, const struct event *e)
{
	bool is_report = e->kind == EVENT_REPORT || e->kind == EVENT_CHECK ||
	    e->kind == EVENT_PROBE || e->kind == EVENT_GROUP ||
	    e->kind == EVENT_SCAN || e->kind == EVENT_RESCUE ||
	    e->kind == EVENT_COMPARE;
	char *text = event_human(e, d->color && !is_report);
	char *line = NULL, time[TIME_TEXT];
	int n;

	if (!text)
		return;
	if (d->settings->timestamps)
		n = asprintf(&line, "%s %s\n", time_text(e->time, time), text);
	else
		n = asprintf(&line, "%s\n", text);
	if (n > 0 && is_report)
		sink_write(&d->out, line, (size_t)n);
	else if (n > 0)
		d->print(d, line, (size_t)n, event_types[e->kind].level > 1);
	if (n >= 0)
		free(line);
	free(text);
}

void
emit_event(struct app *d, struct event *e)
{
	char *json, *line;
	int n;

	if (!is_told(d, e))
		return;
	e->time = event_now();
	if (!d->settings->json) {
		tell_human(d, e);
		return;
	}
	json = event_json(e, isatty(STDOUT_FILENO));
	n = json ? asprintf(&line, "%s\n", json) : -1;
	free(json);
	if (n < 0)
		return;
	/* one write: echo's workers share the descriptor */
	sink_write(&d->out, line, (size_t)n);
	free(line);
}

static void
tell_folded(struct fold *f)
{
	struct app *d = container_of(f, struct app, peers);
	char line[120];
	int n = snprintf(line, sizeof(line), "... %llu more connected, %llu "
	    "more closed\n", (unsigned long long)f->connected,
	    (unsigned long long)f->closed);

	d->print(d, line, (size_t)n, true);
}

/* A prompt folds by itself; JSON has all events. */
static bool
is_folded(struct app *d, const struct conn *c, const struct event *e)
{
	if (!c->ops->datagram || d->interactive || d->settings->json ||
	    !is_told(d, e))
		return false;
	d->peers.tell = tell_folded;
	return fold_takes(&d->peers, &d->loop, e->kind == EVENT_CLOSED);
}

void
emit_accepted(struct app *d, const struct conn *c, const char *name,
    uint64_t own, uint64_t total)
{
	struct event e = {
		.kind = EVENT_CONNECTED, .conn = c->id, .peer = &c->peer,
		.name = name ? name : d->worker, .own = (int64_t)own,
		.total = total,
	};

	if (!is_folded(d, c, &e))
		emit_event(d, &e);
}

void
emit_connected(struct app *d, const struct conn *c)
{
	emit_accepted(d, c, NULL, 0, 0);
}

static void
data_event(struct app *d, const struct conn *c, const void *data,
    size_t length)
{
	struct event e = {
		.kind = EVENT_DATA, .conn = c->id, .data = data,
		.length = length,
	};

	emit_event(d, &e);
}

static void
payload_escaped(struct app *d, const void *data, size_t length)
{
	char *safe = malloc(length * ESCAPE_MAX + 1);

	if (safe)
		sink_write(&d->out, safe, escape(data, length, true, safe));
	free(safe);
}

static void
payload_piece(struct app *d, const struct conn *c, const void *data,
    size_t length)
{
	if (d->settings->json)
		data_event(d, c, data, length);
	else
		payload_escaped(d, data, length);
}

void
emit_closed(struct app *d, const struct conn *c, enum reason reason)
{
	struct event e = {
		.kind = EVENT_CLOSED, .conn = c->id, .name = d->worker,
		.in = c->in, .out = c->out, .reason = reason_name(reason),
		.seconds = (double)(loop_now() - c->opened) / 1e6,
	};

	if (c->tail_length)
		payload_piece(d, c, c->tail, c->tail_length);
	if (!is_folded(d, c, &e))
		emit_event(d, &e);
}

/* In pieces that never end inside a character. */
static void
payload_text(struct app *d, struct conn *c, const char *data, size_t length)
{
	char whole[PAYLOAD_PIECE + sizeof(c->tail)];

	do {
		size_t n = length < PAYLOAD_PIECE ? length : PAYLOAD_PIECE;
		size_t have = c->tail_length + n, keep;

		memcpy(whole, c->tail, c->tail_length);
		memcpy(whole + c->tail_length, data, n);
		keep = c->ops->datagram ? 0 : utf8_tail(whole, have);
		if (have > keep || c->ops->datagram)
			payload_piece(d, c, whole, have - keep);
		memcpy(c->tail, whole + have - keep, keep);
		c->tail_length = (unsigned char)keep;
		data += n;
		length -= n;
	} while (length);
}

void
emit_payload(struct app *d, struct conn *c, const void *data, size_t length)
{
	if (d->settings->json || isatty(STDOUT_FILENO))
		payload_text(d, c, data, length);
	else
		sink_write(&d->out, data, length);
}

/* "#1< 00000010  68 65 6c 6c 6f 0a                 |hello.|" */
static size_t
hex_line(char *line, const char *mark, size_t at, const unsigned char *data,
    size_t n)
{
	char *to = line + sprintf(line, "%s %08zx ", mark, at);

	for (size_t i = 0; i < 16; i++) {
		if (i == 8)
			*to++ = ' ';
		to += i < n ? sprintf(to, " %02x", data[i]) :
		    sprintf(to, "   ");
	}
	to += sprintf(to, "  |");
	for (size_t i = 0; i < n; i++)
		*to++ = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
	to += sprintf(to, "|\n");
	return (size_t)(to - line);
}

void
emit_hex(struct app *d, const struct conn *c, const void *data, size_t length)
{
	size_t base = c ? (size_t)c->in - length : (size_t)d->dumped, size;
	char mark[24] = ">", line[128] = "", *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (c)
		snprintf(mark, sizeof(mark), "#%u<", c->id);
	else
		d->dumped += length;
	for (size_t i = 0; i < length; i += 16)
		fwrite(line, 1, hex_line(line, mark, base + i,
		    (const unsigned char *)data + i,
		    length - i < 16 ? length - i : 16), out);
	fclose(out);
	d->print(d, text, size, false);
	free(text);
}

/* If --ready-fd is a full pipe, waits for its reader or for a signal. */
static bool
can_tell_ready(const struct app *d)
{
	struct pollfd p[] = {
		{ .fd = (int)d->settings->ready_fd, .events = POLLOUT },
		{ .fd = d->signals.fd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	return p[0].revents;
}

void
app_ready(struct app *d, const struct sock_set *set)
{
	if (d->settings->ready_fd >= 0 && can_tell_ready(d))
		ready_write((int)d->settings->ready_fd, set);
	ready_notify();
}
