/*
 * The final report, once all attempts are over. Its steps, in result_make():
 *
 *	who the rows are	result_rows(), by --by
 *	--what-if		while the rows' weights are their sockets
 *	expected shares		--expect-weights, or the steering
 *	causes			notes on what failed, and why
 *	verdict			stats/verdict.c, unless there is a reason for
 *				none: the first one found is reported
 */
#include "probe/load/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/fail.h"
#include "base/num.h"
#include "group/registry/spare_request.h"
#include "group/steer/reconcile.h"
#include "kernel/sock_owner.h"
#include "net/sock.h"
#include "net/sources.h"
#include "probe/load/reach_result.h"
#include "probe/stats/whatif.h"
#include "tls/context.h"

enum { REGISTRY_TRIES = 200 };		/* ms for the members to count up */

static void result_note(struct result *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
result_note(struct result *r, const char *format, ...)
{
	va_list args;

	if (r->note_count == RESULT_NOTES)
		return;
	va_start(args, format);
	vsnprintf(r->notes[r->note_count], RESULT_NOTE, format, args);
	va_end(args);
	r->note[r->note_count] = r->notes[r->note_count];
	r->note_count++;
}

static void result_unjudge(struct result *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Gives a reason for no verdict; only the first one is kept. */
static void
result_unjudge(struct result *r, const char *format, ...)
{
	va_list args;

	if (r->unjudged[0])
		return;
	va_start(args, format);
	vsnprintf(r->unjudged, sizeof(r->unjudged), format, args);
	va_end(args);
}

/* A member counts a connection when it accepts it, maybe after its end. */
static void
await_counts(struct load *l)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < REGISTRY_TRIES &&
	     registry_counts_follow(&l->counts, &l->tally) <
		 l->tally.out[OUT_OK];
	     i++)
		nanosleep(&tick, NULL);
}

/* Why the hash does not choose; false: no reason is known. g may be NULL. */
static bool
steering_reason(struct load *l, const struct identified *g,
    char text[static RESULT_NOTE])
{
	bool ours = registry_counts_has(&l->counts, &l->tally);

	text[0] = '\0';
	if (g && g->record.steered)
		snprintf(text, RESULT_NOTE, "a member is quarantined");
	else if (ours && mode_of(&registry_shared(l->counts.registry)->
	    steering) != STEER_HASH)
		registry_counts_steering(&l->counts, text, RESULT_NOTE);
	else if (ours && registry_counts_is_full(&l->counts))
		snprintf(text, RESULT_NOTE, "a member is full");
	return text[0] != '\0';
}

/*
 * The kernel's hash tells the member of a connection that nobody was seen to
 * accept. If a program steers, it does not, and the table lacks these.
 */
static void
note_predictions(struct result *r, struct load *l, const struct identified *g)
{
	unsigned long long missing = g->voided, wrong = g->record.wrong;
	char reason[RESULT_NOTE];

	if (!missing && !wrong)
		return;
	if (!steering_reason(l, g, reason)) {
		snprintf(reason, sizeof(reason), "a program may steer the "
		    "group");
		if (wrong && !g->changed)
			result_note(r, "a program seems to steer the group: "
			    "%llu connection%s went to another member than the "
			    "kernel's hash gives", wrong, plural(wrong));
	}
	if (missing)
		result_note(r, "%llu connection%s in no row: no process was seen "
		    "to accept, and the kernel's hash can't tell which did: "
		    "%.160s", missing, plural(missing), reason);
}

/* Whether a program chooses the members, and so whom timeouts are put down to. */
static void
result_steering(struct result *r, struct load *l, const struct identified *g)
{
	char reason[RESULT_NOTE];
	bool asked = g ? g->sockets > 1 : l->shared.by == BY_REGISTRY;
	bool steered = asked && steering_reason(l, g, reason);

	r->steered = steered ? 1 : g ? identified_steered(g) : -1;
	if (steered)
		r->predicted = PREDICTED_NOT;
	else if (g)
		r->predicted = identified_predicted(g);
	else
		r->predicted = asked && l->shared.identify ? PREDICTED_UNSURE :
		    PREDICTED_NOT;
}

