/*
 * The results of --compare. compare_add() keeps the figures of each model,
 * phase and round. compare_conclude() takes medians over the rounds, lets
 * compare_verdict.c judge them, and writes the result in sentences.
 */
#include "ops/compare_results.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LIST_TEXT = 200 };

const char *const compare_models[COMPARE_MODELS] = {
	"shared", "exclusive", "reuseport", "blocking", "handoff", "fork",
};

/* Good enough to compare rounds; one round is too short to report its p99. */
static double
round_p99(const struct hist *h)
{
	return h && h->count ? (double)hist_percentile(h, 99) / 1e3 : NAN;
}

/* Not for --accept fork, where each connection has a new process. */
static void
rounds_add_workers(struct compare_rounds *r, const struct tally *t)
{
	for (int i = 0; i < t->count; i++) {
		int worker = t->rows[i].worker;

		if (worker >= 0 && worker < COMPARE_WORKERS)
			r->workers[worker] += t->rows[i].count;
	}
}

void
compare_add(struct compare_results *all, int model, enum compare_phase phase,
    const struct tally *t, double seconds, double cpu)
{
	struct compare_rounds *r = &all->at[model][phase];
	uint64_t ok = t->out[OUT_OK] - t->mismatched;
	int i = all->rounds;

	r->attempts += t->attempts;
	r->failed += t->attempts - ok;
	all->failed += t->attempts - ok;
	r->rate[i] = seconds > 0 ? (double)ok / seconds : NAN;
	r->p99[i] = round_p99(t->latency[LATENCY_ECHO]);
	if (t->latency[LATENCY_ECHO])
		hist_merge(&r->latency, t->latency[LATENCY_ECHO]);
	r->cpu[i] = ok ? cpu / (double)ok * 1e6 : NAN;
	if (model != COMPARE_FORK)
		rounds_add_workers(r, t);
}

static void
figures_fill(struct compare_figures *f, const struct compare_rounds *r,
    int rounds, int workers)
{
	uint64_t sum = 0;

	*f = (struct compare_figures){
		.attempts = r->attempts, .failed = r->failed,
		.rate = compare_median(r->rate, rounds),
		.p50 = hist_quantile(&r->latency, 50) / 1e3,
		.p99 = hist_quantile(&r->latency, 99) / 1e3,
		.cpu = compare_median(r->cpu, rounds),
		.max_share = NAN,
	};
	f->too_few = quantile_too_few(&r->latency, 1u << QUANTILE_P50 |
	    1u << QUANTILE_P99, f->few);
	for (int i = 0; i < workers; i++)
		sum += r->workers[i];
	if (!sum)
		return;
	f->max_share = 0;
	for (int i = 0; i < workers; i++) {
		f->shares[f->share_count++] = (double)r->workers[i] /
		    (double)sum;
		f->max_share = fmax(f->max_share, f->shares[i]);
	}
}

static void
measured_fill(struct compare_measured *f,
    const struct compare_results *r, int model)
{
	const struct compare_rounds *busy = &r->at[model][COMPARE_BUSY];
	const struct compare_rounds *stall = &r->at[model][COMPARE_STALL];

	memset(f, 0, sizeof(*f));
	memcpy(f->at[VERDICT_RATE], busy->rate, sizeof(busy->rate));
	memcpy(f->at[VERDICT_CPU], busy->cpu, sizeof(busy->cpu));
	memcpy(f->at[VERDICT_P99], busy->p99, sizeof(busy->p99));
	memcpy(f->at[VERDICT_STALL_P99], stall->p99, sizeof(stall->p99));
}

/* " (5 to 25 times)", " (5 times)" */
static void
times_text(const double of[2], const char *how, char *text, size_t room)
{
	char low[32], high[32];

	snprintf(low, sizeof(low), "%.2g", of[0]);
	snprintf(high, sizeof(high), "%.2g", of[1]);
	if (strcmp(low, high) == 0)
		snprintf(text, room, " (%s times%s)", low, how);
	else
		snprintf(text, room, " (%s to %s times%s)", low, high, how);
}

/*
 * Adds " (5 to 25 times)": the range of factors against both other models in
 * all rounds. If a round was on the other side of 1: " (2 to 3 times in the
 * median)".
 */
