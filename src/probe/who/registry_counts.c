/*
 * The counts that members keep in the registry (--by registry). A row follows
 * each slot that has, or had, a member. `order` tells one member of a slot from
 * the next.
 *
 *	a slot's member		its row
 *	comes			counts what it accepts from then on; weight 1
 *	stays			count = base + accepted - before
 *	leaves			keeps its last count; weight 0
 *	is another one now	that one gets a row of its own
 */
#include "probe/who/registry_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group/steer/reconcile.h"
#include "probe/who/listeners.h"

int
registry_counts_open(struct registry_counts *r, bool datagram, uint16_t port)
{
	int members = 0;

	memset(r, 0, sizeof(*r));
	r->registry = port ? registry_open_existing(datagram, port) : NULL;
	if (!r->registry)
		return -1;
	r->serial = registry_shared(r->registry)->steering.serial;
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		members += registry_is_member(r->registry, i);
	return members;
}

void
registry_counts_close(struct registry_counts *r)
{
	if (r->registry)
		registry_close(r->registry);
	r->registry = NULL;
}

static bool
row_is_on_registry(const struct registry_counts *r, const struct row *row)
{
	for (int i = 0; row->pid > 0 && !row->gone && i < REGISTRY_SLOTS; i++)
		if (slot_pid(registry_slot(r->registry, i)) == row->pid &&
		    registry_is_member(r->registry, i))
			return true;
	return false;
}

bool
registry_counts_has(const struct registry_counts *r, const struct tally *t)
{
	for (int i = 0; r->registry && i < t->count; i++)
		if (row_is_on_registry(r, &t->rows[i]))
			return true;
	return false;
}

bool
registry_counts_is_full(const struct registry_counts *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (registry_is_member(r->registry, i) &&
		    registry_slot(r->registry, i)->state == STATE_FULL)
			return true;
	return false;
}

void
registry_counts_steering(const struct registry_counts *r, char *text,
    size_t room)
{
	const struct steering *s = &registry_shared(r->registry)->steering;
	char name[REGISTRY_NAME] = "", how[MODE_TEXT];

	for (int i = 0; s->process && i < REGISTRY_SLOTS; i++)
		if (registry_is_member(r->registry, i) &&
		    registry_slot(r->registry, i)->process == s->process)
			slot_name(registry_slot(r->registry, i), name);
	snprintf(text, room, "steered%s%s: %s", *name ? " by " : "", name,
	    mode_text(s, how));
}

/* "A/2" is A's worker 2. */
static void
row_name_fill(struct row *row, const struct slot *s)
{
	char name[REGISTRY_NAME], *slash = strchr(slot_name(s, name), '/');

	if (slash) {
		row->worker = atoi(slash + 1);
		*slash = '\0';
	}
	snprintf(row->name, sizeof(row->name), "%s", name);
}

void
registry_counts_name(struct registry_counts *r, struct tally *t)
{
	for (int i = 0; r->registry && i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r->registry, i);
		int row = s->kind == SLOT_MEMBER && slot_pid(s) ?
		    tally_process_find(t, slot_pid(s)) : -1;

		if (row >= 0 && (!t->rows[row].name[0] || s->name_taken_by))
			row_name_fill(&t->rows[row], s);
	}
}

/* In another PID namespace, a member is known by its name only. */
static int
slot_row(struct tally *t, const struct slot *s)
{
	struct row like = { .command = "rpnc", .worker = -1 };

	if (slot_pid(s))
		return tally_process(t, slot_pid(s));
	row_name_fill(&like, s);
	return tally_hidden(t, &like);
}

/* A slot has a new member; `before` is what it accepted before it counts. */
static void
slot_enter(struct registry_counts *r, struct tally *t, int i, uint64_t before)
{
	const struct slot *s = registry_slot(r->registry, i);
	int row = slot_row(t, s);

	r->order[i] = s->order;
	r->here[i] = true;
	r->before[i] = before;
	r->row[i] = row;
	if (row < 0)
		return;
	r->base[i] = t->rows[row].count;
	row_name_fill(&t->rows[row], s);
	t->rows[row].weight = 1;
}

void
registry_counts_begin(struct registry_counts *r, struct tally *t)
{
	r->counts = true;
	for (int i = 0; r->registry && i < REGISTRY_SLOTS; i++)
		if (registry_is_member(r->registry, i))
			slot_enter(r, t, i, registry_slot(r->registry, i)->
			    counters.accepted);
}

/* Once another member has the slot, the earlier one's count is lost. */
static void
slot_count(const struct registry_counts *r, struct tally *t, int i)
{
	const struct slot *s = registry_slot(r->registry, i);

	if (!r->order[i] || s->order != r->order[i] || r->row[i] < 0)
		return;
	t->rows[r->row[i]].count = r->base[i] + s->counters.accepted -
	    r->before[i];
	if (s->name_taken_by)	/* D is D.old now */
		row_name_fill(&t->rows[r->row[i]], s);
}

static void
slot_follow(struct registry_counts *r, struct tally *t, int i)
{
	const struct slot *s = registry_slot(r->registry, i);
	bool here = registry_is_member(r->registry, i);
	bool same = r->order[i] && s->order == r->order[i];

	slot_count(r, t, i);
	if (here == r->here[i] && (!here || same))
		return;
	r->changed = true;
	if (r->here[i] && r->row[i] >= 0)
		t->rows[r->row[i]].weight = 0;
	r->here[i] = here && same;
	if (here && !same)
		slot_enter(r, t, i, 0);
	else if (here && r->row[i] >= 0)
		t->rows[r->row[i]].weight = 1;
	slot_count(r, t, i);
}

uint64_t
registry_counts_follow(struct registry_counts *r, struct tally *t)
{
	uint64_t sum = 0;

	/* renamed members first: the new one may be known by its name only */
	for (int i = 0; r->registry && i < REGISTRY_SLOTS; i++)
		slot_count(r, t, i);
	for (int i = 0; r->registry && i < REGISTRY_SLOTS; i++)
		slot_follow(r, t, i);
	for (int i = 0; i < t->count; i++)
		sum += t->rows[i].count;
	return sum;
}

void
registry_counts_forget(struct registry_counts *r, int row)
{
	for (int i = 0; r->counts && i < REGISTRY_SLOTS; i++)
		if (r->order[i] && !r->here[i] && r->row[i] == row)
			r->row[i] = -1;
}

bool
registry_counts_end(struct registry_counts *r, struct tally *t)
{
	uint64_t sum = registry_counts_follow(r, t), ok = t->out[OUT_OK];

	/* the queue of a datagram socket is bytes, not clients */
	rows_ask(t, -1);
	t->unattributed = sum < ok ? ok - sum : 0;
	return r->changed;
}
