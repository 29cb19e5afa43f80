/*
 * The shares that a verdict compares with. A row's weight is its number of
 * sockets, because the kernel's hash chooses a socket. Other weights apply if:
 *
 *	--expect-weights is given	the given ones
 *	the members steer by weights	sockets times the registry's weights
 *	they steer at random		as for the hash
 *	they steer by the client	none: no shares can be expected
 *	(cpu, port or address)
 *	a member is full or quarantined	none: connections go around it
 */
#include "probe/load/expected_shares.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "base/text.h"
#include "group/registry/spare_request.h"

enum {
	ROW_LABEL = ROW_NAME + 16,
	NAMES_MAX = 90,			/* the longest list of names, bytes */
};

/* "A=70", "A/1=70" or "4242=70", up to the comma. */
static int
weight_read(const char *text, size_t length, struct weight *out)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : 0;
	char number[16];
	int64_t n;

	if (!name || name >= sizeof(out->name) ||
	    length - name > sizeof(number) || memchr(text, ' ', name))
		return -1;
	memcpy(out->name, text, name);
	memcpy(number, equals + 1, length - name - 1);
	number[length - name - 1] = '\0';
	if (num_parse(number, 0, WEIGHT_MAX, &n) < 0)
		return -1;
	out->weight = (uint32_t)n;
	return 0;
}

int
expected_shares_read(const char *text, struct steering *out)
{
	double sum = 0;
	const char *at = text;
	size_t length;

	*out = (struct steering){ .mode = STEER_WEIGHTS };
	do {
		length = strcspn(at, ",");
		if (out->count == SHARED_WEIGHTS)
			return fail_as(STATUS_USAGE, "%.80s: at most %d",
			    text, SHARED_WEIGHTS);
		if (weight_read(at, length, &out->weights[out->count]) < 0)
			return fail_as(STATUS_USAGE, "%.80s: "
			    "want NAME=WEIGHT,... or PID=WEIGHT,..., weights "
			    "from 0 to %d", text, WEIGHT_MAX);
		sum += out->weights[out->count++].weight;
		if (mode_is_last_twice(out))
			return fail_as(STATUS_USAGE, "%.80s: %s is listed "
			    "twice", text, out->weights[out->count - 1].name);
		at += length;
	} while (*at++);
	if (sum > 0)
		return 0;
	return fail_as(STATUS_USAGE, "%.80s: at least one weight must be over 0",
	    text);
}

/* A name also means the workers of that name. */
static bool
row_is_called(const struct row *r, const char *name)
{
	char full[ROW_LABEL];
	int64_t pid;

	if (num_parse(name, 1, INT32_MAX, &pid) == 0)
		return r->pid == pid;
	snprintf(full, sizeof(full), "%s/%d", r->name, r->worker);
	return strcmp(r->name, name) == 0 ||
	    (r->worker >= 0 && strcmp(full, name) == 0);
}

static const struct weight *
row_given_weight(const struct steering *s, const struct row *r)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (row_is_called(r, s->weights[i].name))
			return &s->weights[i];
	return NULL;
}

/* A row without connections, for a member that did not answer. */
static int
weight_row_make(struct tally *t, const char *name)
{
	struct row row = { .worker = -1 };
	const char *slash = strchr(name, '/');
	int64_t number;

	if (num_parse(name, 1, INT32_MAX, &number) == 0)
		return tally_process(t, (pid_t)number);
	if (slash && num_parse(slash + 1, 0, INT32_MAX, &number) == 0)
		row.worker = (int)number;
	else
		slash = name + strlen(name);
	snprintf(row.name, sizeof(row.name), "%.*s", (int)(slash - name), name);
	return tally_name(t, &row);
}

static bool
has_member(const struct tally *t, const char *name)
{
	for (int i = 0; i < t->count; i++)
		if (row_is_called(&t->rows[i], name))
			return true;
	return false;
}

