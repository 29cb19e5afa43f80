/*
 * Events as lines for people: one function for each kind that people see.
 * Reports have files of their own; the functions here call them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/num.h"
#include "report/color.h"
#include "report/compare.h"
#include "report/event.h"
#include "report/group.h"
#include "report/probe_human.h"
#include "report/scan_human.h"
#include "report/workers_human.h"
#include "report/wrap.h"

enum { JOINED_SHOWN = 8 };	/* members that --check lists */

struct page {
	FILE *out;
	const struct table_style *style;
	bool color;
};

static void
print_listening(const struct page *p, const struct event *e)
{
	char text[ADDR_TEXT];

	if (e->name)
		paint(p->out, p->color, BOLD, "%s ", e->name);
	fprintf(p->out, "listening on %s (%s", addr_text(e->address, text),
	    e->protocol);
	if (e->reuseport && e->own > 1)
		fprintf(p->out, ", reuseport, %lld-%lld of %lld",
		    (long long)e->membership,
		    (long long)(e->membership + e->own - 1),
		    (long long)e->members);
	else if (e->reuseport)
		fprintf(p->out, ", reuseport, %lld of %lld",
		    (long long)e->membership, (long long)e->members);
	if (e->steering && strcmp(e->steering, "hash") != 0)
		fprintf(p->out, ", %s", e->steering);
	if (e->adopted > 0)
		fprintf(p->out, ", adopted from pid %lld, %s",
		    (long long)e->adopted, e->text);
	fputc(')', p->out);
}

static void
print_connected(const struct page *p, const struct event *e)
{
	char text[ADDR_BY_TEXT];

	paint(p->out, p->color, GREEN, "#%lld", (long long)e->conn);
	fprintf(p->out, " %s connected", e->peer->len ?
	    addr_text_by(e->peer, e->via, text) : "a client without a name");
	if (e->name && e->total)
		fprintf(p->out, "            %s has %lld of %llu (%.0f%%)",
		    e->name, (long long)e->own, (unsigned long long)e->total,
		    100.0 * (double)e->own / (double)e->total);
}

/* Each name has up to 255 bytes, and the client may have sent any. */
static void
print_tls(const struct page *p, const struct event *e)
{
	char safe[255 * ESCAPE_MAX + 1];

	paint(p->out, p->color, GREEN, "#%lld", (long long)e->conn);
	fprintf(p->out, " %s, %s", e->version, e->cipher);
	if (e->alpn) {
		escape(e->alpn, strnlen(e->alpn, 255), false, safe);
		fprintf(p->out, ", protocol %s", safe);
	}
	if (e->name) {
		escape(e->name, strnlen(e->name, 255), false, safe);
		fprintf(p->out, ", name %s", safe);
	}
	if (e->pin)
		fprintf(p->out, ", %s, key %s", e->verified ? "verified" :
		    "NOT verified", e->pin);
}

static void
print_key(const struct page *p, const struct event *e)
{
	fprintf(p->out, "TLS key made: clients trust it by --tls-pin %s",
	    e->pin);
}

static void
print_share_of_new(const struct page *p, const struct event *e)
{
	if (e->members == 1)
		fprintf(p->out, ": 1 member, all new connections");
	else if (e->text)
		fprintf(p->out, ": %lld members by weights: %s",
		    (long long)e->members, e->text);
	else if (e->steering && strcmp(e->steering, "hash") != 0)
		fprintf(p->out, ": %lld members, %s", (long long)e->members,
		    e->steering);
	else
		fprintf(p->out, ": %lld members, 1/%lld of new connections "
		    "each", (long long)e->members, (long long)e->members);
}

/*
 * "-": the process is in another PID namespace, so its pid means nothing here.
 */
static void
print_pid(const struct page *p, const struct event *e)
{
	if (e->pid >= 0)
		fprintf(p->out, " (pid %lld)", (long long)e->pid);
	else
		fputs(" (pid -)", p->out);
}

