/*
 * Finds the process that sent a reply. The process that accepted a connection
 * may hand it on, to a child or by SCM_RIGHTS, and then another process
 * answers. So the socket's holders are looked up again when a reply has come.
 * If there is exactly one, it answered. Only reading all of /proc makes sure
 * that there is no other; that is "confirmed". It takes milliseconds, in which
 * nothing else is measured, so it is done once for each process.
 *
 * For other connections of that process, only one thing is checked: it still
 * has the socket; that is "held". They count as answered by it if it was never
 * seen to hand a connection on.
 *
 * A child that may have been forked for this one connection gets no row: then
 * only the process that accepted is known.
 */
#include "probe/who/answer.h"

#include "base/clock.h"

enum {
	HOLDERS = 2,			/* two are already too many */
	READINGS = 2,			/* readings of all of /proc, per row */
	SEARCHES = 16,			/* the same, if no holder is found */
	REST_NS = 20 * 1000 * 1000,	/* between them, at most, and */
	RESTS = 4,			/* so many times as long as one took */
};

/* Whether to read all of /proc for this connection. */
static bool
is_reading_due(struct answers *a, struct row *r, int most)
{
	int64_t now = clock_ns();

	if (r->confirmations || r->readings >= most || now < a->next)
		return false;
	r->readings++;
	return true;
}

static void
answer_read(struct answers *a, struct owners *o)
{
	int64_t began = clock_ns(), took;

	owners_refresh(o);
	took = clock_ns() - began;
	a->next = began + took + (took * RESTS < REST_NS ? took * RESTS :
	    REST_NS);
}

/* Exactly one process has it: not the one that accepted. */
static void
answer_handed_on(struct tally *t, pid_t pid, int64_t since, struct
    attempt_result *r)
{
	int row = tally_process_find(t, pid);

	t->rows[r->row].hands = true;
	if (row < 0 && owner_started_before(pid, since))
		row = tally_process(t, pid);
	if (row < 0)
		return;
	r->accepted = r->row;
	r->row = row;
	r->answer = ANSWER_CONFIRMED;
}

void
answer_find(struct answers *a, struct tally *t, struct owners *o,
    uint64_t inode, int64_t since, struct attempt_result *r)
{
	struct row *row = &t->rows[r->row];
	bool due = is_reading_due(a, row, READINGS);
	pid_t pids[HOLDERS];
	int count;

	if (!due && owners_held_by(o, inode, row->pid)) {
		r->answer = ANSWER_HELD;
		return;
	}
	if (due)
		answer_read(a, o);
	count = owners_holders(o, inode, pids, HOLDERS);
	if (!count && !due && is_reading_due(a, row, SEARCHES)) {
		answer_read(a, o);
		count = owners_holders(o, inode, pids, HOLDERS);
	}
	if (count > 1)
		row->hands = true;
	if (count != 1)
		return;
	if (pids[0] != row->pid) {
		answer_handed_on(t, pids[0], since, r);
		return;
	}
	row->confirmations += due;
	r->answer = due ? ANSWER_CONFIRMED : ANSWER_HELD;
}
