/*
 * How it works: a program attached to the group deals in the hash's stead, and
 * the kernel doesn't tell that there is one. So one mistake makes predictions
 * void, and so do too few that were right. A program that has nothing to do
 * with the hash agrees with it in one of k cases, k being the sockets; one
 * that only spares a socket, as who leaves does it, in all but one of k. So
 * even that one is not found out by 14 k less than once in a million times.
 *
 * Of one socket there is nothing to choose. And what waits in queues can be
 * held against their lengths, without knowing of any that was accepted.
 */
#include "probe/who/prediction.h"

enum { CONFIRMED_EACH = 14 };		/* (1 - 1/k)^(14 k) < 1e-6 */

int
prediction_needed(int sockets)
{
	return sockets > 1 ? sockets * CONFIRMED_EACH : 0;
}

void
prediction_learn(struct prediction *s, int predicted_inode, int row)
{
	if (predicted_inode < 0 || row < 0)
		return;
	s->mistaken += predicted_inode != row;
	s->confirmed += predicted_inode == row;
}

bool
prediction_is_enough(const struct prediction *s, int sockets)
{
	return !s->mistaken && !s->steered &&
	    s->confirmed >= (uint64_t)prediction_needed(sockets);
}

/* What waits in the queues of a row; of one that is full nobody knows. */
static uint64_t
queue_of(int row, const struct listeners *s, const struct diag_sock *list,
    int count)
{
	uint64_t sum = 0;

	for (int i = 0; i < count; i++) {
		if (listeners_row(s, list[i].inode) != row)
			continue;
		if (list[i].rqueue > list[i].wqueue)
			return UINT64_MAX;
		sum += list[i].rqueue;
	}
	return sum;
}

static bool
is_queued_so(const struct tally *t, const struct listeners *s,
    const struct diag_sock *list, int count)
{
	for (int i = 0; i < t->count; i++)
		if (t->rows[i].queued > queue_of(i, s, list, count))
			return false;
	return true;
}

static uint64_t
void_predicted(struct tally *t)
{
	uint64_t all = 0;

	for (int i = 0; i < t->count; i++) {
		all += t->rows[i].predicted;
		t->rows[i].predicted = 0;
	}
	t->unattributed += all;
	return all;
}

static uint64_t
void_queued(struct tally *t)
{
	uint64_t all = 0;

	for (int i = 0; i < t->count; i++) {
		all += t->rows[i].queued;
		t->rows[i].queued = 0;
	}
	return all;
}

uint64_t
prediction_settle(const struct prediction *trust, struct tally *t,
    const struct listeners *s, const struct diag_sock *list, int count)
{
	uint64_t all = 0;

	if (prediction_is_enough(trust, s->count))
		return 0;
	if (trust->mistaken || trust->steered ||
	    !is_queued_so(t, s, list, count))
		all = void_queued(t);
	return all + void_predicted(t);
}
