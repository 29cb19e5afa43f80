/*
 * How it works: an attempt may end long after its answer, so that answers are
 * added out of order. The latest ones are kept. When there is no room, they are
 * sorted, and the gaps in their first half are judged and forgotten.
 */
#include "probe/stats/gap.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static int
time_order(const void *a, const void *b)
{
	int64_t l = *(const int64_t *)a, r = *(const int64_t *)b;

	return l < r ? -1 : l > r;
}

static void
gap_judge(struct gap *g, int64_t answer)
{
	int64_t gap = answer - g->last;

	if (gap <= 0)
		return;
	if (gap > g->longest) {
		g->longest = gap;
		g->from = g->last;
	}
	g->last = answer;
}

/* Judges the first n of the answers that are kept, and forgets them. */
static void
gap_fold(struct gap *g, size_t n)
{
	qsort(g->kept, g->count, sizeof(*g->kept), time_order);
	for (size_t i = 0; i < n; i++)
		gap_judge(g, g->kept[i]);
	g->count -= n;
	memmove(g->kept, g->kept + n, g->count * sizeof(*g->kept));
}

int
gap_begin(struct gap *g, int64_t now)
{
	*g = (struct gap){ .last = now };
	g->kept = malloc(GAP_KEPT * sizeof(*g->kept));
	return g->kept ? 0 : fail("report");
}

void
gap_add(struct gap *g, int64_t when)
{
	if (g->count == GAP_KEPT)
		gap_fold(g, GAP_KEPT / 2);
	g->kept[g->count++] = when;
}

void
gap_restart(struct gap *g, int64_t now)
{
	gap_fold(g, g->count);
	g->last = now;
}

void
gap_end(struct gap *g, int64_t until)
{
	gap_fold(g, g->count);
	gap_judge(g, until);
}

void
gap_free(struct gap *g)
{
	free(g->kept);
	g->kept = NULL;
}
