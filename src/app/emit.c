/*
 * The way out for events and payload: JSON on stdout, or reports on stdout and
 * lines for people on stderr. Two things wait here:
 *
 *	a part of a UTF-8 character, in conn.tail: until the rest of it comes,
 *	or the connection closes
 *	lines about datagram peers and denied clients, beyond a rate: counted in
 *	app.peers, until the second is over (rate_limit.c)
 */
#include "app/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/escape.h"
#include "base/fail.h"
#include "report/hexdump.h"
#include "terminal/columns.h"

enum { PAYLOAD_PIECE = 64 * 1024 };

void
emit_error(struct app *a)
{
	struct event e = { .kind = EVENT_ERROR, .text = fail_text() };

	emit_event(a, &e);
}

void
emit_notice(struct app *a, const char *text)
{
	struct event e = { .kind = EVENT_ERROR, .text = text };

	if (a->settings->quiet)
		emit_for_programs(a, &e);
	else
		emit_event(a, &e);
}

void
emit_lost(struct app *a, uint32_t datagrams)
{
	char text[80];

	snprintf(text, sizeof(text), "%u datagram%s lost: the receive queue "
	    "was full", datagrams, datagrams == 1 ? " was" : "s were");
	if (datagrams)
		emit_notice(a, text);
}

void
emit_denied(struct app *a, uint64_t denied)
{
	char text[80];

	snprintf(text, sizeof(text), "%llu %s%s denied",
	    (unsigned long long)denied,
	    a->settings->udp ? "datagram" : "connection",
	    denied == 1 ? " was" : "s were");
	if (denied)
		emit_notice(a, text);
}

static bool
emit_is_wanted(const struct app *a, const struct event *e)
{
	int level = event_types[e->kind].level;

	if (a->settings->json || a->interactive)
		return true;
	return level <= 1 - a->settings->quiet + a->settings->verbose;
}

/* A line of JSON with its end, and its length; NULL: no memory. */
static char *
emit_line(const struct event *e, bool ascii, size_t *length)
{
	char *json = event_json(e, ascii), *line = NULL;
	int n = json ? asprintf(&line, "%s\n", json) : -1;

	free(json);
	*length = n < 0 ? 0 : (size_t)n;
	return n < 0 ? NULL : line;
}

/* Writes the event to the file of --events, if there is one. */
static void
emit_record(struct app *a, struct event *e)
{
	size_t length;
	char *line;

	e->time = event_now();
	if (a->events.fd < 0)
		return;
	line = emit_line(e, false, &length);
	if (line && event_file_write(&a->events, line, length) < 0)
		emit_error(a);
	free(line);
}

static void
emit_human(struct app *a, const struct event *e)
{
	bool is_report = e->kind == EVENT_REPORT || e->kind == EVENT_CHECK ||
	    e->kind == EVENT_PROBE || e->kind == EVENT_GROUP ||
	    e->kind == EVENT_SCAN || e->kind == EVENT_RESCUE ||
	    e->kind == EVENT_COMPARE;
	struct table_style lines = { .color = a->color };
	char *text, *line = NULL, time[TIME_TEXT];
	int n;

	if (is_report && settings_file_on_stdout(a->settings))
		return;
	/* the terminal may have been resized */
	if (is_report)
		a->style.columns = terminal_columns(STDOUT_FILENO);
	text = event_human(e, is_report ? &a->style : &lines);
	if (!text)
		return;
	if (a->settings->timestamps)
		n = asprintf(&line, "%s %s\n", time_text(e->time, time), text);
	else
		n = asprintf(&line, "%s\n", text);
	if (n > 0 && is_report)
		sink_write(&a->out, line, (size_t)n);
	else if (n > 0)
		app_print(a, line, event_types[e->kind].level > 1);
	if (n >= 0)
		free(line);
	free(text);
}

void
emit_event(struct app *a, struct event *e)
{
	size_t length;
	char *line;

	emit_record(a, e);
	if (!emit_is_wanted(a, e))
		return;
	if (!a->settings->json) {
		emit_human(a, e);
		return;
	}
	line = emit_line(e, isatty(STDOUT_FILENO), &length);
	/* one write, because echo's workers share the descriptor */
	if (line)
		sink_write(&a->out, line, length);
	free(line);
}

void
emit_for_programs(struct app *a, struct event *e)
{
	if (a->settings->json)
		emit_event(a, e);
	else
		emit_record(a, e);
}

/* A value that is as asked is only for who asks for details. */
void
emit_sockopts(struct app *a, int fd)
{
	const struct sockopts *all = &a->settings->sockopts;
	for (int i = 0; i < all->count; i++) {
		struct sockopt_state s;
		struct event e = { .kind = EVENT_SOCKOPT };

		if (!sockopts_get(all, i, fd, &s))
			continue;
		e.name = s.name;
		e.asked = s.asked;
		e.value = s.value;
		e.reason = s.why;
		if (s.why || a->settings->verbose)
			emit_event(a, &e);
		else
			emit_for_programs(a, &e);
	}
}