static void
note_group(struct result *r, struct load *l, const struct identified *g)
{
	char text[OWNER_HIDDEN_TEXT];

	if (g->hidden)
		result_unjudge(r, "%s", owner_hidden_text(g->uid, text));
	note_predictions(r, l, g);
}

static void
result_unjudge_shared(struct result *r)
{
	result_unjudge(r, "several processes share one socket and compete for "
	    "its connections, no hash deals them out");
}

/* A process may have many sockets: as many as threads, for one. */
static void
note_sockets(struct result *result, const struct tally *t, int all)
{
	int processes = 0, sockets = 0;
	pid_t pid = 0;

	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (r->sockets < 2)
			continue;
		processes++;
		sockets += r->sockets;
		pid = r->pid;
	}
	if (processes == 1)
		result_note(result, "one process, pid %d, holds %d of the "
		    "group's %d sockets: connections are dealt to sockets",
		    (int)pid, sockets, all);
	else if (processes)
		result_note(result, "%d processes hold %d of the group's %d "
		    "sockets: connections are dealt to sockets", processes,
		    sockets, all);
}

/* Another process may answer than the one that accepted. */
static void
note_answers(struct result *r, const struct tally *t)
{
	uint64_t count = 0, answered = 0, elsewhere = 0;

	for (int i = 0; i < t->count; i++) {
		count += t->rows[i].count;
		answered += row_answered(&t->rows[i]);
		elsewhere += t->rows[i].elsewhere;
	}
	if (t->replied && answered < count)
		result_note(r, "accepted by: for %llu only the process that "
		    "accepted them is known, not the one that answered",
		    (unsigned long long)(count - answered));
	else if (!t->replied && elsewhere)
		result_note(r, "accepted by: other processes were seen to get "
		    "%llu of these from the process that accepted them. Try "
		    "--echo or --send, to see which ones answer",
		    (unsigned long long)elsewhere);
	if (tally_hands_on(t))
		result_note(r, "one process accepts and another one answers, "
		    "and no hash chooses that one: no verdict");
}

/* A member that is leaving has left, as far as shares are concerned. */
static bool
is_leaving(const struct load *l)
{
	return l->counts.registry && registry_is_leaving(l->counts.registry);
}

static enum knowledge
result_rows_diag(struct result *r, struct load *l, bool *changed)
{
	bool quarantined = l->counts.registry &&
	    request_any(l->counts.registry);
	struct identified group;

	if (quarantined)
		identify_steered(l->identify);
	group = identify_end(l->identify, &l->tally);
	group.changed |= l->changed || is_leaving(l);
	*changed = group.changed;
	note_group(r, l, &group);
	result_steering(r, l, &group);
	note_sockets(r, &l->tally, group.sockets);
	note_answers(r, &l->tally);
	load_name_members(l);
	if (group.predicted)
		result_unjudge(r, "only the kernel's hash predicts which "
		    "member got a datagram, and a program that steers the "
		    "group would not show. Try --by reply");
	else if (group.known && group.shared && !group.handed)
		result_unjudge_shared(r);
	return identified_knowledge(&group);
}

/* Names that peers give themselves do not show how they share a port. */
static enum knowledge
result_rows_named(struct result *r, const struct load *l)
{
	if (verdict_hosts(&l->tally) > 1) {
		result_unjudge(r, "several hosts answer, no one hash deals "
		    "connections out to them");
		return KNOW_SHARED;
	}
	if (l->tally.out[OUT_OK] && !l->tally.count)
		result_unjudge(r, l->shared.by != BY_REPLY ? "nobody greeted "
		    "as 'rpnc echo --identify' does" : l->plan->question ?
		    "no answer names its instance. Try --by diag" :
		    "--match found nothing in any reply");
	if (!load_is_shared(l))
		return KNOW_SOME;
	result_unjudge_shared(r);
	return KNOW_SHARED;
}

