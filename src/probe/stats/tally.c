/*
 * Counts the results of attempts. An attempt that was answered counts for the
 * row that answered it; otherwise for the row that the hash predicts; otherwise
 * as unattributed. Rows are never moved while attempts are in flight, because
 * these refer to them by index: a row that is forgotten is only marked as
 * unused.
 */
#include "probe/stats/tally.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/sock_owner.h"

const enum outcome failure_outcomes[FAILURES] = {
	[FAILURE_REFUSED] = OUT_REFUSED, [FAILURE_RESET] = OUT_RESET,
	[FAILURE_TIMEOUT] = OUT_TIMEOUT, [FAILURE_PROXY] = OUT_PROXY,
	[FAILURE_TLS] = OUT_TLS, [FAILURE_ANSWER] = OUT_ANSWER,
	[FAILURE_OTHER] = OUT_OTHER,
};

/* Only --during has a word of its own for OUT_ENDED. */
struct probe_failures
tally_failures(const struct tally *t)
{
	struct probe_failures f = { 0 };

	for (int i = 0; i < FAILURES; i++) {
		enum outcome outcome = failure_outcomes[i];

		f.at[i] = t->out[outcome];
		if (t->reason[outcome][0])
			f.reason[i] = t->reason[outcome];
	}
	if (t->out[OUT_OTHER] && t->other_error)
		f.reason[FAILURE_OTHER] = strerror(t->other_error);
	f.at[FAILURE_OTHER] += t->out[OUT_ENDED];
	return f;
}

void
tally_free(struct tally *t)
{
	for (int i = 0; i < t->count; i++)
		for (int j = 0; j < LATENCIES; j++)
			free(t->rows[i].latency[j]);
	for (int j = 0; j < LATENCIES; j++)
		free(t->latency[j]);
	free(t->rows);
}

/* Histograms are large, and most are never used: made when needed. */
static void
latency_add(struct hist **h, int64_t ns)
{
	if (ns < 0)
		return;
	if (!*h)
		*h = calloc(1, sizeof(**h));
	if (*h)
		hist_add(*h, (uint64_t)ns);
}

/* LATENCY_LATE is not: a late start is our doing. */
static void
row_measure(struct row *r, const int64_t ns[static LATENCIES])
{
	for (int i = 0; i < LATENCY_LATE; i++)
		latency_add(&r->latency[i], ns[i]);
}

static struct newcomer *
newcomer_find(struct tally *t, pid_t pid)
{
	for (int i = 0; i < NEWCOMERS; i++)
		if (t->newcomers[i].pid == pid)
			return &t->newcomers[i];
	return NULL;
}

/* Its earlier connection stays with the parent. */
static void
newcomer_settle(struct tally *t, struct newcomer *n)
{
	if (n->pid && n->row >= 0)
		row_measure(&t->rows[n->row], n->ns);
	n->pid = 0;
}

static void
newcomer_count(struct tally *t, const struct attempt_result *r)
{
	struct newcomer *n = newcomer_find(t, r->newcomer);

	t->rows[r->row].count++;
	if (!n || n->row >= 0) {
		row_measure(&t->rows[r->row], r->ns);
		return;
	}
	n->row = r->row;
	memcpy(n->ns, r->ns, sizeof(n->ns));
}

static void
answer_count(struct tally *t, const struct attempt_result *r)
{
	struct row *row = &t->rows[r->row];

	t->replied += r->replied;
	row->held += r->answer == ANSWER_HELD;
	row->confirmed += r->answer == ANSWER_CONFIRMED;
	row->elsewhere += r->elsewhere;
	if (r->accepted >= 0)
		t->rows[r->accepted].handed++;
}

struct member
row_member(const struct row *r)
{
	return (struct member){
		.name = r->name[0] ? r->name : NULL,
		.host = r->host[0] ? r->host : NULL,
		.command = r->command[0] ? r->command : NULL,
		.pid = r->pid > 0 ? r->pid : -1, .worker = r->worker,
		.uid = r->foreign ? (int64_t)r->uid : -1,
	};
}