static void
emit_folded(struct rate_limit *f)
{
	struct app *a = container_of(f, struct app, peers);
	char line[120];

	snprintf(line, sizeof(line), "... %llu more connected, %llu "
	    "more closed\n", (unsigned long long)f->connected,
	    (unsigned long long)f->closed);
	app_print(a, line, true);
}

/* A prompt folds by itself, and JSON must have every event. */
static bool
emit_is_folded(struct app *a, const struct conn *c, const struct event *e)
{
	if ((!c->ops->datagram && !c->denied) || a->interactive ||
	    a->settings->json || !emit_is_wanted(a, e))
		return false;
	a->peers.on_flush = emit_folded;
	return rate_limit_takes(&a->peers, &a->loop, e->kind == EVENT_CLOSED);
}

/* A file has every event, too. */
static void
emit_or_fold(struct app *a, const struct conn *c, struct event *e)
{
	if (emit_is_folded(a, c, e))
		emit_record(a, e);
	else
		emit_event(a, e);
}

void
emit_accepted(struct app *a, const struct conn *c, const char *name,
    uint64_t own, uint64_t total)
{
	struct event e = {
		.kind = EVENT_CONNECTED, .conn = c->id,
		.peer = conn_origin(c), .via = conn_proxy(c),
		.name = name ? name : a->worker, .own = (int64_t)own,
		.total = total,
	};

	emit_or_fold(a, c, &e);
}

void
emit_connected(struct app *a, const struct conn *c)
{
	emit_accepted(a, c, NULL, 0, 0);
}

void
emit_tls(struct app *a, const struct conn *c)
{
	const struct tls *t = tls_of(c);
	struct tls_facts facts;
	struct event e = { .kind = EVENT_TLS, .conn = c->id };

	if (!t || (a->events.fd < 0 && !emit_is_wanted(a, &e)))
		return;
	tls_facts(t, &facts);
	e.version = facts.version;
	e.cipher = facts.cipher;
	e.alpn = facts.alpn[0] ? facts.alpn : NULL;
	e.name = facts.name;
	e.pin = facts.pin[0] ? facts.pin : NULL;
	e.verified = facts.verified;
	emit_event(a, &e);
}

void
emit_key(struct app *a, const struct tls_context *t)
{
	char pin[PIN_TEXT];
	struct event e = { .kind = EVENT_KEY, .pin = pin };

	if (!t->ssl || !t->made)
		return;
	pin_text(&t->own, pin);
	emit_event(a, &e);
}

static void
emit_data(struct app *a, const struct conn *c, const void *data,
    size_t length)
{
	struct event e = {
		.kind = EVENT_DATA, .conn = c->id, .data = data,
		.length = length,
	};

	emit_event(a, &e);
}

static void
payload_escaped(struct app *a, const void *data, size_t length)
{
	char *safe = malloc(length * ESCAPE_MAX + 1);

	if (safe)
		sink_write(&a->out, safe, escape(data, length, true, safe));
	free(safe);
}

static void
payload_piece(struct app *a, const struct conn *c, const void *data,
    size_t length)
{
	if (a->settings->json)
		emit_data(a, c, data, length);
	else
		payload_escaped(a, data, length);
}

void
emit_closed(struct app *a, const struct conn *c, enum reason reason)
{
	struct event e = {
		.kind = EVENT_CLOSED, .conn = c->id, .name = a->worker,
		.in = c->in, .out = c->out, .reason = reason_name(reason),
		.seconds = (double)(loop_now() - c->opened) / 1e6,
	};

	if (c->tail_length)
		payload_piece(a, c, c->tail, c->tail_length);
	emit_or_fold(a, c, &e);
}

/* Splits a stream into pieces that never end inside a UTF-8 character. */
static void
payload_text(struct app *a, struct conn *c, const char *data, size_t length)
{
	char whole[PAYLOAD_PIECE + sizeof(c->tail)];
	bool borders = c->ops->datagram || c->ops->records;

	do {
		size_t n = length < PAYLOAD_PIECE ? length : PAYLOAD_PIECE;
		size_t have = c->tail_length + n, keep;

		memcpy(whole, c->tail, c->tail_length);
		memcpy(whole + c->tail_length, data, n);
		keep = borders ? 0 : utf8_tail(whole, have);
		if (have > keep || borders)
			payload_piece(a, c, whole, have - keep);
		memcpy(c->tail, whole + have - keep, keep);
		c->tail_length = (unsigned char)keep;
		data += n;
		length -= n;
	} while (length);
}

void
emit_payload(struct app *a, struct conn *c, const void *data, size_t length)
{
	if (a->settings->json || isatty(STDOUT_FILENO))
		payload_text(a, c, data, length);
	else
		sink_write(&a->out, data, length);
}

void
emit_hex(struct app *a, const struct conn *c, const void *data, size_t length)
{
	size_t base = c ? (size_t)c->in - length : (size_t)a->dumped, size;
	char mark[24] = ">", *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (c)
		snprintf(mark, sizeof(mark), "#%u<", c->id);
	else
		a->dumped += length;
	hexdump(out, mark, base, data, length);
	fclose(out);
	a->print(a, text, size, false);
	free(text);
}
