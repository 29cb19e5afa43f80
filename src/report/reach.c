#include "report/reach.h"

#include <string.h>

#include "base/escape.h"
#include "base/num.h"
#include "report/color.h"

static const struct field socket_fields[] = {
	FIELD(reach_row, "name", FIELD_TEXT, who.name),
	FIELD(reach_row, "worker", FIELD_NUMBER, who.worker),
	FIELD(reach_row, "pid", FIELD_NUMBER, who.pid),
	FIELD(reach_row, "command", FIELD_TEXT, who.command),
	FIELD(reach_row, "attempts", FIELD_NUMBER, attempts),
	FIELD(reach_row, "answered", FIELD_NUMBER, answered),
	FIELD(reach_row, "stopped", FIELD_MAYBE, stopped),
	{ 0 },
};

const struct field reach_fields[] = {
	FIELD(reach_report, "to", FIELD_TEXT, to),
	FIELD(reach_report, "each", FIELD_NUMBER, each),
	FIELD(reach_report, "how", FIELD_TEXT, how),
	FIELD(reach_report, "missed", FIELD_COUNT, missed),
	FIELD(reach_report, "unseen", FIELD_COUNT, unseen),
	FIELD(reach_report, "steered", FIELD_FLAG, steered),
	FIELD(reach_report, "reason", FIELD_TEXT, reason),
	FIELD(reach_report, "answered", FIELD_NUMBER, answered),
	FIELD_EACH(reach_report, "sockets", sockets, socket_fields,
	    reach_row, socket_count),
	{ 0 },
};

/* "A/2 (pid 4102)", "nginx (pid 4103)", "a socket of an unknown process" */
static void
reach_row_label(FILE *out, const struct reach_row *r)
{
	char raw[MEMBER_NAME_TEXT], safe[MEMBER_NAME_TEXT * ESCAPE_MAX + 1];
	const char *unnamed = r->who.command ? r->who.command :
	    "a socket of an unknown process";

	member_name_text(&r->who, unnamed, raw);
	escape(raw, strlen(raw), false, safe);
	fputs(safe, out);
	if (r->who.pid > 0)
		fprintf(out, " (pid %lld)", (long long)r->who.pid);
}

/* The fault of a socket. That a signal ended the run is no one's fault. */
static const char *
row_fault(const struct reach_report *all, const struct reach_row *r)
{
	if (r->answered < r->attempts && !all->over)
		return "no answer: ";
	if (r->attempts >= all->each)
		return "no answer: ";
	return all->over || !r->attempts ? "not reached: " :
	    "not all attempts made: ";
}

/* "B (pid 4242) answered 0 of 1: it is stopped" */
static void
reach_row_human(FILE *out, const struct reach_report *all,
    const struct reach_row *r, bool colored)
{
	int64_t wanted = all->each;

	if (r->answered == r->attempts && r->attempts >= wanted)
		return;
	fputs("\n  ", out);
	paint(out, colored, RED, "%s", row_fault(all, r));
	reach_row_label(out, r);
	if (wanted > 1 || r->attempts > 1)
		fprintf(out, ", answered %lld of %lld", (long long)r->answered,
		    (long long)r->attempts);
	if (r->stopped == 1)
		fputs(", is stopped", out);
}

static void
reach_how(FILE *out, const struct reach_report *r)
{
	if (r->how)
		fprintf(out, ", reached by %s", r->how);
	if (r->unseen && r->datagram)
		fputs(": nothing shows who got a datagram", out);
	else if (r->unseen)
		fprintf(out, ": %llu by that alone",
		    (unsigned long long)r->unseen);
	if (r->missed)
		fprintf(out, "; %llu more connection%s came %s",
		    (unsigned long long)r->missed, plural(r->missed),
		    r->to ? "to other members" : "to members that needed none");
	if (r->reason)
		fprintf(out, ": %s", r->reason);
}

void
reach_human(FILE *out, const struct reach_report *r, bool colored)
{
	bool all = r->answered == (int64_t)r->socket_count;
	char safe[MEMBER_NAME_TEXT * ESCAPE_MAX + 1];

	if (!r->how)
		return;
	fputc('\n', out);
	if (r->to) {
		escape(r->to, strnlen(r->to, MEMBER_NAME_TEXT), false, safe);
		fprintf(out, "only %s", safe);
		reach_how(out, r);
		if (r->over)
			paint(out, colored, RED, "\n  not reached any more");
		return;
	}
	paint(out, colored, all ? GREEN : RED, "%lld of %zu answered",
	    (long long)r->answered, r->socket_count);
	reach_how(out, r);
	for (size_t i = 0; i < r->socket_count; i++)
		reach_row_human(out, r, &r->sockets[i], colored);
}