/* Completes the rows; returns what is known about the group. */
static enum knowledge
result_rows(struct result *r, struct load *l, bool *changed)
{
	struct attempt_shared *s = &l->shared;
	enum knowledge known = KNOW_NOTHING;

	result_steering(r, l, NULL);
	if (s->by == BY_AUTO && s->identify)
		s->by = BY_DIAG;
	if (s->by == BY_DIAG) {
		known = result_rows_diag(r, l, changed);
	} else if (s->by == BY_REGISTRY) {
		await_counts(l);
		*changed = is_leaving(l);
		*changed |= registry_counts_end(&l->counts, &l->tally) ||
		    l->changed;
		known = KNOW_ALL;
		result_note(r, "counts are the members' own: others' traffic "
		    "is in them");
	} else if (s->by == BY_BANNER || s->by == BY_REPLY) {
		known = result_rows_named(r, l);
	}
	tally_tidy(&l->tally);
	return known;
}

/* If it can't be answered, a note says why; that is no fault. */
static const struct probe_what_if *
result_what_if(struct result *r, const struct load *l, enum knowledge known)
{
	if (!r->change)
		return NULL;
	if (known != KNOW_ALL || l->plan->datagram)
		result_note(r, "--what-if: this needs to know the whole group, "
		    "and connections");
	else if (whatif_make(&r->what_if, &l->tally, r->change) < 0)
		result_note(r, "--what-if: %s", fail_text());
	else
		return &r->what_if;
	return NULL;
}

static bool
result_is_steered(struct result *r)
{
	if (!r->expect.steering[0])
		return false;
	result_note(r, "--what-if is about the kernel's hash, and %.40s steers",
	    r->expect.steering);
	return true;
}

static int
result_expect(struct result *r, struct load *l, enum knowledge *known, bool
    *changed)
{
	const struct attempt_shared *s = &l->shared;
	struct expected_shares *x = &r->expect;

	x->given = r->weights;
	x->local = s->target.len && sock_is_local(&s->target);
	x->weighed = s->by == BY_DIAG || s->by == BY_REGISTRY;
	if (expected_shares_apply(x, &l->counts, &l->tally, known, changed) < 0)
		return -1;
	if (x->unjudged[0])
		result_unjudge(r, "%s", x->unjudged);
	if (x->note[0])
		result_note(r, "%s", x->note);
	return 0;
}

static void
note_causes(struct result *r, const struct load *l)
{
	const struct tally *t = &l->tally;
	const struct plan *p = l->plan;

	if (t->out[OUT_OTHER] && t->other_error == EADDRNOTAVAIL &&
	    !sock_has_source(&l->shared.target))
		result_note(r, "this host has no address to reach that one "
		    "from%s", l->shared.target.sa.sa_family == AF_INET6 ? ": "
		    "IPv6 is turned off here; 'ip -6 address' lists what there "
		    "is" : "");
	else if (t->out[OUT_OTHER] && t->other_error == EADDRNOTAVAIL)
		result_note(r, "source ports ran out: each is kept for 60 s "
		    "after a connection (TIME_WAIT). Try %s", p->sources->first
		    ? "more of them: --sport" : "--sources, such as "
		    "127.0.0.0/24 on this host");
	if (l->shared.by == BY_NONE && p->by == BY_AUTO &&
	    !p->datagram && t->out[OUT_OK])
		result_unjudge(r, "the member that answered is not known: %s, "
		    "and it sends no banner (see --by)", p->local ? "a Unix "
		    "socket" : p->proxies ? "it is behind a proxy" : "not a "
		    "server on this host");
	if (t->deferred)
		result_note(r, "the server waits for data before it accepts "
		    "(TCP_DEFER_ACCEPT): use --send or --echo, to see who "
		    "answers");
	if (p->tls && p->tls->insecure)
		result_note(r, "TLS: nothing is verified, so the server may "
		    "be anybody");
	if (p->wait && l->rounds > 1 && !t->out[OUT_OK])
		result_note(r, "tried %d times within %g s before that: is the "
		    "server started, and is this its address?", l->rounds,
		    (double)p->wait / 1e6);
	if (p->expect && !p->send && t->out[OUT_TIMEOUT] == t->attempts)
		result_note(r, "nothing came, and nothing was sent: does the "
		    "server wait for --send?");
	if (p->give_up && t->attempts < p->count && !r->cut_short &&
	    t->out[OUT_TIMEOUT] == t->attempts)
		result_note(r, "stopped: nobody answered at all");
}

