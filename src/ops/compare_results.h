#ifndef OPS_COMPARE_RESULTS_H
#define OPS_COMPARE_RESULTS_H

#include "ops/compare_verdict.h"
#include "probe/stats/tally.h"
#include "report/compare.h"

/* The results of probe --compare, and the conclusions from them. */

enum compare_phase {
	COMPARE_IDLE, COMPARE_BUSY, COMPARE_STALL, COMPARE_PHASES,
};
enum {
	COMPARE_MODELS = 6, COMPARE_REUSEPORT = 2, COMPARE_FORK = 5,
	COMPARE_ROUNDS = 5,
	COMPARE_WORKERS = 32,
	COMPARE_SIZE = 64,		/* bytes of a request */
};
/* After the rounds: long connections, by the hash and by --steer least. */
enum compare_long { LONG_HASH, LONG_LEAST, LONGS };
extern const char *const compare_models[COMPARE_MODELS];

/* The rounds of one model in one phase. */
struct compare_rounds {
	double rate[COMPARE_ROUNDS];
	double p99[COMPARE_ROUNDS], cpu[COMPARE_ROUNDS];
	uint64_t attempts, failed, workers[COMPARE_WORKERS];
	struct hist latency;		/* all rounds together */
};

struct compare_results {
	int rounds;			/* complete rounds */
	uint64_t failed;
	double rate;			/* the open loop's; 0: not known yet */
	double seconds;
	uint64_t long_count;
	double busiest[LONGS];		/* to the mean; 0: not measured */
	struct compare_rounds at[COMPARE_MODELS][COMPARE_PHASES];
};

/* Adds the figures of a phase; cpu: the server's, in seconds. */
void compare_add(struct compare_results *, int model, enum compare_phase,
    const struct tally *, double seconds, double cpu);

/* Adds the long connections of a run: how many each of the workers has. */
void compare_add_long(struct compare_results *, enum compare_long,
    const struct tally *, int workers);

enum { COMPARE_RATIOS = VERDICT_MEASURES * VERDICT_OTHERS };
struct compare_conclusion {
	struct compare_report report;
	struct compare_model models[COMPARE_MODELS];
	struct compare_ratio ratios[COMPARE_RATIOS];
	char text[3][600];
	const char *advice[4];
};

/* Fills in the report from the results; the caller has set the workers. */
void compare_conclude(struct compare_conclusion *,
    const struct compare_results *);

#endif