static void
print_joined(const struct page *p, const struct event *e)
{
	paint(p->out, p->color, GREEN, "+ %s", e->name);
	fputs(" joined", p->out);
	print_pid(p, e);
	if (e->replaces)
		fprintf(p->out, " in place of %s", e->replaces);
	print_share_of_new(p, e);
}

/* A dead member's connections: " (lost: 1 open, 22 in its queue)". */
static void
print_lost(const struct page *p, const struct event *e)
{
	if (e->cut > 0 || e->waiting > 0)
		fprintf(p->out, " (lost: ");
	if (e->cut > 0)
		fprintf(p->out, "%lld open%s", (long long)e->cut,
		    e->waiting > 0 ? ", " : ")");
	if (e->waiting > 0)
		fprintf(p->out, "%lld in its queue)", (long long)e->waiting);
}

static void
print_left(const struct page *p, const struct event *e)
{
	paint(p->out, p->color, RED, "- %s", e->name);
	fprintf(p->out, " %s", e->reason);
	print_pid(p, e);
	fprintf(p->out, " after %lld connection%s", (long long)e->clients,
	    plural((uint64_t)e->clients));
	print_lost(p, e);
	print_share_of_new(p, e);
}

/* The name of a member; a foreign member's command. */
static void
print_member(const struct page *p, enum color color, const struct event *e)
{
	char safe[16 * ESCAPE_MAX + 1] = "a foreign process";

	if (!e->name && e->command && *e->command)
		escape(e->command, strnlen(e->command, 16), false, safe);
	paint(p->out, p->color, color, "%s", e->name ? e->name : safe);
}

static void
print_paused(const struct page *p, const struct event *e)
{
	bool passed = strcmp(e->reason, "full") == 0 ||
	    strcmp(e->reason, "quarantined") == 0;

	paint(p->out, p->color, RED, "! ");
	print_member(p, RED, e);
	fprintf(p->out, " %s", e->reason);
	print_pid(p, e);
	fprintf(p->out, ": %s", passed ? "new connections go to others" :
	    "connections that the kernel gives it wait");
}

static void
print_resumed(const struct page *p, const struct event *e)
{
	bool released = strcmp(e->reason, "released") == 0;

	paint(p->out, p->color, GREEN, "! ");
	print_member(p, GREEN, e);
	fprintf(p->out, " %s", released ? "is no longer quarantined" :
	    "goes on");
	print_pid(p, e);
}

static void
print_draining(const struct page *p, const struct event *e)
{
	paint(p->out, p->color, BOLD, "%s", e->name);
	fprintf(p->out, " leaves: %s", e->reason);
}

static void
print_steering(const struct page *p, const struct event *e)
{
	paint(p->out, p->color, GREEN, "~ %s", e->name ? e->name : "a member");
	print_pid(p, e);
	fprintf(p->out, " set the steering: %s", e->steering);
	if (e->text)
		fprintf(p->out, ": %s", e->text);
}

static void
print_closed(const struct page *p, const struct event *e)
{
	char time[NUM_TEXT], in[NUM_TEXT], out[NUM_TEXT];

	paint(p->out, p->color, DIM, "#%lld", (long long)e->conn);
	fprintf(p->out, " closed after %s: %s in, %s out",
	    seconds_text(e->seconds, time),
	    bytes_text(e->in, in), bytes_text(e->out, out));
	if (strcmp(e->reason, "local") == 0)
		paint(p->out, p->color, DIM, " (by us)");
	else if (e->reason[0] != 'e')
		paint(p->out, p->color, RED, " (%s)", e->reason);
}

/* Why it is not certain that the member has it; NULL: it was seen. */
static const char *
reached_doubt(const struct event *e)
{
	if (e->seen)
		return NULL;
	return e->datagram ? "nothing shows who gets a datagram" :
	    "nobody was seen to accept it yet";
}

