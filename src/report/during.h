#ifndef REPORT_DURING_H
#define REPORT_DURING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/field.h"
#include "report/table.h"

/*
 * The attempts while a command ran, as plain data. Times are seconds since the
 * first attempt; unknown values are NAN, -1 or NULL.
 */

enum loss_kind { LOSS_REFUSED, LOSS_RESET, LOSS_ENDED, LOSS_TIMEOUT,
	LOSS_PROXY, LOSS_TLS, LOSS_ANSWER, LOSS_OTHER, LOSSES };
extern const char *const loss_names[LOSSES];

struct probe_losses {
	uint64_t at[LOSSES];
};
void losses_add(struct probe_losses *into, const struct probe_losses *);
uint64_t losses_sum(const struct probe_losses *);

/* Counts of the attempts that were due in this interval. */
struct probe_interval {
	double at;
	uint64_t attempts, slow;
	struct probe_losses lost;
	double longest;			/* seconds, of those not lost */
};

struct probe_change {
	double at;
	const char *kind;		/* "joined" or "left" */
	const char *name, *command;
	int64_t pid;
	int64_t waiting;		/* in the queue of one that left */
};

struct probe_during {
	const char *command;		/* its words */
	double started, ended;		/* the command */
	int64_t status, signal;		/* how: one of them */
	uint64_t lost;			/* in all */
	const struct probe_losses *losses;
	uint64_t untried;		/* no port, no descriptor: our own want */
	uint64_t skipped;		/* due while we did not run */
	uint64_t unproven;		/* connected, and no process was seen */
	uint64_t slow;
	double slow_after;		/* seconds that this takes */
	double hold;			/* connected, before it sent; NAN: 0 */
	double longest_gap;		/* between two good answers */
	double longest_gap_at;
	double max_gap;			/* is allowed; NAN: any */
	double interval;		/* the width of one */
	const struct probe_interval *intervals;
	size_t interval_count;
	const struct probe_change *changes;
	size_t change_count;
	uint64_t unlisted;		/* more changes than there is room for */
};

extern const struct field during_fields[];	/* for struct probe_during */

/* Whether the longest gap is longer than is allowed. */
bool during_gap_is_over(const struct probe_during *);

/* Writes it for people; each line begins with a newline. */
void during_human(FILE *out, const struct probe_during *,
    const struct table_style *);

#endif
