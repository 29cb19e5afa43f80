/*
 * Adds up reports of probe --json. A report is a tally in JSON, and is read
 * back into one. Rows are the same if host, name, worker and pid are; their
 * counts are added, and their histograms merged. The sum is judged if all
 * reports are of the same group: no hash distributes connections over several
 * groups. See merge_verdict.c.
 */
#include "probe/stats/merge.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/date.h"
#include "base/fail.h"
#include "base/line.h"
#include "probe/stats/report_reader.h"

enum { LINE_MOST = 64 << 20 };		/* thousands of members */

/* Rows by identity: reports may have tens of thousands of members. */
struct merge_row {
	struct identity {		/* compared as bytes, so zeroed first */
		pid_t pid;
		int worker;
		uid_t uid;
		int foreign;
		char name[ROW_NAME], host[ROW_NAME];
	} identity;
	int row;
	UT_hash_handle hh;
};

static void
merge_word_set(struct reader *r, struct merge_word *w, const char *new)
{
	if (r->merge->reports == 0)
		snprintf(w->text, sizeof(w->text), "%s", new);
	w->mixed |= strcmp(w->text, new) != 0;
}

static void
read_word(struct reader *r, json_t *from, const char *name, struct merge_word
    *w)
{
	char new[MERGE_TEXT];

	reader_text(r, from, name, new, sizeof(new));
	merge_word_set(r, w, new);
}

bool
merge_is_own(const char *by)
{
	return strcmp(by, "diag") == 0 || strcmp(by, "registry") == 0;
}

/* The index of the row that is like this one; -1 without memory. */
static int
merge_row_of(struct merge *m, const struct row *like)
{
	struct merge_row *found, *new = calloc(1, sizeof(*new));

	if (!new)
		return -1;
	new->identity.pid = like->pid;
	new->identity.worker = like->worker;
	new->identity.uid = like->uid;
	new->identity.foreign = like->foreign;
	memcpy(new->identity.name, like->name, strlen(like->name));
	memcpy(new->identity.host, like->host, strlen(like->host));
	HASH_FIND(hh, m->rows, &new->identity, sizeof(new->identity), found);
	if (found) {
		free(new);
		return found->row;
	}
	new->row = tally_name_new(&m->tally, like);
	if (new->row < 0) {
		free(new);
		return -1;
	}
	HASH_ADD(hh, m->rows, identity, sizeof(new->identity), new);
	return new->row;
}

/* Older reports have neither; null: nobody can be blamed. */
static void
read_blame(struct reader *r, json_t *o, struct blame *b)
{
	if (!json_is_integer(json_object_get(o, "due")) ||
	    !json_is_integer(json_object_get(o, "unanswered"))) {
		r->merge->blameless = true;
		return;
	}
	reader_add(r, o, "due", &b->due);
	reader_add(r, o, "unanswered", &b->unanswered);
}

/* Returns the expected count that the report gives. */
static double
read_member(struct reader *r, json_t *o, const char *by, const char *host)
{
	struct tally *t = &r->merge->tally;
	struct row like = { 0 }, *row;
	int sockets = reader_number(r, o, "sockets");
	uint64_t all = reader_count(r, o, "count"), predicted = reader_count(r, o,
	    "predicted");
	double expected = reader_real(r, o, "expected");
	int at = reader_number(r, o, "pid"), uid = reader_number(r, o, "uid");

	like.pid = at < 0 ? 0 : at;
	like.foreign = uid >= 0;
	like.uid = uid < 0 ? 0 : (uid_t)uid;
	like.worker = reader_number(r, o, "worker");
	reader_text(r, o, "name", like.name, sizeof(like.name));
	reader_text(r, o, "host", like.host, sizeof(like.host));
	reader_text(r, o, "command", like.command, sizeof(like.command));
	if (!like.host[0] && merge_is_own(by))
		snprintf(like.host, sizeof(like.host), "%.*s", ROW_NAME - 1,
		    host);
	if (predicted > all)
		reader_wrong(r, "predicted");
	at = r->wrong ? -1 : merge_row_of(r->merge, &like);
	if (at < 0) {
		reader_wrong(r, "memory");
		return 0;
	}
	row = &t->rows[at];
	reader_sum(r, &r->merge->counted, all, "count");
	row->count += all - predicted;
	row->predicted += predicted;
	reader_add(r, o, "queued", &row->queued);
	reader_add(r, o, "failed", &row->failed);
	read_blame(r, o, &row->blame);
	row->sockets = sockets > 0 ? sockets : row->sockets;
	reader_latencies(r, o, row->latency);
	if (!(expected > 0))
		return expected;
	row->weight += expected;
	if (!isfinite(r->merge->expected += expected))
		reader_excess(r, "expected");
	return expected;
}