/* "reached A/2 (pid 4102) by trying, connection 3: a program ..." */
static void
print_reached(const struct page *p, const struct event *e)
{
	const struct member who = {
		.name = e->name ? e->name : e->command, .worker = e->number,
	};
	char raw[MEMBER_NAME_TEXT], safe[MEMBER_NAME_TEXT * ESCAPE_MAX + 1];
	const char *doubt = reached_doubt(e);

	member_name_text(&who, "a member", raw);
	escape(raw, strlen(raw), false, safe);
	fprintf(p->out, "reached %s", safe);
	if (e->pid > 0)
		fprintf(p->out, " (pid %lld)", (long long)e->pid);
	fprintf(p->out, " by %s", e->how);
	if (e->tries > 1)
		fprintf(p->out, ", connection %lld", (long long)e->tries);
	if (e->reason)
		fprintf(p->out, ": %s", e->reason);
	if (doubt)
		fprintf(p->out, "%s %s", e->reason ? "," : ":", doubt);
}

/* How the program of a connection ended. */
static void
print_exit(const struct page *p, const struct event *e)
{
	char time[NUM_TEXT];

	paint(p->out, p->color, DIM, "#%lld", (long long)e->conn);
	fprintf(p->out, " pid %lld ended after %s: ", (long long)e->pid,
	    seconds_text(e->seconds, time));
	if (e->signal > 0)
		paint(p->out, p->color, RED, "killed by signal %lld (%s)",
		    (long long)e->signal, strsignal((int)e->signal));
	else
		paint(p->out, p->color, e->status ? RED : DIM,
		    "exit status %lld", (long long)e->status);
}

/* "steer": how it left; "gate: no other rpnc": why not as it was asked to. */
static void
print_leave_mode(const struct page *p, const struct event *e)
{
	fprintf(p->out, " (%s", e->mode);
	if (e->text)
		fprintf(p->out, ": %s", e->text);
	fputc(')', p->out);
}

static void
print_drained(const struct page *p, const struct event *e)
{
	bool datagrams = e->handshakes < 0;
	bool waited = e->queued > 0 || e->handshakes > 0;

	/* several workers print such a line: say which one this is */
	if (e->name && strchr(e->name, '/'))
		fprintf(p->out, "%s ", e->name);
	fputs("left: ", p->out);
	if (e->queued > 0)
		fprintf(p->out, "served %lld that waited, ",
		    (long long)e->queued);
	if (e->handshakes > 0 && !e->lost)
		fprintf(p->out, "%lld handshake%s finished, ",
		    (long long)e->handshakes, plural((uint64_t)e->handshakes));
	if (!waited && !e->lost && e->queued >= 0)
		fprintf(p->out, "%s was waiting, ",
		    datagrams ? "nothing" : "nobody");
	if (e->lost)
		fprintf(p->out, "%lld %s%s lost", (long long)e->lost,
		    datagrams ? "datagram" : "connection",
		    plural((uint64_t)e->lost));
	else
		fputs("nothing lost", p->out);
	if (e->detail || e->lost || strcmp(e->mode, "close") == 0)
		print_leave_mode(p, e);
}

/* "rcvbuf 212992 of 4194304: net.core.rmem_max", "tos 184 (ef)" */
static void
print_sockopt(const struct page *p, const struct event *e)
{
	fprintf(p->out, "sockopt %s %s", e->name, e->value);
	if (e->reason)
		fprintf(p->out, " of %s: %s", e->asked, e->reason);
	else if (strcmp(e->asked, e->value) != 0)
		fprintf(p->out, " (%s)", e->asked);
}

static void
print_error(const struct page *p, const struct event *e)
{
	paint(p->out, p->color, RED, "rpnc: ");
	fprintf(p->out, "%s", e->text);
}

static void
print_report(const struct page *p, const struct event *e)
{
	char time[NUM_TEXT], in[NUM_TEXT], out[NUM_TEXT];

	fprintf(p->out, "%lld %s%s in %s: %s in, %s out", (long long)e->clients,
	    e->protocol, plural((uint64_t)e->clients),
	    seconds_text(e->seconds, time),
	    bytes_text(e->in, in), bytes_text(e->out, out));
	if (e->denied)
		fprintf(p->out, "; %llu %s denied",
		    (unsigned long long)e->denied,
		    e->denied == 1 ? "was" : "were");
	workers_human(p->out, e, p->style);
}

