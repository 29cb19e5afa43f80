/*
 * How it works. The process that accepted a connection may hand it on, to a
 * child or by SCM_RIGHTS, and another process answers. So the socket's holders
 * are looked up again once a reply has come. If there is exactly one, it
 * answered. That there is no other is only certain if all of /proc was read
 * since: proved. This takes milliseconds, in which nothing else is measured, so
 * it is done once for each process.
 *
 * For its other connections only one thing is checked: the process that
 * accepted still has them: held. They count as answered if it was never seen to
 * hand one on.
 *
 * A child that may have been forked for this one connection gets no row: then
 * only the process that accepted is known.
 */
#include "probe/who/answer.h"

#include "base/clock.h"

enum {
	HOLDERS = 2,			/* more than one are too many */
	READINGS = 2,			/* of all of /proc, for each row */
	SEARCHES = 16,			/* the same, while nobody has it */
	REST_NS = 20 * 1000 * 1000,	/* between them */
};

/* Whether all processes are to be read for this one. */
static bool
is_reading_due(struct answers *a, struct row *r, int most)
{
	int64_t now = clock_ns();

	if (r->confirmations || r->readings >= most || now < a->next)
		return false;
	r->readings++;
	a->next = now + REST_NS;
	return true;
}

/* Exactly one process has it, and not the one that accepted. */
static void
answer_handed_on(struct tally *t, pid_t pid, int64_t since, struct
    attempt_result *r)
{
	int row = tally_process_find(t, pid);

	t->rows[r->row].hands = true;
	if (row < 0 && owner_has_run(pid, clock_ns() - since))
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
		owners_refresh(o);
	count = owners_holders(o, inode, pids, HOLDERS);
	if (!count && !due && is_reading_due(a, row, SEARCHES)) {
		owners_refresh(o);
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
