/*
 * The verdict of --compare, made in four steps. For each measure, reuseport is
 * compared with both other models round by round. Each comparison is
 * classified. The two classes give one finding. The findings of all measures
 * give the verdict.
 */
#include "ops/compare_verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double least;			/* smallest ratio that counts */
	int more_is_better;
} measures[] = {
	[VERDICT_RATE] = { "connections/s", 1.15, 1 },
	[VERDICT_CPU] = { "CPU", 1.15, 0 },
	[VERDICT_P99] = { "p99", 1.5, 0 },
	[VERDICT_STALL_P99] = { "stalling p99", 2, 0 },
};

const char *
compare_measure_name(enum compare_measure m)
{
	return measures[m].name;
}

const char *
compare_finding_name(enum compare_finding f)
{
	static const char *const names[] = {
		[VERDICT_SAME] = "same", [VERDICT_BETTER] = "better",
		[VERDICT_WORSE] = "worse", [VERDICT_UNCLEAR] = "unclear",
	};

	return names[f];
}

const char *
compare_worth_name(enum compare_worth v)
{
	static const char *const names[] = {
		[VERDICT_WORTH] = "worth-it", [VERDICT_DEPENDS] = "depends",
		[VERDICT_NOT_WORTH] = "not-worth-it",
		[VERDICT_NO_DIFFERENCE] = "no-difference",
		[VERDICT_INCONCLUSIVE] = "inconclusive",
	};

	return names[v];
}

static int
ascending(const void *a, const void *b)
{
	double l = *(const double *)a, r = *(const double *)b;

	return (l > r) - (l < r);
}

/* Copies the known values in ascending order; returns their number. */
static int
known_sorted(double *to, const double *values, int n)
{
	int known = 0;

	for (int i = 0; i < n && known < VERDICT_ROUNDS; i++)
		if (isfinite(values[i]))
			to[known++] = values[i];
	qsort(to, (size_t)known, sizeof(*to), ascending);
	return known;
}

double
compare_median(const double *values, int n)
{
	double s[VERDICT_ROUNDS] = { 0 };

	n = known_sorted(s, values, n);
	return n ? (s[(n - 1) / 2] + s[n / 2]) / 2 : NAN;
}

/*
 * A ratio is a difference if its median reaches the least one and four of five
 * rounds are on that side. It is the same if the median and four of five rounds
 * are below the least one. Anything else is unclear.
 */
static enum compare_finding
ratio_classify(const double *ratios, int n, double median, double least)
{
	int above = 0, below = 0, within = 0;

	for (int i = 0; i < n; i++) {
		above += ratios[i] > 1;
		below += ratios[i] < 1;
		within += ratios[i] < least && ratios[i] > 1 / least;
	}
	if (n < VERDICT_ROUNDS_LEAST)
		return VERDICT_UNCLEAR;
	if (median >= least)
		return above * 5 >= n * 4 ? VERDICT_BETTER : VERDICT_UNCLEAR;
	if (median <= 1 / least)
		return below * 5 >= n * 4 ? VERDICT_WORSE : VERDICT_UNCLEAR;
	return within * 5 >= n * 4 ? VERDICT_SAME : VERDICT_UNCLEAR;
}

static void
ratio_fill(struct compare_ratio_of *out, const double *own, const double *other,
    int rounds, enum compare_measure m)
{
	double ratios[VERDICT_ROUNDS], s[VERDICT_ROUNDS];
	int n;

	for (int i = 0; i < rounds; i++)
		ratios[i] = !(own[i] > 0 && other[i] > 0) ? NAN :
		    measures[m].more_is_better ? own[i] / other[i] :
		    other[i] / own[i];
	n = known_sorted(s, ratios, rounds);
	out->median = compare_median(s, n);
	out->low = n ? s[0] : NAN;
	out->high = n ? s[n - 1] : NAN;
	out->finding = ratio_classify(s, n, out->median, measures[m].least);
}

/*
 * If reuseport does not beat one of the two others, it counts as the same,
 * because a user can choose that one.
 */
static enum compare_finding
finding_join(enum compare_finding a, enum compare_finding b)
{
	if (a == b)
		return a;
	if (a == VERDICT_SAME || b == VERDICT_SAME)
		return VERDICT_SAME;
	return a == VERDICT_UNCLEAR || b == VERDICT_UNCLEAR ? VERDICT_UNCLEAR :
	    VERDICT_SAME;
}

static enum compare_worth
compare_decide(const struct compare_verdict *a)
{
	int better = 0, worse = 0, unclear = 0;

	for (int m = 0; m < VERDICT_MEASURES; m++) {
		better += a->found[m] == VERDICT_BETTER;
		worse += a->found[m] == VERDICT_WORSE;
		unclear += a->found[m] == VERDICT_UNCLEAR;
	}
	if (better && worse)
		return VERDICT_DEPENDS;
	if (unclear)
		return VERDICT_INCONCLUSIVE;
	return better ? VERDICT_WORTH : worse ? VERDICT_NOT_WORTH :
	    VERDICT_NO_DIFFERENCE;
}

void
compare_judge(struct compare_verdict *a,
    const struct compare_measured *reuseport,
    const struct compare_measured *const others[static VERDICT_OTHERS],
    int rounds, int failed)
{
	memset(a, 0, sizeof(*a));
	for (int m = 0; m < VERDICT_MEASURES; m++) {
		for (int o = 0; o < VERDICT_OTHERS; o++)
			ratio_fill(&a->ratio[m][o], reuseport->at[m],
			    others[o]->at[m], rounds, (enum compare_measure)m);
		a->found[m] = finding_join(a->ratio[m][VERDICT_SHARED].finding,
		    a->ratio[m][VERDICT_EXCLUSIVE].finding);
	}
	a->verdict = failed || rounds < VERDICT_ROUNDS_LEAST ?
	    VERDICT_INCONCLUSIVE : compare_decide(a);
}
