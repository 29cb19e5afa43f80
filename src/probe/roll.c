#include "probe/roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_member(const struct roll *r, int i)
{
	return board_is_member(r->board, i);
}

int
roll_open(struct roll *r, bool datagram, uint16_t port)
{
	int members = 0;

	memset(r, 0, sizeof(*r));
	r->board = port ? board_look(datagram, port) : NULL;
	if (!r->board)
		return -1;
	r->serial = board_shared(r->board)->steering.serial;
	for (int i = 0; i < BOARD_SLOTS; i++)
		members += is_member(r, i);
	return members;
}

void
roll_close(struct roll *r)
{
	if (r->board)
		board_close(r->board);
	r->board = NULL;
}

/* "A/2" is A's worker 2. */
static void
name_fill(struct row *row, const struct slot *s)
{
	char name[BOARD_NAME], *slash = strchr(slot_name(s, name), '/');

	if (slash) {
		row->worker = atoi(slash + 1);
		*slash = '\0';
	}
	snprintf(row->name, sizeof(row->name), "%s", name);
}

void
roll_name(struct roll *r, struct tally *t)
{
	for (int i = 0; r->board && i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(r->board, i);
		int row = s->kind == SLOT_MEMBER ?
		    tally_process_find(t, s->pid) : -1;

		if (row >= 0 && !t->rows[row].name[0])
			name_fill(&t->rows[row], s);
	}
}

void
roll_begin(struct roll *r, struct tally *t)
{
	r->counts = true;
	for (int i = 0; r->board && i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(r->board, i);

		if (!is_member(r, i))
			continue;
		r->order[i] = s->order;
		r->before[i] = s->counters.accepted;
		r->row[i] = tally_process(t, s->pid);
		if (r->row[i] < 0)
			continue;
		name_fill(&t->rows[r->row[i]], s);
		t->rows[r->row[i]].weight = 1;
	}
}

/* A slot that is another's by now tells nothing of the one before. */
static uint64_t
since(const struct roll *r, int i)
{
	const struct slot *s = board_slot(r->board, i);

	if (!r->order[i] || s->order != r->order[i])
		return 0;
	return s->counters.accepted - r->before[i];
}

uint64_t
roll_sum(const struct roll *r)
{
	uint64_t sum = 0;

	for (int i = 0; i < BOARD_SLOTS; i++)
		sum += since(r, i);
	return sum;
}

bool
roll_end(struct roll *r, struct tally *t)
{
	uint64_t sum = roll_sum(r), ok = t->out[OUT_OK];
	bool changed = false;

	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = board_slot(r->board, i);

		changed |= is_member(r, i) ? s->order != r->order[i] :
		    r->order[i] != 0;
		if (r->order[i] && r->row[i] >= 0)
			t->rows[r->row[i]].count = since(r, i);
	}
	t->unattributed = sum < ok ? ok - sum : 0;
	return changed;
}
