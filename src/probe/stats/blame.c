/*
 * How it works: sock_diag(7) tells before an attempt whom the kernel's hash will
 * choose for it. If a program chooses instead, it is not told. But then timeouts
 * fall on the predicted members by chance: of N attempts T timed out, and all m
 * of one member are among them with the probability C(N - m, T - m) / C(N, T).
 * There are n members, any of which could be that one.
 */
#include "probe/stats/blame.h"

#include <math.h>

static const double CHANCE = 1e-6;

/* The logarithm of n! */
static double
log_factorial(uint64_t n)
{
	int sign;

	return lgamma_r((double)n + 1, &sign);
}

/* The logarithm of the probability; own: m, all: N, late: T. */
static double
log_chance(uint64_t own, uint64_t all, uint64_t late)
{
	return log_factorial(all - own) - log_factorial(late - own) -
	    log_factorial(all) + log_factorial(late);
}

bool
blame_is_silent(const struct blame *b, int n, int i, enum predicted predicted)
{
	uint64_t all = 0, late = 0;

	if (predicted == PREDICTED_NOT || !b[i].due || b[i].unanswered < b[i].due)
		return false;
	if (predicted == PREDICTED_SURE)
		return true;
	for (int j = 0; j < n; j++) {
		all += b[j].due;
		late += b[j].unanswered;
	}
	return log_chance(b[i].due, all, late) + log(n) < log(CHANCE);
}