static void
read_members(struct reader *r, json_t *o, const char *by)
{
	struct merge *m = r->merge;
	json_t *list = json_object_get(o, "members"), *one;
	char host[MERGE_TEXT];
	size_t i;

	if (!json_is_array(list))
		reader_wrong(r, "members");
	reader_text(r, o, "host", host, sizeof(host));
	json_array_foreach(list, i, one)
		if (isnan(read_member(r, one, by, host)))
			m->unjudged = true;
	if (m->reports == 0 || (int)json_array_size(list) < m->fewest)
		m->fewest = (int)json_array_size(list);
}

static void
read_fairness(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	json_t *f = reader_object(r, o, "fairness");
	char verdict[32];
	int v = FAIR_EVEN;

	if (!f) {
		m->unjudged = true;
		return;
	}
	reader_text(r, f, "verdict", verdict, sizeof(verdict));
	while (v <= FAIR_CHANGED && strcmp(verdict,
	    fair_verdict_name((enum fair_verdict)v)) != 0)
		v++;
	if (v > FAIR_CHANGED) {
		reader_wrong(r, "verdict");
		return;
	}
	m->verdicts[v]++;
	m->changed |= v == FAIR_CHANGED;
	m->at_least |= json_is_true(json_object_get(f, "at_least"));
}

/* A label that not all reports have is left out. */
static void
label_part(struct merge *m, const char *name)
{
	labels_set(&m->parted, name, "");
	labels_remove(&m->labels, name);
}

/* Reports of older versions have none. */
static void
read_labels(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	struct labels new = { 0 };
	const char *name;
	json_t *all = json_object_get(o, "labels"), *value;

	json_object_foreach(all, name, value)
		if (!json_is_string(value) ||
		    labels_set(&new, name, json_string_value(value)) < 0)
			reader_wrong(r, "labels");
	if (m->reports == 0)
		m->labels = new;
	for (size_t i = m->labels.count; i-- > 0;) {
		const char *other = labels_find(&new, m->labels.at[i].name);

		if (!other || strcmp(other, m->labels.at[i].value) != 0)
			label_part(m, m->labels.at[i].name);
	}
	for (size_t i = 0; i < new.count; i++)
		if (!labels_find(&m->labels, new.at[i].name))
			label_part(m, new.at[i].name);
}

/* -1: the report does not have this time; older ones have none. */
static int64_t
read_time(struct reader *r, json_t *o, const char *name)
{
	json_t *value = json_object_get(o, name);
	int64_t when = -1;

	if (value && !json_is_null(value) && (!json_is_string(value) ||
	    date_parse(json_string_value(value), 0, &when) < 0 || when < 0))
		reader_wrong(r, name);
	return when;
}

static void
read_times(struct reader *r, json_t *o)
{
	struct merge_times *t = &r->merge->times;
	int64_t start = read_time(r, o, "started_at");
	int64_t end = read_time(r, o, "ended_at");
	json_t *overlap = json_object_get(o, "overlap");
	bool one = r->merge->reports == 0;

	if (start < 0 || end < start) {
		t->unknown = true;
		return;
	}
	t->overlap = one ? 1 : t->overlap;
	if (json_is_number(overlap) && json_number_value(overlap) < t->overlap)
		t->overlap = fmax(json_number_value(overlap), 0);
	t->first = one || start < t->first ? start : t->first;
	t->last = one || end > t->last ? end : t->last;
	t->last_start = one || start > t->last_start ? start : t->last_start;
	t->first_end = one || end < t->first_end ? end : t->first_end;
	t->longest = one || end - start > t->longest ? end - start : t->longest;
}

/* Keeps the largest errors. */
static void
read_clock(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	json_t *c = json_object_get(o, "clock");
	double estimated, maximum;

	if (!json_is_object(c)) {
		m->clockless = true;
		return;
	}
	estimated = reader_real(r, c, "estimated_error");
	maximum = reader_real(r, c, "maximum_error");
	m->clock.synchronized = (m->reports == 0 || m->clock.synchronized) &&
	    json_is_true(json_object_get(c, "synchronized"));
	m->clock.estimated = fmax(m->clock.estimated, estimated);
	m->clock.maximum = fmax(m->clock.maximum, maximum);
}

static void
read_target(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	json_t *t = reader_object(r, o, "target");
	char port[MERGE_TEXT] = "";
	int n;

	if (!t) {
		reader_wrong(r, "target");
		return;
	}
	read_word(r, t, "address", &m->target);
	read_word(r, t, "name", &m->name);
	read_word(r, t, "protocol", &m->protocol);
	read_word(r, t, "proxy", &m->proxy);
	n = reader_number(r, t, "port");
	if (n >= 0)
		snprintf(port, sizeof(port), "%d", n);
	merge_word_set(r, &m->port, port);
}

