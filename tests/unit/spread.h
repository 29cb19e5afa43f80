#ifndef SPREAD_H
#define SPREAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Connections as a hash deals them out, repeatable by the seed. */

/* splitmix64: not the generator under test. */
static inline uint64_t
rnd(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Spreads n connections by weights; NULL: equal ones. */
static inline void
spread(uint64_t *counts, const double *weights, int k, int n, uint64_t *s)
{
	double total = 0, at;
	int i;

	memset(counts, 0, (size_t)k * sizeof *counts);
	for (i = 0; weights && i < k; i++)
		total += weights[i];
	while (n--) {
		if (!weights) {
			counts[rnd(s) % (uint64_t)k]++;
			continue;
		}
		at = (double)(rnd(s) >> 11) * 0x1p-53 * total;
		for (i = 0; i < k - 1 && at >= weights[i]; i++)
			at -= weights[i];
		counts[i]++;
	}
}

#endif
