/*
 * A session at the prompt of listen or connect: shows what peers send and what
 * happens, and sends what the user types.
 *
 *	shown		how				held back until
 *	data		a line at a time, escaped,	its LF comes, or 60 ms
 *			with the connection's number	pass (partial), or
 *							another one sends
 *	events		ten a second; the rest is	the second is over
 *			counted in one line		(fold)
 *	answers		at once				-
 *	the prompt	anew after each change		the sink has room, and
 *							no event is counted
 *
 * A typed line goes to the connection that has the focus. Only the user moves
 * the focus, except that a new connection gets it if no connection has it.
 *
 * While the terminal is stopped (^S), output waits in the relay's sink. The
 * relay then reads no more data, and events beyond 4 KB are counted.
 *
 * The command owns struct session, the relay owns the connections.
 */
#include "session/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/escape.h"
#include "report/wrap.h"

enum {
	EVENTS_A_SECOND = 10,
	SECOND_US = 1000 * 1000,
	FLUSH_US = 60 * 1000,		/* a partial line is shown after this */
	EVENTS_AHEAD = 4 * 1024,	/* most bytes of events in the sink */
};

void
session_print(struct session *s, const char *format, ...)
{
	char *text, *wrapped;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	wrapped = wrap_for_stdout(text);
	free(text);
	if (wrapped)
		prompt_print(&s->prompt, wrapped, strlen(wrapped));
	free(wrapped);
}

static void
on_fold(struct timer *t)
{
	struct session *s = container_of(t, struct session, fold);

	if (sink_full(s->prompt.out)) {
		loop_timer_set(s->loop, t, loop_now() + SECOND_US);
		return;
	}
	if (s->folded)
		session_print(s,
		    "... and %u more events: see /who and /group\n", s->folded);
	s->shown = s->folded = 0;
	session_refresh(s);
}

void
session_print_event(struct session *s, const char *line, size_t length)
{
	if (!s->shown)
		loop_timer_set(s->loop, &s->fold, loop_now() + SECOND_US);
	if (s->shown++ < EVENTS_A_SECOND &&
	    s->prompt.out->length < EVENTS_AHEAD)
		prompt_print(&s->prompt, line, length);
	else
		s->folded++;
}

static void
session_prompt_text(const struct session *s, char *text, size_t room)
{
	static const char *const marks[] = {
		"", " full", " paused", " stopped", " away", "",
	};
	size_t used = 0;

	if (!s->server) {
		snprintf(text, room, "> ");
		return;
	}
	if (*s->name)
		used = (size_t)snprintf(text, room, "%s ", s->name);
	used += (size_t)snprintf(text + used, room - used, "[%u open",
	    s->relay->count);
	if (s->total)
		used += (size_t)snprintf(text + used, room - used,
		    ", %.0f%% of %llu", 100.0 * (double)s->accepted /
		    (double)s->total, (unsigned long long)s->total);
	used += (size_t)snprintf(text + used, room - used, "%s]",
	    marks[s->state]);
	if (s->focus)
		used += (size_t)snprintf(text + used, room - used, " #%u",
		    s->focus->id);
	snprintf(text + used, room - used, "> ");
}

void
session_refresh(struct session *s)
{
	char text[128];

	if (s->shown > EVENTS_A_SECOND || sink_full(s->prompt.out))
		return;		/* on_fold() or the sink's owner does it */
	session_prompt_text(s, text, sizeof(text));
	prompt_set(&s->prompt, text);
}

