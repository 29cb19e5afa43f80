/*
 * Makes sentences of a report's facts, the most important first. Each subject
 * has a function that adds its findings:
 *
 *	1. members that accept nothing: stopped, paused, or stuck; then others
 *	   that answered nothing
 *	2. attempts that failed, were answered wrongly, or still wait
 *	3. expected members that are not there: the cause of the verdict
 *	4. the verdict; its last entry is kept free
 *
 * A finding keeps pointers into the list's own texts.
 */
#include "report/finding.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/escape.h"
#include "base/glyph.h"
#include "base/num.h"
#include "math/fair.h"
#include "report/table.h"

const struct field finding_fields[] = {
	FIELD(finding, "kind", FIELD_TEXT, kind),
	FIELD(finding, "member", FIELD_TEXT, member),
	FIELD(finding, "pid", FIELD_NUMBER, pid),
	FIELD(finding, "text", FIELD_TEXT, text),
	{ 0 },
};

static void
label_add_safe(char *to, size_t room, const char *before, const char *raw)
{
	char safe[MEMBER_NAME_TEXT * ESCAPE_MAX + 1];
	size_t used = strlen(to);

	escape(raw, strnlen(raw, MEMBER_NAME_TEXT), false, safe);
	snprintf(to + used, room - used, "%s%s", before, safe);
}

/* "A", "A/1"; "" if the member has no name */
static void
finding_member_name(const struct finding_member *m,
    char label[static FINDING_LABEL])
{
	char raw[MEMBER_NAME_TEXT];

	label[0] = '\0';
	label_add_safe(label, FINDING_LABEL, "",
	    member_name_text(&m->who, "", raw));
}

/* "B (pid 9575)", "nginx (pid 4242)", "pid 4242", "A on www1" */
static void
finding_member_label(const struct finding_member *m,
    char label[static FINDING_LABEL])
{
	size_t used;
	bool named;

	finding_member_name(m, label);
	if (!m->who.name && m->who.command)
		label_add_safe(label, FINDING_LABEL, "", m->who.command);
	if (m->who.host && *m->who.host)
		label_add_safe(label, FINDING_LABEL, " on ", m->who.host);
	used = strlen(label);
	named = used > 0;
	if (m->who.pid >= 0)
		snprintf(label + used, FINDING_LABEL - used, "%spid %lld%s",
		    named ? " (" : "", (long long)m->who.pid, named ? ")" : "");
	else if (!named)
		snprintf(label, FINDING_LABEL, "a member");
}

/* How much of a sentence stands before its first explanation. */
static size_t
brief_length(const char *text)
{
	const char *colon = strstr(text, ": "), *bracket = strstr(text, " (");

	if (!colon || (bracket && bracket < colon))
		colon = bracket;
	return colon ? (size_t)(colon - text) : strlen(text);
}

