#include "group/steer/least.h"

#include <stdbool.h>

/* Marks the members that may get connections: 1, the others 0. */
static void
mark_able(const uint32_t *queued, const uint32_t *weight, uint32_t *able, int n)
{
	bool any = false;

	for (int i = 0; i < n; i++) {
		able[i] = weight[i] && !queued[i];
		any |= able[i] != 0;
	}
	for (int i = 0; !any && i < n; i++)
		able[i] = weight[i] != 0;
}

static bool
has_known_open(const uint64_t *open, const uint32_t *able, int i)
{
	return able[i] && open[i] != LEAST_UNKNOWN;
}

/* The mean, rounded down, of the known numbers; *known: how many these are. */
static uint64_t
mean_open(const uint64_t *open, const uint32_t *able, int n, uint32_t *known)
{
	uint64_t sum = 0;

	*known = 0;
	for (int i = 0; i < n; i++)
		if (has_known_open(open, able, i)) {
			sum += open[i];
			++*known;
		}
	return *known ? sum / *known : 0;
}

/* The most connections that a member may have and still get the next. */
static uint64_t
most_open(const uint64_t *open, const uint32_t *able, int n, uint64_t mean)
{
	uint64_t most = UINT64_MAX;

	for (int i = 0; i < n; i++)
		if (has_known_open(open, able, i) && open[i] < most)
			most = open[i];
	return most < mean ? most + 1 : most;
}

int
least_choose(const uint64_t *open, const uint32_t *queued,
    const uint32_t *weight, uint32_t *share, int n)
{
	uint32_t known, chosen = 0, unknown = 0;
	uint64_t most;

	mark_able(queued, weight, share, n);
	most = mean_open(open, share, n, &known);
	most = most_open(open, share, n, most);
	for (int i = 0; i < n; i++) {
		unknown += share[i] && !has_known_open(open, share, i);
		if (has_known_open(open, share, i))
			chosen += share[i] = open[i] <= most;
	}
	for (int i = 0; i < n && known && unknown; i++)
		share[i] *= open[i] == LEAST_UNKNOWN ? chosen : known;
	return (int)(chosen + unknown);
}

/* Until what was spent is earned back; a value from another clock is void. */
static uint32_t
debt_ms(uint32_t spent, uint32_t now)
{
	uint32_t debt = spent - now;

	return debt > LEAST_BURST * LEAST_MS ? 0 : debt;
}

uint32_t
least_wait(uint32_t spent, uint32_t now)
{
	uint32_t debt = debt_ms(spent, now);

	return debt > (LEAST_BURST - 1) * LEAST_MS ?
	    debt - (LEAST_BURST - 1) * LEAST_MS : 0;
}

uint32_t
least_spend(uint32_t spent, uint32_t now)
{
	return now + debt_ms(spent, now) + LEAST_MS;
}