struct conn *
session_conn(struct session *s, unsigned id)
{
	for (struct conn *c = s->relay->conns; c; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

void
session_connected(struct session *s, struct conn *c)
{
	if (!s->focus)
		s->focus = c;
	session_refresh(s);
}

/* Data is not wrapped like our own sentences: its blanks stay. */
static void
partial_flush(struct session *s)
{
	struct partial *p = &s->partial;
	char safe[sizeof(p->text) * ESCAPE_MAX + 1];
	char line[sizeof(safe) + 24];
	int n = 0;

	loop_timer_cancel(s->loop, &s->flush);
	if (!p->length)
		return;
	escape(p->text, p->length, false, safe);
	if (s->server)
		n = snprintf(line, sizeof(line), "#%u< ", p->conn);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s\n", safe);
	prompt_print(&s->prompt, line, (size_t)n);
	p->length = 0;
}

static void
on_flush(struct timer *t)
{
	partial_flush(container_of(t, struct session, flush));
}

void
session_closed(struct session *s, const struct conn *c)
{
	partial_flush(s);
	if (s->focus == c)
		s->focus = NULL;
	session_refresh(s);
}

/* Adds data to the partial line; if it is whole, prints it to out. */
static void
partial_add(struct session *s, FILE *out, const char *data, size_t length,
    bool whole)
{
	struct partial *p = &s->partial;
	char safe[2 * sizeof(p->text) * ESCAPE_MAX + 1];
	char line[2 * sizeof(p->text)];

	memcpy(line, p->text, p->length);
	memcpy(line + p->length, data, length);
	length += p->length;
	if (whole) {
		p->length = 0;
		if (length && line[length - 1] == '\r')
			length--;
		escape(line, length, false, safe);
		if (s->server)
			fprintf(out, "#%u< ", p->conn);
		fprintf(out, "%s\n", safe);
		return;
	}
	memcpy(p->text, line, length);
	p->length = length;
}

void
session_data(struct session *s, const struct conn *c, const char *data,
    size_t length)
{
	struct partial *p = &s->partial;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (p->length && p->conn != c->id)
		partial_flush(s);
	p->conn = c->id;
	out = open_memstream(&text, &size);
	if (!out)
		return;
	while (length) {
		const char *lf = memchr(data, '\n', length);
		size_t n = lf ? (size_t)(lf - data) : length;
		size_t most = sizeof(p->text) - p->length;
		bool split = n > most;

		n = split ? most : n;
		partial_add(s, out, data, n, split || lf);
		n += !split && lf;
		data += n;
		length -= n;
	}
	fclose(out);
	prompt_print(&s->prompt, text, size);
	free(text);
	if (p->length)
		loop_timer_set(s->loop, &s->flush, loop_now() + FLUSH_US);
}

static void
send_line(struct session *s, const char *line)
{
	char *text;
	int n;

	if (!s->focus) {
		session_print(s, s->server ? "no connection has the focus: "
		    "/focus N, /to N|all TEXT, /who\n" : "not connected\n");
		return;
	}
	if (s->focus->write_ended) {
		session_print(s, "this side has ended: nothing more can be "
		    "sent\n");
		return;
	}
	n = asprintf(&text, "%s%s", line, s->crlf ? "\r\n" : "\n");
	if (n < 0)
		return;
	relay_send(s->relay, s->focus, text, (size_t)n);
	free(text);
}

static const struct prompt_command *
session_find_command(const struct session *s, const char *name)
{
	for (const struct prompt_command *c = s->commands; c->name; c++)
		if (strcmp(c->name, name) == 0 && (s->server || !c->server))
			return c;
	return NULL;
}

static void
run_command(struct session *s, char *line)
{
	char *arg = line + strcspn(line, " ");
	const struct prompt_command *c;

	if (*arg)
		*arg++ = '\0';
	arg += strspn(arg, " ");
	c = session_find_command(s, line);
	/*
	 * drop the space that completion adds; but keep a TEXT argument whole
	 */
	if (!c || !strchr(c->args, ' '))
		arg[strcspn(arg, " ")] = '\0';
	if (c)
		c->run(s, arg);
	else
		session_print(s, "/%s: no such command: /help lists them; //%s "
		    "sends it\n", line, line);
}

static char *
complete_command(const struct session *s, const char *text, int n)
{
	char *found = NULL;

	for (const struct prompt_command *c = s->commands; c->name; c++)
		if ((s->server || !c->server) && *text == '/' &&
		    strncmp(c->name, text + 1, strlen(text) - 1) == 0 &&
		    n-- == 0)
			return asprintf(&found, "/%s", c->name) < 0 ? NULL :
			    found;
	return NULL;
}

/* The nth completion: a connection's id, or a word that the command takes. */
static char *
complete_argument(struct session *s, const char *before, const char *text,
    int n)
{
	const char *words[] = { "all", "on", "off" };
	bool hex = strncmp(before, "/hex ", 5) == 0;
	char id[16];

	if (!hex)
		for (struct conn *c = s->relay->conns; c; c = c->next) {
			snprintf(id, sizeof(id), "%u", c->id);
			if (strncmp(id, text, strlen(text)) == 0 && n-- == 0)
				return strdup(id);
		}
	for (int i = hex ? 1 : 0; i < (hex ? 3 : 1); i++)
		if (strncmp(words[i], text, strlen(text)) == 0 && n-- == 0)
			return strdup(words[i]);
	return NULL;
}

static char *
complete_line(struct session *s, const char *before, const char *text, int n)
{
	if (!*before)
		return complete_command(s, text, n);
	if (*before != '/' || strchr(before, ' ') != before + strlen(before) - 1)
		return NULL;
	return complete_argument(s, before, text, n);
}

static void
on_line(struct prompt *p, const char *line)
{
	struct session *s = container_of(p, struct session, prompt);
	char *copy;

	if (line[0] != '/' || line[1] == '/') {
		send_line(s, line[0] == '/' ? line + 1 : line);
		return;
	}
	copy = strdup(line + 1);
	if (copy)
		run_command(s, copy);
	free(copy);
	session_refresh(s);
}

static void
on_end(struct prompt *p)
{
	struct session *s = container_of(p, struct session, prompt);

	if (s->server || !s->focus || s->focus->write_ended)
		s->ops->quit(s);
	else
		relay_shut(s->focus);
}

static char *
on_complete(struct prompt *p, const char *before, const char *text, int n)
{
	return complete_line(container_of(p, struct session, prompt), before,
	    text, n);
}

void
session_interrupt(struct session *s, bool end)
{
	if (end || !prompt_clear(&s->prompt))
		s->ops->quit(s);
}

int
session_open(struct session *s, struct loop *l, struct relay *r)
{
	s->loop = l;
	s->relay = r;
	s->fold.on_timer = on_fold;
	s->flush.on_timer = on_flush;
	s->prompt.out = r->out;
	s->prompt.on_line = on_line;
	s->prompt.on_end = on_end;
	s->prompt.complete = on_complete;
	if (prompt_open(&s->prompt, l) < 0)
		return -1;
	session_refresh(s);
	return 0;
}

void
session_close(struct session *s)
{
	if (!s->prompt.open)
		return;
	partial_flush(s);
	loop_timer_cancel(s->loop, &s->fold);
	if (s->folded)
		session_print(s, "... and %u more events\n", s->folded);
	prompt_close(&s->prompt);
}