/* Adds a name, which may be of any bytes; -1: "..." stands for it, no room. */
static int
name_add(char text[static EXPECT_NOTE], const char *name)
{
	char safe[ROW_LABEL * ESCAPE_MAX + 1];

	escape(name, strlen(name), false, safe);
	if (strlen(text) + strlen(safe) > NAMES_MAX) {
		text_add(text, EXPECT_NOTE, "...");
		return -1;
	}
	text_add(text, EXPECT_NOTE, "%s", safe);
	return 0;
}

/* "A", "pid 4242"; "A/1" if A has several rows. */
static void
row_label(const struct tally *t, const struct row *r,
    char label[static ROW_LABEL])
{
	int same = 0;

	for (int i = 0; i < t->count; i++)
		same += strcmp(t->rows[i].name, r->name) == 0;
	if (!r->name[0])
		snprintf(label, ROW_LABEL, "pid %d", (int)r->pid);
	else if (r->worker >= 0 && same > 1)
		snprintf(label, ROW_LABEL, "%s/%d", r->name, r->worker);
	else
		snprintf(label, ROW_LABEL, "%s", r->name);
}

/* The label that follows `last` among those that are not in unless; or "". */
static void
label_next(const struct tally *t, const struct steering *unless,
    const char *last, char next[static ROW_LABEL])
{
	char label[ROW_LABEL];

	next[0] = '\0';
	for (int i = 0; i < t->count; i++) {
		if (unless && row_given_weight(unless, &t->rows[i]))
			continue;
		row_label(t, &t->rows[i], label);
		if (strverscmp(label, last) > 0 && (!next[0] ||
		    strverscmp(label, next) < 0))
			memcpy(next, label, sizeof(label));
	}
}

/*
 * Adds "A, B/1, pid 4242, ...", in this order: the members that are not in
 * unless. Returns how many.
 */
static int
members_add(const struct tally *t, const struct steering *unless,
    char text[static EXPECT_NOTE])
{
	char last[ROW_LABEL] = "", next[ROW_LABEL];
	bool room = true;
	int count = 0;

	for (label_next(t, unless, last, next); next[0];
	    label_next(t, unless, last, next)) {
		if (room && count)
			text_add(text, EXPECT_NOTE, ", ");
		room = room && name_add(text, next) == 0;
		memcpy(last, next, sizeof(last));
		count++;
	}
	return count;
}

/* Rows for the listed members that are absent, and a text that says so. */
static int
shares_add_absent(struct expected_shares *x, struct tally *t)
{
	char members[EXPECT_NOTE] = "";
	bool absent[SHARED_WEIGHTS] = { false }, room = true;
	int answered = t->count;

	members_add(t, NULL, members);
	for (uint32_t i = 0; i < x->given.count; i++) {
		const char *name = x->given.weights[i].name;

		absent[i] = !has_member(t, name);
		if (!absent[i] || !room)
			continue;
		text_add(x->absent, EXPECT_NOTE, x->absent[0] ? ", " :
		    "no member is ");
		room = name_add(x->absent, name) == 0;
	}
	for (uint32_t i = 0; i < x->given.count; i++)
		if (absent[i] &&
		    weight_row_make(t, x->given.weights[i].name) < 0)
			return fail("report");
	if (x->absent[0])
		text_add(x->absent, EXPECT_NOTE, ": there %s %s",
		    answered > 1 ? "are" : "is", answered ? members : "none");
	return 0;
}

static void
unlisted_fill(struct expected_shares *x, const struct tally *t)
{
	char members[EXPECT_NOTE] = "";
	int count = members_add(t, &x->given, members);

	if (count)
		text_add(x->unlisted, EXPECT_NOTE, "member%s %s %s not in "
		    "--expect-weights: nothing is expected of %s",
		    count == 1 ? "" : "s", members, count == 1 ? "is" : "are",
		    count == 1 ? "it" : "them");
}

static int
shares_apply_given(struct expected_shares *x, struct tally *t)
{
	if (shares_add_absent(x, t) < 0)
		return -1;
	for (int i = 0; i < t->count; i++) {
		struct row *r = &t->rows[i];
		const struct weight *w = row_given_weight(&x->given, r);

		r->weight = w ? w->weight : 0;
	}
	unlisted_fill(x, t);
	return 0;
}

