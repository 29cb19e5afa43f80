/*
 * When attempts are due. In a closed loop the next attempt is due at once, or
 * after --pause. An open one (--rate) is due at fixed times, whatever the other
 * attempts do.
 *
 * In an open loop an attempt may be late because all of -c are in flight. That
 * is the server's doing, and its latency counts from when it was due. It may
 * also be late because rpnc was stopped, or had no processor. That is not the
 * server's doing. With SKIP_ABSENT the load therefore runs at least every 20
 * ms: a longer gap shows that rpnc did not run. Attempts due in the gap are
 * skipped, and those in flight then have no latency.
 *
 * Skipping moves due times: attempts from number cut_at on are due later by
 * cut, all of them later by shift. Adjacent gaps are merged into one cut.
 */
#include "probe/load/schedule.h"

#include <math.h>

#include "base/clock.h"

enum { LATE_NS = 100 * 1000 * 1000 };	/* only what is later is skipped */

void
schedule_start(struct schedule *s, const struct plan *plan, int64_t now)
{
	*s = (struct schedule){ .plan = plan, .scouting = true };
	s->started = s->first = s->ran = now;
}

void
schedule_settle(struct schedule *s, int64_t since)
{
	s->scouting = false;
	s->first = s->started = since;
}

int64_t
schedule_due(const struct schedule *s)
{
	if (s->scouting)
		return s->retry_at;
	if (!s->plan->rate)
		return s->rested;
	return s->first + s->shift + (s->begun < s->cut_at ? 0 : s->cut) +
	    (int64_t)((double)s->begun * 1e9 / s->plan->rate);
}

bool
schedule_has_more(const struct schedule *s)
{
	const struct plan *plan = s->plan;
	int64_t end;

	if (s->stopping || (plan->count && s->begun >= plan->count))
		return false;
	if (s->scouting || !plan->duration)
		return true;
	end = s->started + plan->duration * 1000;
	return clock_ns() < end && schedule_due(s) < end;
}

/* The number of the first attempt that is due at that time or later. */
static uint64_t
schedule_number(const struct schedule *s, int64_t when)
{
	double n = ceil((double)(when - s->first - s->shift - s->cut) *
	    s->plan->rate / 1e9);

	return n > (double)s->begun ? (uint64_t)n : s->begun;
}

/*
 * Skips the attempts that are due in [from, to). Earlier ones that have not
 * begun yet still start.
 */
static void
schedule_cut(struct schedule *s, int64_t from, int64_t to)
{
	uint64_t next, count;

	if (s->begun >= s->cut_at) {
		s->shift += s->cut;
		s->cut = 0;
	}
	next = schedule_number(s, from);
	count = schedule_number(s, to) - next;
	if (!s->cut)
		s->cut_at = next;
	s->cut += (int64_t)((double)count * 1e9 / s->plan->rate);
	s->skipped += count;
}

void
schedule_skip(struct schedule *s)
{
	enum skip what = s->plan->skip;
	int64_t now = clock_ns();
	int64_t from = what == SKIP_LATE ? schedule_due(s) : s->ran;

	s->ran = now;
	if (!what || s->plan->rate <= 0 || s->scouting || now - from < LATE_NS)
		return;
	if (what == SKIP_ABSENT) {
		s->torn = s->begun;
		s->resumed = now;
	}
	if (schedule_has_more(s))
		schedule_cut(s, from, now);
}
