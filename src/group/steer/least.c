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

/* The mean, rounded down, of the known numbers. */
static uint64_t
mean_open(const uint64_t *open, const uint32_t *able, int n)
{
	uint64_t sum = 0, known = 0;

	for (int i = 0; i < n; i++)
		if (able[i] && open[i] != LEAST_UNKNOWN) {
			sum += open[i];
			known++;
		}
	return known ? sum / known : 0;
}

static uint64_t
known_open(uint64_t open, uint64_t mean)
{
	return open == LEAST_UNKNOWN ? mean : open;
}

int
least_choose(const uint64_t *open, const uint32_t *queued,
    const uint32_t *weight, uint32_t *share, int n)
{
	uint64_t mean, most = UINT64_MAX;
	int chosen = 0;

	mark_able(queued, weight, share, n);
	mean = mean_open(open, share, n);
	for (int i = 0; i < n; i++)
		if (share[i] && known_open(open[i], mean) < most)
			most = known_open(open[i], mean);
	if (most < mean)
		most++;
	for (int i = 0; i < n; i++) {
		share[i] = share[i] && known_open(open[i], mean) <= most;
		chosen += share[i] != 0;
	}
	return chosen;
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
