#include "probe/load/reach_result.h"

#include <stdlib.h>

static void
row_fill(struct reach_row *row, const struct port_group_socket *s,
    const struct reach_count *c)
{
	*row = (struct reach_row){
		.who = {
			.name = s->name[0] ? s->name : NULL,
			.command = s->command[0] ? s->command : NULL,
			.pid = s->pid ? s->pid : -1, .worker = s->worker,
			.uid = -1,
		},
		.attempts = c->attempts, .answered = c->answered,
		.stopped = s->pid ? owner_is_stopped(s->pid) : -1,
	};
}

/* Whether a socket has answered all that is wanted of it. */
static bool
row_is_whole(const struct reach_row *row, int64_t wanted)
{
	return row->attempts >= wanted && row->answered == row->attempts;
}

/* In the order of the pids, which is the order of an rpnc's workers. */
static int
reach_row_order(const void *a, const void *b)
{
	const struct reach_row *x = a, *y = b;

	return (x->who.pid > y->who.pid) - (x->who.pid < y->who.pid);
}

void
reach_result_make(struct reach_report *r, struct reach_row *rows,
    const struct load *l, bool changed)
{
	const struct load_reach *x = &l->reach;
	/* a program by which a member leaves does not steer */
	bool leave = changed && x->guessed;

	*r = (struct reach_report){
		.to = l->plan->to_text, .missed = x->missed,
		.each = l->plan->each ? (int64_t)l->plan->each : -1,
		.how = l->tally.attempts && (x->group.count ||
		    x->how == REACH_GREETING) ? reach_names[x->how] : NULL,
		.unseen = x->unseen, .datagram = l->plan->datagram,
		.steered = x->steered && !leave,
		.reason = leave ? "members came or went" : x->why,
		.over = x->over,
		.answered = l->plan->each ? 0 : -1,
		.sockets = rows,
	};
	for (int i = 0; l->plan->each && i < x->group.count; i++) {
		row_fill(&rows[i], &x->group.at[i], &x->counts[i]);
		r->answered += row_is_whole(&rows[i], r->each);
		r->socket_count++;
	}
	qsort(rows, r->socket_count, sizeof(*rows), reach_row_order);
}

bool
reach_result_is_whole(const struct reach_report *r)
{
	return r->answered == (int64_t)r->socket_count;
}