uint64_t
row_total(const struct row *r)
{
	return r->count + r->predicted;
}

uint64_t
row_answered(const struct row *r)
{
	return r->confirmed + (r->confirmations && !r->hands ? r->held : 0);
}

bool
tally_hands_on(const struct tally *t)
{
	for (int i = 0; i < t->count; i++)
		if (t->rows[i].handed)
			return true;
	return false;
}

static void
tally_attribute(struct tally *t, const struct attempt_result *r)
{
	if (r->row >= 0)
		answer_count(t, r);
	if (r->row < 0 && r->predicted < 0) {
		t->unattributed++;
	} else if (r->row < 0) {
		t->rows[r->predicted].predicted++;
	} else if (r->newcomer) {
		newcomer_count(t, r);
	} else {
		t->rows[r->row].count++;
		row_measure(&t->rows[r->row], r->ns);
	}
}

/* Whether the latency counts even if the attempt fails later. */
static bool
is_of_any_attempt(int latency)
{
	return latency == LATENCY_CONNECT || latency == LATENCY_PROXY ||
	    latency == LATENCY_TLS || latency == LATENCY_LATE;
}

static void
tls_add(struct probe_tls *into, const struct probe_tls *t)
{
	into->handshakes += t->handshakes;
	into->resumed += t->resumed;
	into->version = t->version ? t->version : into->version;
	into->cipher = t->cipher ? t->cipher : into->cipher;
}

/* An attempt that failed otherwise is nobody's fault who is known. */
static void
blame_count(struct tally *t, const struct attempt_result *r)
{
	int whose = r->accepted >= 0 ? r->accepted : r->row >= 0 ? r->row :
	    r->due;
	bool late = r->outcome == OUT_TIMEOUT || r->outcome == OUT_QUEUED;

	if (whose < 0 || (r->outcome != OUT_OK && !late))
		return;
	t->rows[whose].blame.due++;
	t->rows[whose].blame.unanswered += late;
}

bool
tally_measures(const struct attempt_result *r, int latency)
{
	return r->ns[latency] >= 0 && (r->outcome == OUT_OK ||
	    is_of_any_attempt(latency));
}

void
tally_add(struct tally *t, const struct attempt_result *r)
{
	t->attempts++;
	t->out[r->outcome]++;
	if (r->outcome == OUT_OTHER)
		t->other_error = r->error;
	if (r->reason[0])
		memcpy(t->reason[r->outcome], r->reason, TALLY_REASON);
	if (r->outcome == OUT_QUEUED && r->predicted >= 0)
		t->rows[r->predicted].queued++;
	else if (r->outcome != OUT_OK && r->row >= 0)
		t->rows[r->row].failed++;
	blame_count(t, r);
	tls_add(&t->tls, &r->tls);
	t->mismatched += r->mismatched;
	t->deferred += r->deferred;
	for (int i = 0; i < LATENCIES; i++)
		if (tally_measures(r, i))
			latency_add(&t->latency[i], r->ns[i]);
	if (r->outcome == OUT_OK)
		tally_attribute(t, r);
}

bool
tally_newcomer(struct tally *t, pid_t pid)
{
	struct newcomer *n = newcomer_find(t, pid);

	if (n)
		return true;
	n = &t->newcomers[t->newcomer++ % NEWCOMERS];
	newcomer_settle(t, n);
	n->pid = pid;
	n->row = -1;
	return false;
}

void
tally_joins(struct tally *t, pid_t pid, int row)
{
	struct newcomer *n = newcomer_find(t, pid);

	if (!n)
		return;
	if (n->row >= 0) {
		t->rows[n->row].count--;
		t->rows[row].count++;
		n->row = row;
	}
	newcomer_settle(t, n);
}

void
tally_newcomers_end(struct tally *t)
{
	for (int i = 0; i < NEWCOMERS; i++)
		newcomer_settle(t, &t->newcomers[i]);
}