static void
factor_add(const struct compare_verdict *a, int m, char *text, size_t room)
{
	bool worse = a->found[m] == VERDICT_WORSE, each = true;
	double range[2] = { INFINITY, 0 }, median[2] = { INFINITY, 0 };

	if (!worse && a->found[m] != VERDICT_BETTER)
		return;
	for (int o = 0; o < VERDICT_OTHERS; o++) {
		const struct compare_ratio_of *r = &a->ratio[m][o];
		double low = worse ? 1 / r->high : r->low;

		range[0] = fmin(range[0], low);
		range[1] = fmax(range[1], worse ? 1 / r->low : r->high);
		median[0] = fmin(median[0], worse ? 1 / r->median : r->median);
		median[1] = fmax(median[1], worse ? 1 / r->median : r->median);
		each &= low > 1;
	}
	times_text(each ? range : median, each ? "" : " in the median", text,
	    room);
}

/* The measures with this result: "CPU (1.2 times), p99 (2 to 3 times)". */
static const char *
measures_text(const struct compare_verdict *a, enum compare_finding found,
    char text[static LIST_TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	for (int m = 0; m < VERDICT_MEASURES; m++) {
		if (a->found[m] != found)
			continue;
		used += (size_t)snprintf(text + used, LIST_TEXT - used, "%s%s",
		    used ? ", " : "",
		    compare_measure_name((enum compare_measure)m));
		factor_add(a, m, text + used, LIST_TEXT - used);
		used = strlen(text);
	}
	return text;
}

/* If one measure is noisy, the findings in the others are still given. */
static void
inconclusive_text(char *out, size_t size, const struct compare_results *r,
    const char *unclear, const char *better, const char *worse)
{
	const char *firm = *better ? better : worse;

	if (r->rounds < VERDICT_ROUNDS_LEAST)
		snprintf(out, size, "INCONCLUSIVE: %d whole rounds are too few",
		    r->rounds);
	else if (r->failed)
		snprintf(out, size, "INCONCLUSIVE: attempts failed, so that "
		    "the load was not the same");
	else if (*firm)
		snprintf(out, size, "INCONCLUSIVE: the rounds differ too "
		    "much to judge %s, but SO_REUSEPORT is %s in %s; for the "
		    "rest try a longer -d, or a calmer machine", unclear,
		    *better ? "better" : "worse", firm);
	else
		snprintf(out, size, "INCONCLUSIVE: the rounds differ too "
		    "much to judge %s; try a longer -d, or a calmer machine",
		    unclear);
}

static void
advice_text(char *out, size_t size, const struct compare_verdict *a,
    const struct compare_results *r)
{
	char better[LIST_TEXT], worse[LIST_TEXT], unclear[LIST_TEXT];

	measures_text(a, VERDICT_BETTER, better);
	measures_text(a, VERDICT_WORSE, worse);
	measures_text(a, VERDICT_UNCLEAR, unclear);
	switch (a->verdict) {
	case VERDICT_WORTH:
		snprintf(out, size, "SO_REUSEPORT is worth it here: better in "
		    "%s, worse in nothing", better);
		break;
	case VERDICT_NOT_WORTH:
		snprintf(out, size, "SO_REUSEPORT is not worth it here: worse "
		    "in %s, better in nothing; share one queue", worse);
		break;
	case VERDICT_DEPENDS:
		snprintf(out, size, "It depends: SO_REUSEPORT is better in %s "
		    "and worse in %s", better, worse);
		break;
	case VERDICT_NO_DIFFERENCE:
		snprintf(out, size, "SO_REUSEPORT makes no difference here");
		break;
	case VERDICT_INCONCLUSIVE:
		inconclusive_text(out, size, r, unclear, better, worse);
		break;
	}
}

/* How evenly workers share little load: no part of the verdict. */
static void
spread_text(char *out, size_t size, const struct compare_report *r)
{
	double one = r->models[1].idle.max_share;
	double own = r->models[COMPARE_REUSEPORT].idle.max_share;

	out[0] = '\0';
	if (one >= own * 1.5)
		snprintf(out, size, "Under little load, one worker of "
		    "'exclusive' gets %.0f %% of the connections, with "
		    "SO_REUSEPORT %.0f %%: this matters if they live long",
		    one * 100, own * 100);
}

/* What --steer least gains; nothing if both were not measured. */
static void
long_text(char *out, size_t size, const struct compare_report *r)
{
	out[0] = '\0';
	if (r->long_connections.hash > 0 && r->long_connections.least > 0)
		snprintf(out, size, "Of %lld long connections, one after the "
		    "other, the busiest worker has %.2f times the mean by the "
		    "hash, %.2f with --steer least",
		    (long long)r->long_connections.connections,
		    r->long_connections.hash, r->long_connections.least);
}

static double
busiest_or_nan(double busiest)
{
	return busiest > 0 ? busiest : NAN;
}

static void
ratios_fill(struct compare_conclusion *out, const struct compare_verdict *a)
{
	struct compare_report *r = &out->report;

	r->ratio_count = 0;
	for (int m = 0; m < VERDICT_MEASURES; m++)
		for (int o = 0; o < VERDICT_OTHERS; o++) {
			const struct compare_ratio_of *q = &a->ratio[m][o];

			out->ratios[r->ratio_count++] = (struct compare_ratio){
				.measure = compare_measure_name(
				    (enum compare_measure)m),
				.against = compare_models[o],
				.median = q->median, .low = q->low,
				.high = q->high,
				.finding = compare_finding_name(q->finding),
			};
		}
}

/* The sentences that there are. */
static void
advice_fill(struct compare_conclusion *out)
{
	int n = 0;

	for (int i = 0; i < 3; i++)
		if (out->text[i][0])
			out->advice[n++] = out->text[i];
	out->advice[n] = NULL;
}

void
compare_add_long(struct compare_results *r, enum compare_long which,
    const struct tally *t, int workers)
{
	uint64_t most = 0, sum = 0;

	for (int i = 0; i < t->count; i++) {
		most = t->rows[i].count > most ? t->rows[i].count : most;
		sum += t->rows[i].count;
	}
	r->failed += t->attempts - t->out[OUT_OK];
	if (sum)
		r->busiest[which] = (double)most * workers / (double)sum;
}

void
compare_conclude(struct compare_conclusion *out, const struct compare_results
    *all)
{
	struct compare_report *r = &out->report;
	struct compare_measured own, others[VERDICT_OTHERS];
	const struct compare_measured *against[] = { &others[0], &others[1] };
	struct compare_verdict a;

	r->command = "compare";
	r->rounds = all->rounds;
	r->planned = COMPARE_ROUNDS;
	r->processors = sysconf(_SC_NPROCESSORS_ONLN);
	r->rate = all->rate > 0 ? all->rate : NAN;
	r->size = COMPARE_SIZE;
	r->seconds = all->seconds;
	r->models = out->models;
	r->model_count = COMPARE_MODELS;
	for (int i = 0; i < COMPARE_MODELS; i++) {
		struct compare_model *m = &out->models[i];
		const struct compare_rounds *at = all->at[i];
		int n = all->rounds, w = (int)r->workers;

		m->model = compare_models[i];
		figures_fill(&m->idle, &at[COMPARE_IDLE], n, w);
		figures_fill(&m->busy, &at[COMPARE_BUSY], n, w);
		figures_fill(&m->stall, &at[COMPARE_STALL], n, w);
	}
	measured_fill(&own, all, COMPARE_REUSEPORT);
	for (int o = 0; o < VERDICT_OTHERS; o++)
		measured_fill(&others[o], all, o);
	compare_judge(&a, &own, against, all->rounds, all->failed > 0);
	r->ratios = out->ratios;
	ratios_fill(out, &a);
	r->verdict = compare_worth_name(a.verdict);
	r->long_connections = (struct compare_long_figures){
		.connections = all->long_count ? (int64_t)all->long_count : -1,
		.hash = busiest_or_nan(all->busiest[LONG_HASH]),
		.least = busiest_or_nan(all->busiest[LONG_LEAST]),
	};
	advice_text(out->text[0], sizeof(out->text[0]), &a, all);
	spread_text(out->text[1], sizeof(out->text[1]), r);
	long_text(out->text[2], sizeof(out->text[2]), r);
	advice_fill(out);
	r->advice = out->advice;
}