static void
read_tls(struct reader *r, json_t *o)
{
	struct probe_tls *sum = &r->merge->tally.tls;
	json_t *t = reader_object(r, o, "tls");

	if (!t)
		return;
	read_word(r, t, "version", &r->merge->version);
	read_word(r, t, "cipher", &r->merge->cipher);
	read_word(r, t, "alpn", &r->merge->alpn);
	reader_add(r, t, "handshakes", &sum->handshakes);
	reader_add(r, t, "resumed", &sum->resumed);
}

static void
read_totals(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	struct tally *t = &m->tally;
	json_t *failed = reader_object(r, o, "failed");
	double seconds = reader_real(r, o, "seconds");

	reader_add(r, o, "attempts", &t->attempts);
	reader_add(r, o, "ok", &t->out[OUT_OK]);
	reader_add(r, o, "queued", &t->out[OUT_QUEUED]);
	for (int i = 0; i < FAILURES; i++)
		/* reports of earlier versions have no wrong answers */
		if (i != FAILURE_ANSWER ||
		    json_object_get(failed, failure_names[i]))
			reader_add(r, failed, failure_names[i],
			    &t->out[failure_outcomes[i]]);
	reader_add(r, o, "unattributed", &t->unattributed);
	reader_add(r, o, "mismatched", &t->mismatched);
	reader_add(r, o, "abandoned", &t->abandoned);
	if (!(seconds >= 0))
		reader_wrong(r, "seconds");
	else if (!isfinite(m->seconds += seconds))
		reader_excess(r, "seconds");
	reader_latencies(r, o, t->latency);
	read_tls(r, o);
}

static void
read_report(struct reader *r, json_t *o)
{
	struct merge *m = r->merge;
	char by[32];

	reader_text(r, o, "by", by, sizeof(by));
	read_word(r, o, "by", &m->by);
	read_word(r, o, "loop", &m->loop);
	read_word(r, o, "host", &m->host);
	read_word(r, o, "steering", &m->steering);
	m->steered |= json_is_true(json_object_get(o, "steered"));
	m->steering_open |= !json_is_boolean(json_object_get(o, "steered"));
	read_target(r, o);
	read_labels(r, o);
	read_times(r, o);
	read_clock(r, o);
	read_totals(r, o);
	read_members(r, o, by);
	read_fairness(r, o);
	reader_add(r, o, "reports", &m->reports);
	if (!m->reports)
		reader_wrong(r, "reports");
}

static bool
is_report(json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *command = json_string_value(json_object_get(o, "command"));

	return event && strcmp(event, "report") == 0 && command &&
	    strcmp(command, "probe") == 0;
}

/* 1: a report; 0: something else, or an empty line. */
static int
read_line(struct merge *m, const char *line, size_t length, const char *name,
    int at)
{
	struct reader r = { .merge = m };
	json_error_t error;
	json_t *o;

	if (strspn(line, " \t\r\n") == length)
		return 0;
	o = json_loadb(line, length, 0, &error);
	if (!json_is_object(o)) {
		json_decref(o);
		fail_as(STATUS_USAGE, "%.200s, line %d: no JSON", name, at);
		return fail_advise(ADVICE_JSON_REPORT);
	}
	if (!is_report(o)) {
		json_decref(o);
		return 0;
	}
	read_report(&r, o);
	json_decref(o);
	if (!r.wrong)
		return 1;
	if (r.excess)
		return fail_as(STATUS_USAGE, "%.200s, line %d: the "
		    "reports add up to too much: %s", name, at, r.wrong);
	return fail_as(STATUS_USAGE, "%.200s, line %d: not a report "
	    "of this version: %s", name, at, r.wrong);
}

int
merge_read(struct merge *m, FILE *in, const char *name)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int found = 0, got = 0, lines = 0, error;

	while (got >= 0 && (length = line_read(in, &line, &room,
	    LINE_MOST)) >= 0) {
		got = read_line(m, line, (size_t)length, name, ++lines);
		found += got > 0;
	}
	error = errno;
	free(line);
	if (got < 0)
		return -1;
	if (error == EMSGSIZE)
		return fail_as(STATUS_USAGE, "%.200s, line %d: over "
		    "%d MiB", name, lines + 1, LINE_MOST >> 20);
	if (error) {
		errno = error;
		fail("%.200s", name);
		return fail_status_set(STATUS_USAGE);
	}
	if (found)
		return found;
	fail_as(STATUS_USAGE, "%.200s: no report in it", name);
	return fail_advise(ADVICE_JSON_REPORT);
}

void
merge_free(struct merge *m)
{
	struct merge_row *row, *next;

	HASH_ITER(hh, m->rows, row, next) {
		HASH_DEL(m->rows, row);
		free(row);
	}
	tally_free(&m->tally);
}