static int
row_add(struct tally *t, const struct row *like)
{
	if (t->count == t->room) {
		int room = t->room ? t->room * 2 : 16;
		struct row *rows = realloc(t->rows, (size_t)room *
		    sizeof(*rows));

		if (!rows)
			return -1;
		t->rows = rows;
		t->room = room;
	}
	t->rows[t->count] = *like;
	return t->count++;
}

int
tally_process_find(const struct tally *t, pid_t pid)
{
	for (int i = 0; i < t->count; i++)
		if (t->rows[i].pid == pid && !t->rows[i].gone)
			return i;
	return -1;
}

static int
row_take(struct tally *t, const struct row *like)
{
	for (int i = 0; i < t->count; i++)
		if (t->rows[i].unused) {
			t->rows[i] = *like;
			return i;
		}
	return row_add(t, like);
}

int
tally_process(struct tally *t, pid_t pid)
{
	struct row row = { .pid = pid, .worker = -1 };
	int found = tally_process_find(t, pid);

	if (found >= 0)
		return found;
	owner_command(pid, row.command);
	return row_take(t, &row);
}

int
tally_hidden(struct tally *t, const struct row *like)
{
	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (!r->pid && !r->gone && !r->foreign && !r->self_named &&
		    r->worker == like->worker &&
		    strcmp(r->name, like->name) == 0)
			return i;
	}
	return row_take(t, like);
}

static int
tally_earlier(struct tally *t)
{
	const struct row row = {
		.command = "(earlier ones)", .worker = -1, .gone = true,
	};

	if (!t->earlier)
		t->earlier = row_add(t, &row) + 1;
	return t->earlier - 1;
}

/* If the other has none, it takes this one over. */
static void
hist_move(struct hist **into, struct hist **from)
{
	if (*into && *from) {
		hist_merge(*into, *from);
		free(*from);
	} else if (*from) {
		*into = *from;
	}
	*from = NULL;
}

int
tally_forget(struct tally *t, int row)
{
	int all = tally_earlier(t);
	struct row *into, *from;

	tally_newcomers_end(t);
	if (all < 0)
		return -1;
	into = &t->rows[all];
	from = &t->rows[row];
	into->count += from->count;
	into->predicted += from->predicted;
	into->queued += from->queued;
	into->failed += from->failed;
	into->blame.due += from->blame.due;
	into->blame.unanswered += from->blame.unanswered;
	into->confirmed += row_answered(from);
	into->handed += from->handed;
	into->elsewhere += from->elsewhere;
	for (int i = 0; i < LATENCIES; i++)
		hist_move(&into->latency[i], &from->latency[i]);
	t->named -= from->self_named;
	*from = (struct row){ .pid = -1, .worker = -1, .unused = true };
	return 0;
}

void
tally_tidy(struct tally *t)
{
	int kept = 0;

	for (int i = 0; i < t->count; i++)
		if (!t->rows[i].unused)
			t->rows[kept++] = t->rows[i];
	t->count = kept;
}

int
tally_user(struct tally *t, uid_t uid)
{
	struct row row = { .foreign = true, .uid = uid, .worker = -1 };

	for (int i = 0; i < t->count; i++)
		if (t->rows[i].foreign && t->rows[i].uid == uid)
			return i;
	return row_add(t, &row);
}

int
tally_name(struct tally *t, const struct row *like)
{
	struct row row = *like;
	int found;

	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (r->pid == like->pid && r->worker == like->worker &&
		    r->foreign == like->foreign && r->uid == like->uid &&
		    strcmp(r->name, like->name) == 0 &&
		    strcmp(r->host, like->host) == 0)
			return i;
	}
	if (t->named == ROW_NAMES_MAX)
		return -1;
	row.self_named = true;
	found = row_take(t, &row);
	t->named += found >= 0;
	return found;
}

int
tally_name_new(struct tally *t, const struct row *like)
{
	struct row row = *like;

	row.self_named = true;
	return row_add(t, &row);
}
