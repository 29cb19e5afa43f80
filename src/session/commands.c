/*
 * The slash commands of the prompt: one function for each, and their table. A
 * function gets the session and the rest of the line. It answers with
 * session_print(), and asks the command (struct session_ops) for all that
 * concerns the group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "session/session.h"
#include "terminal/columns.h"
#include "tls/tls_conn.h"

/* As wide as the longest, "/steer MODE [WEIGHTS]". */
#define HELP_LINE "  %-21s %s\n"

static void
run_help(struct session *s, char *arg)
{
	char left[40];

	(void)arg;
	for (const struct prompt_command *c = s->commands; c->name; c++) {
		if (c->server && !s->server)
			continue;
		snprintf(left, sizeof(left), "/%s %s", c->name, c->args);
		session_print(s, HELP_LINE, left, c->help);
	}
	session_print(s, HELP_LINE, "TEXT", s->server ?
	    "goes to the connection in focus; //x sends /x" :
	    "goes to the server; //x sends /x");
}

/* What TLS agreed on; the client may have sent any name. */
static void
who_print_tls(struct session *s, const struct conn *c)
{
	const struct tls *t = tls_of(c);
	struct tls_facts facts;
	char safe[255 * ESCAPE_MAX + 1] = "";

	if (!t)
		return;
	tls_facts(t, &facts);
	if (facts.name)
		escape(facts.name, strnlen(facts.name, 255), false, safe);
	session_print(s, "        %s%s%s%s%s\n", facts.version,
	    *safe ? ", name " : "", safe, facts.pin[0] ? ", key " : "",
	    facts.pin);
}

static void
who_print_conn(struct session *s, const struct conn *c)
{
	char peer[ADDR_BY_TEXT], age[NUM_TEXT], in[NUM_TEXT], out[NUM_TEXT];
	const struct addr *origin = conn_origin(c);

	session_print(s, "%c #%-4u %-28s %9s  %10s in  %10s out%s\n",
	    c == s->focus ? '>' : ' ', c->id, origin->len ?
	    addr_text_by(origin, conn_proxy(c), peer) : "(no name)",
	    duration_text(loop_now() - c->opened, age),
	    bytes_text(c->in, in), bytes_text(c->out, out),
	    c->read_ended ? "  they ended" : "");
	who_print_tls(s, c);
}

/* The next younger connection (by id), or NULL. */
static struct conn *
conn_after(const struct session *s, unsigned id)
{
	struct conn *next = NULL;

	for (struct conn *c = s->relay->conns; c; c = c->next)
		if (c->id > id && (!next || c->id < next->id))
			next = c;
	return next;
}

static void
run_who(struct session *s, char *arg)
{
	(void)arg;
	if (!s->relay->conns)
		session_print(s, "nobody is connected\n");
	for (struct conn *c = conn_after(s, 0); c; c = conn_after(s, c->id))
		who_print_conn(s, c);
}

/* The connection with the id in arg ("3" or "#3"); NULL: none, says so. */
static struct conn *
named_conn(struct session *s, const char *arg)
{
	struct conn *c = NULL;
	int64_t id;

	if (*arg == '#')
		arg++;
	if (num_parse(arg, 1, UINT32_MAX, &id) == 0)
		c = session_conn(s, (unsigned)id);
	if (!c)
		session_print(s, "no connection '%.20s': /who lists them\n",
		    arg);
	return c;
}

static void
run_focus(struct session *s, char *arg)
{
	struct conn *c;

	if (!*arg) {
		session_print(s, "/focus wants a number: /who lists them\n");
		return;
	}
	c = named_conn(s, arg);
	if (c)
		s->focus = c;
}

/* "N TEXT" or "all TEXT" */
static void
run_to(struct session *s, char *arg)
{
	char *text = strchr(arg, ' ');
	struct conn *c, *next;
	char *line;
	int n;

	if (!text) {
		session_print(s, "/to wants a number or 'all', and a text\n");
		return;
	}
	*text++ = '\0';
	c = strcmp(arg, "all") == 0 ? NULL : named_conn(s, arg);
	if (!c && strcmp(arg, "all") != 0)
		return;
	n = asprintf(&line, "%s%s", text, s->crlf ? "\r\n" : "\n");
	if (n < 0)
		return;
	if (c)
		relay_send(s->relay, c, line, (size_t)n);
	for (c = c ? NULL : s->relay->conns; c; c = next) {
		next = c->next;
		relay_send(s->relay, c, line, (size_t)n);
	}
	free(line);
}

static void
run_close(struct session *s, char *arg)
{
	struct conn *c, *next;

	if (strcmp(arg, "all") == 0) {
		for (c = s->relay->conns; c; c = next) {
			next = c->next;
			relay_close(s->relay, c, REASON_LOCAL, 0);
		}
		return;
	}
	c = *arg ? named_conn(s, arg) : s->focus;
	if (c)
		relay_close(s->relay, c, REASON_LOCAL, 0);
	else if (!*arg)
		session_print(s, "no connection has the focus: /close N|all\n");
}