/* The slot of the row's process, or -1. */
static int
row_slot(const struct registry_counts *counts, const struct row *r)
{
	for (int i = 0; r->pid && i < REGISTRY_SLOTS; i++)
		if (slot_pid(registry_slot(counts->registry, i)) == r->pid &&
		    registry_is_member(counts->registry, i))
			return i;
	return -1;
}

/* Whether any row is a member on the registry. */
static bool
is_registry_of_rows(const struct expected_shares *x, const struct
    registry_counts *counts, const struct tally *t)
{
	if (!counts->registry || !x->local)
		return false;
	for (int i = 0; i < t->count; i++)
		if ((t->rows[i].weight > 0 || !x->weighed) &&
		    row_slot(counts, &t->rows[i]) >= 0)
			return true;
	return false;
}

/* -1: a process answered that is no member, so has no weight. */
static int
shares_apply_weights(struct registry_counts *counts, struct tally *t)
{
	for (int i = 0; i < t->count; i++) {
		struct row *r = &t->rows[i];

		if (!(r->weight > 0) && r->count + r->predicted)
			return -1;
		r->weight *= mode_weight(counts->registry, row_slot(counts, r));
	}
	return 0;
}

/*
 * If members came or went, one that left has connections and no weight any
 * more. Then the verdict is `changed`, and no shares are expected.
 */
static enum knowledge
shares_apply_named(struct expected_shares *x, struct registry_counts *counts,
    struct tally *t, enum knowledge known, bool changed)
{
	if (x->weighed && known == KNOW_ALL &&
	    shares_apply_weights(counts, t) == 0) {
		snprintf(x->note, sizeof(x->note), "expected by the steering: "
		    "%.160s", x->steering);
		return KNOW_GIVEN;
	}
	if (changed)
		return known;
	snprintf(x->unjudged, sizeof(x->unjudged), "the members steer by "
	    "%.100s, but their names are not known: see --expect-weights",
	    x->steering);
	return KNOW_NOTHING;
}

static enum knowledge
shares_apply_steering(struct expected_shares *x, struct registry_counts *counts,
    struct tally *t, enum knowledge known, bool changed)
{
	const struct steering *s = &registry_shared(counts->registry)->steering;
	enum steer_mode mode = mode_of(s);

	if (mode != STEER_HASH)
		mode_text(s, x->steering);
	if (mode == STEER_LEAST) {
		snprintf(x->unjudged, sizeof(x->unjudged), "the members steer "
		    "to those with the fewest open connections, so these "
		    "decide the shares");
		return KNOW_NOTHING;
	}
	if (mode == STEER_CPU || mode == STEER_PORT ||
	    mode == STEER_ADDRESS || mode == STEER_BYTE) {
		snprintf(x->unjudged, sizeof(x->unjudged), "the members steer "
		    "by %.40s, so the clients decide the shares",
		    x->steering);
		return KNOW_NOTHING;
	}
	if (registry_counts_is_full(counts)) {
		snprintf(x->unjudged, sizeof(x->unjudged), "a member is full, "
		    "and new connections go around it");
		return KNOW_NOTHING;
	}
	if (request_any(counts->registry)) {
		snprintf(x->unjudged, sizeof(x->unjudged), "a member is "
		    "quarantined, and new connections go around it");
		return KNOW_NOTHING;
	}
	if (mode != STEER_WEIGHTS) {
		if (mode == STEER_RANDOM)
			snprintf(x->note, sizeof(x->note), "expected by the "
			    "steering: random, equal shares");
		return known;
	}
	return shares_apply_named(x, counts, t, known, changed);
}

int
expected_shares_apply(struct expected_shares *x, struct registry_counts *counts,
    struct tally *t, enum knowledge *known, bool *changed)
{
	bool theirs = is_registry_of_rows(x, counts, t);

	if (theirs)
		*changed |= registry_shared(counts->registry)->steering.serial !=
		    counts->serial;
	if (x->given.count && *known < KNOW_PREDICTED) {
		*known = KNOW_GIVEN;
		return shares_apply_given(x, t);
	}
	if (theirs && *known < KNOW_SHARED)
		*known = shares_apply_steering(x, counts, t, *known,
		    *changed);
	return 0;
}
