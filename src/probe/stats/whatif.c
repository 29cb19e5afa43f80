/*
 * How it works: a hash u, uniform in [0, 1), chooses socket floor(u n) of n
 * (net/core/sock_reuseport.c, reciprocal_scale()). A socket that joins gets the
 * last index. When a socket leaves, the last one takes its index.
 *
 *	joins			of the flows at index i of n, (n - i) / (n + 1)
 *				stay: half of all flows
 *	the last one leaves	the same half stays
 *	an earlier one leaves	its own part of that half moves, too. If it was
 *				just below the last one, flows of the last one
 *				stay with it
 *
 * The index of a leaver can't be seen, so the answer is a range from the best
 * index to the worst. Its own flows are known, and move in any case.
 */
#include "probe/stats/whatif.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

#define Z_99 2.5758293035489	/* sigmas that hold 99 % of a normal */

double
whatif_fraction(int n, int index)
{
	double all = n, at = index;

	if (index >= n - 1)
		return 0.5;
	return 0.5 + (all - 1 - at) / (all * (all - 1)) -
	    (index == n - 2 ? 1 / all : 0);
}

int
whatif_check(const char *change)
{
	const char *worker = strchr(change, '/');
	int64_t number;

	if (strcmp(change, "+1") == 0 || strcmp(change, "-1") == 0)
		return 0;
	if (strchr("+-/", *change) ||
	    (worker && num_parse(worker + 1, 0, INT32_MAX, &number) < 0))
		return fail_as(STATUS_USAGE, "%.40s: want +1, -1, a name "
		    "such as B or A/2, or a pid", change);
	return 0;
}

static const struct row *
whatif_find(const struct tally *t, const char *who)
{
	size_t base = strcspn(who, "/");
	int64_t number, worker = -1;
	const struct row *found = NULL;

	if (num_parse(who, 1, INT32_MAX, &number) == 0) {
		int i = tally_process_find(t, (pid_t)number);

		return i < 0 ? NULL : &t->rows[i];
	}
	if (who[base] && num_parse(who + base + 1, 0, INT32_MAX, &worker) < 0)
		return NULL;
	for (int i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (strlen(r->name) != base ||
		    memcmp(r->name, who, base) != 0 ||
		    (who[base] && r->worker != worker))
			continue;
		if (found)
			return NULL;	/* workers of one name */
		found = r;
	}
	return found;
}

/* The flows of the leaver move, and a part of the others in this range. */
static void
whatif_leave(struct probe_what_if *w, uint64_t own)
{
	double rest = (double)(w->flows - own), n = (double)w->sockets;
	double least = 1, most = 0, q, low, high;

	for (int i = 0; i < w->sockets; i++) {
		q = (whatif_fraction((int)w->sockets, i) - 1 / n) /
		    (1 - 1 / n);
		least = fmin(least, q);
		most = fmax(most, q);
	}
	least = fmax(least, 0);
	low = rest * least - Z_99 * sqrt(rest * least * (1 - least));
	high = rest * most + Z_99 * sqrt(rest * most * (1 - most));
	w->low = (double)own + fmax(floor(low), 0);
	w->high = (double)own + fmin(ceil(high), rest);
	w->moved = NAN;
	w->fraction = NAN;
	if (w->flows)
		w->ideal = (double)own / (double)w->flows;
}

/* Every flow moves with the same probability. */
static void
whatif_change_last(struct probe_what_if *w)
{
	double flows = (double)w->flows, spread;

	w->fraction = whatif_fraction((int)w->sockets, (int)w->sockets);
	w->moved = flows * w->fraction;
	spread = Z_99 * sqrt(w->moved * (1 - w->fraction));
	w->low = fmax(floor(w->moved - spread), 0);
	w->high = fmin(ceil(w->moved + spread), flows);
}

int
whatif_make(struct probe_what_if *out, const struct tally *t,
    const char *change)
{
	bool joins = strcmp(change, "+1") == 0, last = strcmp(change, "-1") ==
	    0;
	const struct row *who = joins || last ? NULL : whatif_find(t, change);
	double sockets = 0;

	*out = (struct probe_what_if){ .change = change };
	for (int i = 0; i < t->count; i++) {
		sockets += t->rows[i].weight;
		out->flows += t->rows[i].count + t->rows[i].predicted;
	}
	out->sockets = llround(sockets);
	if (!joins && !last && !who)
		return fail_as(STATUS_USAGE, "no one member here is %.40s",
		    change);
	if (out->sockets < (joins ? 1 : 2))
		return fail_as(STATUS_USAGE, "nobody would be left");
	if (who && fabs(who->weight - 1) > 1e-9)
		return fail_as(STATUS_USAGE, "%.40s has not one socket of "
		    "its own, so this is not known", change);
	out->ideal = joins ? 1 / (sockets + 1) : 1 / sockets;
	if (who)
		whatif_leave(out, who->count + who->predicted);
	else
		whatif_change_last(out);
	return 0;
}
