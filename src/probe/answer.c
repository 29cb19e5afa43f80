/*
 * How it works. Who accepted a connection is seen when it is there; but that
 * process may hand it on, to a child or by SCM_RIGHTS, and another one answers.
 * So the socket's holders are looked up again once a reply has come. Only if
 * there is a single one did it answer, and that there is no other one is only
 * certain if all of /proc was read since: proved. This takes milliseconds, in
 * which nothing else is measured, so it is done once for each process.
 *
 * Of the others it is seen that who accepted still has them: held. That counts
 * as answered if the process was never seen to hand one on.
 *
 * A child that may have been forked for this one connection gets no row: then
 * it is only known who accepted.
 */
#include "probe/answer.h"

#include "probe/clock.h"

enum {
	HOLDERS = 2,			/* more than one are too many */
	READINGS = 2,			/* of all of /proc, for each row */
	SEARCHES = 16,			/* the same, while nobody has it */
	REST_NS = 20 * 1000 * 1000,	/* between them */
};

/* Whether all processes are to be read for this one. */
static bool
is_due(struct answers *a, struct row *r, int most)
{
	int64_t now = clock_ns();

	if (r->proofs || r->readings >= most || now < a->next)
		return false;
	r->readings++;
	a->next = now + REST_NS;
	return true;
}

/* Another process has it, and it alone. */
static void
handed(struct tally *t, pid_t pid, int64_t since, struct result *r)
{
	int row = tally_process_find(t, pid);

	t->rows[r->row].hands = true;
	if (row < 0 && owner_has_run(pid, clock_ns() - since))
		row = tally_process(t, pid);
	if (row < 0)
		return;
	r->accepted = r->row;
	r->row = row;
	r->answer = ANSWER_PROVED;
}

void
answer_find(struct answers *a, struct tally *t, struct owners *o,
    uint64_t inode, int64_t since, struct result *r)
{
	struct row *row = &t->rows[r->row];
	bool due = is_due(a, row, READINGS);
	pid_t pids[HOLDERS];
	int count;

	if (!due && owners_held_by(o, inode, row->pid)) {
		r->answer = ANSWER_HELD;
		return;
	}
	if (due)
		owners_refresh(o);
	count = owners_holders(o, inode, pids, HOLDERS);
	if (!count && !due && is_due(a, row, SEARCHES)) {
		owners_refresh(o);
		count = owners_holders(o, inode, pids, HOLDERS);
	}
	if (count > 1)
		row->hands = true;
	if (count != 1)
		return;
	if (pids[0] != row->pid) {
		handed(t, pids[0], since, r);
		return;
	}
	row->proofs += due;
	r->answer = due ? ANSWER_PROVED : ANSWER_HELD;
}