static void
run_group(struct session *s, char *arg)
{
	const struct scoreboard *group = s->ops->group(s);
	struct table_style style = {
		.columns = terminal_columns(STDOUT_FILENO), .color = s->color,
	};
	char *text = NULL;
	size_t length;
	FILE *out;

	(void)arg;
	if (!group) {
		session_print(s, "%s\n", fail_text());
		return;
	}
	out = open_memstream(&text, &length);
	if (!out)
		return;
	scoreboard_text(out, group, &style);
	fclose(out);
	session_print(s, "%s", text);
	free(text);
}

/* After /drain, or replaced: the group knows it no more. Says so. */
static bool
has_left_for_good(struct session *s)
{
	if (s->state == STATE_LEFT)
		session_print(s, "this member leaves the group for good, and "
		    "ends with its last session\n");
	return s->state == STATE_LEFT;
}

static void
run_pause(struct session *s, char *arg)
{
	(void)arg;
	if (has_left_for_good(s))
		return;
	if (s->state != STATE_RUNNING) {
		session_print(s, "not accepting already\n");
		return;
	}
	s->ops->pause(s);
	session_print(s, "paused: new connections wait in our queue; "
	    "/resume\n");
}

static void
run_resume(struct session *s, char *arg)
{
	(void)arg;
	if (has_left_for_good(s))
		return;
	if (s->state != STATE_PAUSED)
		session_print(s, "not paused\n");
	else
		s->ops->resume(s);
}

static void
run_leave(struct session *s, char *arg)
{
	(void)arg;
	if (has_left_for_good(s))
		return;
	if (s->state == STATE_AWAY)
		session_print(s, "not listening: /join listens again\n");
	else if (s->ops->leave(s) < 0)
		session_print(s, "%s\n", fail_text());
}

static void
run_join(struct session *s, char *arg)
{
	(void)arg;
	if (has_left_for_good(s))
		return;
	if (s->state != STATE_AWAY)
		session_print(s, "listening already\n");
	else if (s->ops->join(s) < 0)
		session_print(s, "%s\n", fail_text());
}

static void
run_drain(struct session *s, char *arg)
{
	(void)arg;
	s->ops->drain(s);
}

static void
run_steer(struct session *s, char *arg)
{
	if (!has_left_for_good(s) && s->ops->steer(s, arg) < 0)
		session_print(s, "%s\n", fail_text());
}

static void
run_hex(struct session *s, char *arg)
{
	if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0) {
		session_print(s, "/hex wants on or off\n");
		return;
	}
	s->hex = arg[1] == 'n';
}

static void
run_stats(struct session *s, char *arg)
{
	uint64_t in = 0, out = 0;
	char in_text[NUM_TEXT], out_text[NUM_TEXT], here[64] = "", all[64] = "";
	char denied[64] = "";

	(void)arg;
	for (struct conn *c = conn_after(s, 0); c; c = conn_after(s, c->id)) {
		who_print_conn(s, c);
		in += c->in;
		out += c->out;
	}
	if (s->server)
		snprintf(here, sizeof(here), "; %llu accepted here",
		    (unsigned long long)s->accepted);
	if (s->denied)
		snprintf(denied, sizeof(denied), ", %llu denied",
		    (unsigned long long)s->denied);
	if (s->total)
		snprintf(all, sizeof(all), ", %llu by all members",
		    (unsigned long long)s->total);
	session_print(s, "%u open: %s in, %s out%s%s%s\n", s->relay->count,
	    bytes_text(in, in_text), bytes_text(out, out_text), here, denied,
	    all);
}

static void
run_quit(struct session *s, char *arg)
{
	(void)arg;
	s->ops->quit(s);
}

const struct prompt_command session_commands[] = {
	{ "help", "", "this list", false, run_help },
	{ "who", "", "the connections", false, run_who },
	{ "focus", "N", "type to connection N from now on", true, run_focus },
	{ "to", "N|all TEXT", "send one line there", true, run_to },
	{ "close", "N|all", "close it; without N the one that you type to", false,
	    run_close },
	{ "group", "", "the port's members, and how even they share", true,
	    run_group },
	{ "pause", "", "stop accepting, but stay in the group", true,
	    run_pause },
	{ "resume", "", "accept again", true, run_resume },
	{ "leave", "", "stop listening; open sessions go on", true,
	    run_leave },
	{ "join", "", "listen again", true, run_join },
	{ "drain", "", "leave, and end when the last session closes", true,
	    run_drain },
	{ "steer", "MODE [WEIGHTS]", "which member gets a connection: hash, "
	    "random, cpu, weights A=7,B=3, source-port, source-address, "
	    "least, byte=OFFSET", true,
	    run_steer },
	{ "hex", "on|off", "show the traffic as a hex dump", false, run_hex },
	{ "stats", "", "bytes of each connection, and in all", false,
	    run_stats },
	{ "quit", "", "end", false, run_quit },
	{ NULL, NULL, NULL, false, NULL },
};
