/*
 * Judges groups for a script. A member is a process that accepts; if processes
 * can't be seen, each socket counts as one. Every group must have all members:
 * one that listens on IPv4 alone is missing in the group of IPv6.
 */
#include "probe/inspect/gate.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "base/text.h"
#include "report/group.h"

enum { FLAG_WORD = 40, PIDS_SHOWN = 3 };

/* "STUCK, FULL, ..." */
static void
flag_list(char text[static GATE_TEXT], unsigned flags)
{
	size_t used = 0;

	for (enum group_flag i = 0; i < GROUP_FLAGS; i++)
		if (flags & 1U << i)
			used += (size_t)snprintf(text + used, GATE_TEXT - used,
			    "%s%s", used ? ", " : "", group_flag_name(i));
}

int
gate_flags(const char *text, unsigned can_be)
{
	int bits = 0, found;
	char all[GATE_TEXT];

	if (!*text)
		return (int)can_be;
	for (size_t n;; text += n + 1) {
		n = strcspn(text, ",");
		found = group_flag_find(text, n);
		if (found < 0 || !(can_be & 1U << found))
			break;
		bits |= 1 << found;
		if (!text[n])
			return bits;
	}
	flag_list(all, can_be);
	return fail_as(STATUS_USAGE, "%.*s: no such flag here: want %s",
	    (int)strcspn(text, ",") < FLAG_WORD ? (int)strcspn(text, ",") :
	    FLAG_WORD, text, all);
}

bool
gate_finds(unsigned flags, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (flags & 1U << group_flag_find(names[i], strlen(names[i])))
			return true;
	return false;
}

/* Begins the reason of a group; the groups are told apart by their places. */
static void
why_begin(char why[static GATE_TEXT], const struct group_report *g)
{
	text_add(why, GATE_TEXT, "%s%s: ", *why ? "; " : "", g->place);
}

static void
gate_members(const struct gate *gate, const struct group_report *g,
    char why[static GATE_TEXT])
{
	int64_t members = g->processes < 0 ? g->sockets : g->processes;

	if (gate->members < 0 || members == gate->members)
		return;
	why_begin(why, g);
	text_add(why, GATE_TEXT, "%lld socket%s, ", (long long)g->sockets,
	    plural((uint64_t)g->sockets));
	if (g->processes < 0)
		text_add(why, GATE_TEXT, "of processes that can't be seen");
	else
		text_add(why, GATE_TEXT, "%lld process%s",
		    (long long)g->processes, g->processes == 1 ? "" : "es");
	text_add(why, GATE_TEXT, ": wanted %lld", (long long)gate->members);
}

static bool
flags_have(const char *const *flags, const char *name)
{
	for (int i = 0; flags[i]; i++)
		if (strcmp(flags[i], name) == 0)
			return true;
	return false;
}

/* " (pid 4242, pid 4243)": the members with the flag */
static void
flag_members(const struct group_report *g, const char *name,
    char why[static GATE_TEXT])
{
	int shown = 0, all = 0;

	for (size_t i = 0; i < g->member_count; i++) {
		const struct group_member *m = &g->members[i];

		if (m->who.pid < 0 || !flags_have(m->flags, name))
			continue;
		if (all++ < PIDS_SHOWN)
			text_add(why, GATE_TEXT, "%spid %lld",
			    shown++ ? ", " : " (", (long long)m->who.pid);
	}
	if (all > shown)
		text_add(why, GATE_TEXT, " and %d more", all - shown);
	if (shown)
		text_add(why, GATE_TEXT, ")");
}

static void
gate_group_flags(const struct gate *gate, const struct group_report *g,
    char why[static GATE_TEXT])
{
	bool first = true;

	for (enum group_flag i = 0; i < GROUP_FLAGS; i++) {
		const char *name = group_flag_name(i);

		if (!(gate->flags & 1U << i) || !flags_have(g->flags, name))
			continue;
		if (first)
			why_begin(why, g);
		text_add(why, GATE_TEXT, "%s%s", first ? "" : ", ", name);
		flag_members(g, name, why);
		first = false;
	}
}

/*
 * A member that is stopped has no flag before a client waits. But it serves
 * none, so it is not ready.
 */
static void
gate_stopped(const struct gate *gate, const struct group_report *g,
    char why[static GATE_TEXT])
{
	if (!(gate->flags & 1U << GROUP_STUCK))
		return;
	for (size_t i = 0; i < g->member_count; i++) {
		const struct group_member *m = &g->members[i];

		if (!m->state || strcmp(m->state, "stopped") != 0 ||
		    m->who.pid < 0 ||
		    flags_have(m->flags, group_flag_name(GROUP_STUCK)))
			continue;
		why_begin(why, g);
		text_add(why, GATE_TEXT, "pid %lld is stopped",
		    (long long)m->who.pid);
		return;
	}
}

bool
gate_is_met(const struct gate *gate, const struct group_report *const *groups,
    size_t count, char why[static GATE_TEXT])
{
	*why = '\0';
	if (!count && gate->members)
		snprintf(why, GATE_TEXT, "nobody listens");
	for (size_t i = 0; i < count; i++) {
		gate_members(gate, groups[i], why);
		gate_group_flags(gate, groups[i], why);
		gate_stopped(gate, groups[i], why);
	}
	return !*why;
}