/* The answers that --expect did not find; those of --echo are known. */
static void
note_wrong(struct result *r, const struct load *l)
{
	const struct tally *t = &l->tally;
	char safe[TALLY_WRONG * ESCAPE_MAX + 1];

	if (!t->mismatched || !l->plan->expect)
		return;
	escape(t->wrong, t->wrong_length, false, safe);
	result_note(r, "the first of these answers: \"%s\"%s", safe,
	    t->wrong_length == TALLY_WRONG ? "..." : "");
}

/* Its moments by the time of day, which other hosts have, too. */
static void
result_times_fill(struct result *r, const struct load *l)
{
	struct probe_report *out = &r->verdict.report;
	int64_t offset = event_now() - clock_ns() / 1000;

	out->started_at = time_text(l->schedule.started / 1000 + offset,
	    r->started_at);
	out->ended_at = time_text(l->ended / 1000 + offset, r->ended_at);
	out->clock = l->clock_known ? &l->clock_error : NULL;
}

/* Fills in what the tally does not know. */
static void
result_report_fill(struct result *r, const struct load *l)
{
	struct probe_report *out = &r->verdict.report;
	const struct plan *p = l->plan;

	r->verdict.target = load_target(l);
	out->command = "probe";
	out->reports = 1;
	if (gethostname(r->host, sizeof(r->host)) == 0)
		out->host = r->host;
	out->by = load_by(l);
	out->loop = p->rate ? "open" : "closed";
	out->seconds = (double)(l->ended - l->schedule.started) / 1e9;
	out->concurrency = p->concurrency;
	out->rate = p->rate;
	out->steering = r->expect.steering[0] ? r->expect.steering : NULL;
	out->notes = r->note;
	result_times_fill(r, l);
}

/* The option may name absent members, or leave out members that are there. */
static void
result_expected(struct result *r)
{
	const struct expected_shares *x = &r->expect;

	r->verdict.absent = x->absent[0] ? x->absent : NULL;
	r->verdict.unlisted = x->unlisted[0] ? x->unlisted : NULL;
}

/* A verdict on a part of the group is still reported; then why is a note. */
static int
result_finish(struct result *r, bool running)
{
	bool judged = r->verdict.report.fairness != NULL;
	const char *why = r->unjudged[0] ? r->unjudged : NULL;

	if (judged && why && !running)
		result_note(r, "%s", why);
	return verdict_conclude(&r->verdict, judged ? NULL : why, running);
}

static int
result_reach(struct result *r, const struct load *l, bool changed)
{
	r->sockets = calloc((size_t)l->reach.group.count + 1,
	    sizeof(*r->sockets));
	if (!r->sockets)
		return fail("report");
	reach_result_make(&r->reach, r->sockets, l, changed);
	r->verdict.report.reach = &r->reach;
	return 0;
}

int
result_make(struct result *r, struct load *l)
{
	const struct probe_what_if *moving;
	enum knowledge known;
	bool changed = false;

	known = result_rows(r, l, &changed);
	if (l->reach.wanted)		/* the attempts chose their members */
		known = KNOW_SHARED;
	/* before result_expect(): the rows' weights are their sockets yet */
	moving = result_what_if(r, l, known);
	if (result_expect(r, l, &known, &changed) < 0)
		return -1;
	note_causes(r, l);
	note_wrong(r, l);
	if (verdict_make(&r->verdict, &l->tally, known, changed) < 0)
		return -1;
	verdict_blame(&r->verdict, r->predicted);
	verdict_steered(&r->verdict, r->steered);
	r->verdict.report.what_if = moving && !result_is_steered(r) ? moving :
	    NULL;
	result_report_fill(r, l);
	result_expected(r);
	if (changed && !r->verdict.report.fairness)
		result_note(r, "members came or went meanwhile");
	if (l->reach.wanted) {
		r->unjudged[0] = '\0';
		if (result_reach(r, l, changed) < 0)
			return -1;
	}
	return result_finish(r, false);
}

int
result_during(struct result *r, const struct probe_during *d)
{
	r->verdict.report.during = d;
	return result_finish(r, true);
}

void
result_free(struct result *r)
{
	verdict_free(&r->verdict);
	free(r->sockets);
}