static void
print_would_join(const struct page *p, const struct check_row *row)
{
	char safe[64 * ESCAPE_MAX + 1];

	if (row->who.name)
		fputs(row->who.name, p->out);
	else if (row->who.command && escape(row->who.command,
	    strnlen(row->who.command, 64), false, safe))
		fputs(safe, p->out);
	else
		fputs("a process", p->out);
	if (row->who.pid >= 0)
		fprintf(p->out, " (pid %lld)", (long long)row->who.pid);
}

static void
print_rescue(const struct page *p, const struct event *e)
{
	char time[NUM_TEXT], in[NUM_TEXT], out[NUM_TEXT];

	fprintf(p->out, "rescued %llu client%s in %s: %s in, %s out, %llu "
	    "failed", (unsigned long long)e->rescued,
	    e->rescued == 1 ? "" : "s",
	    seconds_text(e->seconds, time),
	    bytes_text(e->in, in), bytes_text(e->out, out),
	    (unsigned long long)e->failed);
}

static void
print_check(const struct page *p, const struct event *e)
{
	char text[ADDR_TEXT];

	fprintf(p->out, e->joined_count ? "would join " : "would listen ");
	for (size_t i = 0; i < e->joined_count && i < JOINED_SHOWN; i++) {
		if (i)
			fputs(", ", p->out);
		print_would_join(p, &e->joined[i]);
	}
	if (e->joined_count > JOINED_SHOWN)
		fprintf(p->out, " and %zu more",
		    e->joined_count - JOINED_SHOWN);
	fprintf(p->out, "%son %s (%s%s)", e->joined_count ? " " : "",
	    addr_text(e->address, text), e->protocol,
	    e->reuseport ? ", reuseport" : "");
}

static void
print_probe(const struct page *p, const struct event *e)
{
	probe_human(p->out, e->probe, p->style);
}

static void
print_group(const struct page *p, const struct event *e)
{
	group_human(p->out, e->group, p->style);
}

static void
print_compare(const struct page *p, const struct event *e)
{
	compare_human(p->out, e->compare, p->style);
}

static void
print_scan(const struct page *p, const struct event *e)
{
	scan_human(p->out, e, p->style);
}

/* One sentence per kind; a kind without one is not for people. */
static void (*const sentences[EVENT_KINDS])(const struct page *,
    const struct event *) = {
	[EVENT_LISTENING] = print_listening,
	[EVENT_JOINED] = print_joined,
	[EVENT_LEFT] = print_left,
	[EVENT_CONNECTED] = print_connected,
	[EVENT_REACHED] = print_reached,
	[EVENT_TLS] = print_tls,
	[EVENT_KEY] = print_key,
	[EVENT_SOCKOPT] = print_sockopt,
	[EVENT_PAUSED] = print_paused,
	[EVENT_RESUMED] = print_resumed,
	[EVENT_CLOSED] = print_closed,
	[EVENT_EXIT] = print_exit,
	[EVENT_DRAINING] = print_draining,
	[EVENT_DRAINED] = print_drained,
	[EVENT_STEERING] = print_steering,
	[EVENT_ERROR] = print_error,
	[EVENT_REPORT] = print_report,
	[EVENT_CHECK] = print_check,
	[EVENT_PROBE] = print_probe,
	[EVENT_GROUP] = print_group,
	[EVENT_SCAN] = print_scan,
	[EVENT_RESCUE] = print_rescue,
	[EVENT_COMPARE] = print_compare,
};

char *
event_human(const struct event *e, const struct table_style *style)
{
	struct page p = { .style = style, .color = style->color };
	char *text = NULL, *wrapped;
	size_t length;

	if (!sentences[e->kind])
		return NULL;
	p.out = open_memstream(&text, &length);
	if (!p.out)
		return NULL;
	sentences[e->kind](&p, e);
	fclose(p.out);
	if (!text || !style->terminal)	/* a pipe keeps sentences whole */
		return text;
	wrapped = wrap_text(text, style->columns);
	free(text);
	return wrapped;
}