/* Returns NULL if the list is full. */
static struct finding *
finding_add(struct finding_list *l, const char *kind,
    const struct finding_member *m, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

static struct finding *
finding_add(struct finding_list *l, const char *kind,
    const struct finding_member *m, const char *format, ...)
{
	struct finding *f = &l->at[l->count];
	char *label = l->labels[l->count], *text = l->texts[l->count];
	va_list args;

	va_start(args, format);
	vsnprintf(text, FINDING_TEXT, format, args);
	va_end(args);
	label[0] = '\0';
	if (m)
		finding_member_name(m, label);
	*f = (struct finding){
		.kind = kind, .member = *label ? label : NULL,
		.pid = m ? m->who.pid : -1, .text = text,
		.brief = l->briefs[l->count],
	};
	memcpy(l->briefs[l->count], text, FINDING_TEXT);
	l->briefs[l->count][brief_length(text)] = '\0';
	l->count++;
	return f;
}

/* "B", "B/1", "pid 4242" */
static const char *
finding_short_label(const struct finding_member *m,
    char label[static FINDING_LABEL])
{
	finding_member_name(m, label);
	if (!*label && m->who.pid >= 0)
		snprintf(label, FINDING_LABEL, "pid %lld",
		    (long long)m->who.pid);
	else if (!*label)
		snprintf(label, FINDING_LABEL, "a member");
	return label;
}

/* The last entry is for the verdict. */
static bool
has_room(const struct finding_list *l)
{
	return l->count < FINDINGS - 1;
}

/* ": 22 clients wait in its queue" */
static const char *
waiting_text(const struct finding_member *m, char text[static 64])
{
	if (m->waiting > 0)
		snprintf(text, 64, ": %lld client%s wait%s in its queue",
		    (long long)m->waiting, plural((uint64_t)m->waiting),
		    m->waiting == 1 ? "s" : "");
	else
		snprintf(text, 64, ": its new clients wait");
	return text;
}

/* "B stopped: 22 wait" */
static void
idle_shorten(struct finding_list *l, const struct finding_member *m,
    const char *kind)
{
	char *brief = l->briefs[l->count - 1], label[FINDING_LABEL];
	int n = snprintf(brief, FINDING_TEXT, "%.100s %s",
	    finding_short_label(m, label), kind);

	if (m->waiting > 0)
		snprintf(brief + n, FINDING_TEXT - (size_t)n, ": %lld wait%s",
		    (long long)m->waiting, m->waiting == 1 ? "s" : "");
}

/* Why the member accepts nothing, in words; NULL: it does accept. */
static const char *
idle_text(const struct finding_member *m, const char **kind)
{
	static const struct { const char *state, *kind, *text; } idle[] = {
		{ "stopped", "stopped", "is stopped" },
		{ "traced", "stopped", "is stopped by a debugger" },
		{ "paused", "paused", "is paused" },
	};

	for (size_t i = 0; m->state && i < sizeof(idle) / sizeof(idle[0]); i++)
		if (strcmp(m->state, idle[i].state) == 0) {
			*kind = idle[i].kind;
			return idle[i].text;
		}
	*kind = "stuck";
	return m->stuck && m->waiting > 0 ? "does not accept" : NULL;
}

/* Members that accept nothing; returns whether there are any. */
static bool
finding_add_idle(struct finding_list *l, const struct finding_facts *f)
{
	char label[FINDING_LABEL], waiting[64];
	const char *kind, *text;

	for (size_t i = 0; i < f->member_count && has_room(l); i++) {
		const struct finding_member *m = &f->members[i];

		text = idle_text(m, &kind);
		finding_member_label(m, label);
		if (!text)
			continue;
		finding_add(l, kind, m, "%.100s %s%s", label, text,
		    waiting_text(m, waiting));
		idle_shorten(l, m, kind);
	}
	return l->count > 0;
}

/* Members that answered nothing, unless it is said already why. */
static bool
finding_add_silent(struct finding_list *l, const struct finding_facts *f)
{
	char label[FINDING_LABEL];
	const char *kind;
	bool some = false;

	for (size_t i = 0; i < f->member_count && has_room(l); i++) {
		const struct finding_member *m = &f->members[i];

		if (!m->silent || idle_text(m, &kind))
			continue;
		finding_member_label(m, label);
		finding_add(l, "silent", m, "%.100s answered none of %llu",
		    label, (unsigned long long)m->due);
		some = true;
	}
	return some;
}

/* "10 of 12 failed (refused 10)"; --during also reports "0 lost of 12". */
static void
finding_add_failed(struct finding_list *l, const struct finding_facts *f)
{
	char how[500] = "";

	if (!has_room(l))
		return;
	if (f->how)
		snprintf(how, sizeof(how), " (%.490s)", f->how);
	if (f->failed && f->failed == f->attempts)
		finding_add(l, f->failure, NULL, "all %llu %s%s",
		    (unsigned long long)f->failed, f->failure, how);
	else if (strcmp(f->failure, "lost") == 0)
		finding_add(l, f->failed ? "lost" : "kept", NULL,
		    "%llu lost of %llu%s", (unsigned long long)f->failed,
		    (unsigned long long)f->attempts, how);
	else
		finding_add(l, f->failure, NULL, "%llu of %llu %s%s",
		    (unsigned long long)f->failed,
		    (unsigned long long)f->attempts, f->failure, how);
}

static void
finding_add_failures(struct finding_list *l, const struct finding_facts *f)
{
	if (f->failed || strcmp(f->failure, "lost") == 0)
		finding_add_failed(l, f);
	if (f->mismatched && has_room(l))
		finding_add(l, "mismatched", NULL,
		    "%llu of %llu answers were not the expected one",
		    (unsigned long long)f->mismatched,
		    (unsigned long long)f->attempts);
	if (f->queued && !l->idle && has_room(l))
		finding_add(l, "queued", NULL,
		    "%llu of %llu connected, but nobody accepted %s",
		    (unsigned long long)f->queued,
		    (unsigned long long)f->attempts, f->queued == 1 ? "it" :
		    "them");
}

static void
finding_add_expected(struct finding_list *l, const struct finding_facts *f)
{
	if (f->absent && has_room(l))
		finding_add(l, "absent", NULL, "%s", f->absent);
	if (f->unlisted && has_room(l))
		finding_add(l, "unlisted", NULL, "%s", f->unlisted);
}

/* The member with the least probable count: most standard deviations off. */
static const struct finding_member *
finding_outlier(const struct finding_facts *f)
{
	const struct finding_member *found = NULL;
	double most = 0, off, n = (double)f->judged;

	for (size_t i = 0; i < f->member_count; i++) {
		const struct finding_member *m = &f->members[i];
		double e = m->expected;

		if (isnan(e) || !(n > 0))
			continue;
		off = fabs((double)m->count - e) /
		    sqrt(fmax(e * (1 - e / n), 1e-9));
		if (off > most) {
			most = off;
			found = m;
		}
	}
	return found;
}

/* "120 of 1000, expected 333 ± 38" */
static const char *
count_text(const struct finding_facts *f, const struct finding_member *m,
    char text[static 96])
{
	int members = 0;
	size_t used;

	for (size_t i = 0; i < f->member_count; i++)
		members += f->members[i].expected > 0;
	snprintf(text, 96, "%llu of %llu, expected ",
	    (unsigned long long)m->count, (unsigned long long)f->judged);
	used = strlen(text);
	if (m->expected > 0)
		snprintf(text + used, 96 - used, "%.0f %s %.0f", m->expected,
		    glyph(GLYPH_PLUS_MINUS),
		    fair_spread_99(f->judged, m->expected /
		    (double)f->judged, members));
	else
		snprintf(text + used, 96 - used, "none");
	return text;
}

static void
finding_add_uneven(struct finding_list *l, const struct finding_facts *f)
{
	const struct finding_member *m = finding_outlier(f);
	char label[FINDING_LABEL], count[96];
	const char *how;

	if (!m) {
		finding_add(l, f->verdict, NULL,
		    "uneven: this is not chance");
		return;
	}
	how = !m->count ? "nothing" :
	    (double)m->count < m->expected ? "too little" : "too much";
	finding_member_label(m, label);
	finding_add(l, m->count ? f->verdict : "silent", m,
	    "uneven: %.100s gets %s (%s)", label, how, count_text(f, m, count));
	snprintf(l->briefs[l->count - 1], FINDING_TEXT, "uneven: %.100s gets "
	    "%s", finding_short_label(m, label), how);
}

static void
finding_add_unclear(struct finding_list *l, const struct finding_facts *f)
{
	char more[64] = "";

	if (f->queued) {
		finding_add(l, f->verdict, NULL, "unclear: %llu client%s still "
		    "wait%s, so the counts are not final",
		    (unsigned long long)f->queued, plural(f->queued),
		    f->queued == 1 ? "s" : "");
		return;
	}
	if (f->missing) {
		finding_add(l, f->verdict, NULL, "unclear: the member of %llu "
		    "attempts is not known",
		    (unsigned long long)f->missing);
		return;
	}
	if (!f->running && f->needed)
		snprintf(more, sizeof(more), ": try -n %llu",
		    (unsigned long long)f->needed);
	finding_add(l, f->verdict, NULL,
	    "unclear: chance does this once in %.0f times%s", 1 / f->p, more);
}

static void
finding_add_few(struct finding_list *l, const struct finding_facts *f)
{
	if (f->member_count < 2)
		finding_add(l, f->verdict, NULL,
		    "one member%s: nothing to compare", f->at_least ?
		    " answered" : "");
	else if (f->running || !f->enough)
		finding_add(l, f->verdict, NULL,
		    "too few to tell: a member that gets nothing could go "
		    "unnoticed");
	else
		finding_add(l, f->verdict, NULL, "too few to tell: try -n %llu",
		    (unsigned long long)f->enough);
}

static void
finding_add_verdict(struct finding_list *l, const struct finding_facts *f)
{
	static const struct { const char *verdict, *text; } plain[] = {
		{ "even", "even: the differences are chance" },
		{ "as-weighted", "as weighted: the differences are chance" },
		{ "too-even", "too even for a hash: something deals in turn" },
		{ "changed", "changed: members came or went meanwhile" },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(f->verdict, plain[i].verdict) == 0)
			finding_add(l, f->verdict, NULL, "%s", plain[i].text);
	if (strcmp(f->verdict, "uneven") == 0)
		finding_add_uneven(l, f);
	else if (strcmp(f->verdict, "unclear") == 0)
		finding_add_unclear(l, f);
	else if (strcmp(f->verdict, "too-few") == 0)
		finding_add_few(l, f);
}

/* Adds to the verdict that it is not the hash's: "; steered: random" */
static void
finding_add_steered(struct finding_list *l, const struct finding_facts *f)
{
	char *both[] = { l->texts[l->count - 1], l->briefs[l->count - 1] };
	size_t used;

	/* the reason for no verdict may be the steering */
	for (int i = 0; f->steered && (f->verdict || !f->steering) && i < 2;
	     i++) {
		used = strlen(both[i]);
		snprintf(both[i] + used, FINDING_TEXT - used, "; steered%s%.60s",
		    f->steering ? ": " : " by a program", f->steering ?
		    f->steering : "");
	}
}

void
finding_make(struct finding_list *l, const struct finding_facts *f)
{
	l->count = 0;
	l->idle = finding_add_idle(l, f);
	l->idle |= finding_add_silent(l, f);
	finding_add_failures(l, f);
	finding_add_expected(l, f);
	if (f->verdict)
		finding_add_verdict(l, f);
	else if (f->unjudged)
		finding_add(l, "none", NULL, "no verdict: %s", f->unjudged);
	else
		return;
	finding_add_steered(l, f);
}

const char *
finding_fit(const struct finding *f, int columns,
    char text[static FINDING_TEXT])
{
	const char *wanted = table_cells(f->text) <= columns ? f->text :
	    f->brief;

	snprintf(text, FINDING_TEXT, "%s", wanted);
	return table_cut(text, columns);
}

enum color
finding_color(const char *kind)
{
	static const char *const plain[] = {
		"unclear", "too-few", "too-even", "changed", "none",
	};
	static const char *const good[] = { "even", "as-weighted", "kept" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(kind, plain[i]) == 0)
			return BOLD;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (strcmp(kind, good[i]) == 0)
			return GREEN;
	return RED;
}

void
finding_human(FILE *out, const struct finding_list *l, int indent,
    bool colored)
{
	for (size_t i = 0; l && i < l->count; i++) {
		fprintf(out, "\n%*s", indent, "");
		paint(out, colored, finding_color(l->at[i].kind), "%s",
		    l->at[i].text);
	}
}
