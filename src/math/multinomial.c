/*
 * How it works. To deal n connections one by one takes n random numbers. If
 * instead each member gets a Poisson number with the mean of its share, and
 * these add up to t, they are distributed exactly like t connections dealt one
 * by one. So most of the n are dealt at once, with one random number a member;
 * the total mean is so far below n that t rarely exceeds n (if it does, draw
 * again). The remaining n - t are dealt one by one.
 */
#include "math/multinomial.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE 2		/* standard deviations that t stays below n */

/* A column of an alias table. */
struct column {
	uint64_t cut;		/* out of 2^32; below it: the column itself */
	int alias;
};

/* A die whose sides have given chances: first, first + 1, ... */
struct die {
	struct column *columns;
	int sides, first;
	bool borrowed;		/* another die's columns */
};

struct multinomial {
	uint64_t state[4], n;
	int k;
	int *counts;
	struct die member;	/* the member that gets one connection */
	struct die *shares;	/* how many a member gets at once; NULL */
};

/* xoshiro256**, Blackman and Vigna, https://prng.di.unimi.it/ */
static uint64_t
random_next(uint64_t s[4])
{
	uint64_t x = s[1] * 5, shifted = s[1] << 17;

	x = (x << 7 | x >> 57) * 9;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = s[3] << 45 | s[3] >> 19;
	return x;
}

/*
 * Walker's alias table: every column holds 1/sides of the mass, its own side's
 * first and above the cut one other's. While it is made, alias links the
 * columns that lack mass and those that have too much. mass is used up.
 */
static void
die_fill(struct die *d, double *mass)
{
	struct column *c = d->columns;
	int list[2] = {-1, -1}, poor, rich;
	double sum = 0;
	bool has;

	for (int i = 0; i < d->sides; i++)
		sum += mass[i];
	for (int i = 0; i < d->sides; i++) {
		mass[i] *= d->sides / sum;
		c[i].cut = UINT64_C(1) << 32;
		has = mass[i] >= 1;
		c[i].alias = list[has];
		list[has] = i;
	}
	while (list[0] >= 0 && list[1] >= 0) {
		poor = list[0];
		rich = list[1];
		list[0] = c[poor].alias;
		c[poor].cut = (uint64_t)(mass[poor] * 0x1p32);
		c[poor].alias = rich;
		mass[rich] -= 1 - mass[poor];
		if (mass[rich] < 1) {
			list[1] = c[rich].alias;
			c[rich].alias = list[0];
			list[0] = rich;
		}
	}
}

/* chance(side, arg) need not add up to 1. */
static int
die_make(struct die *d, int first, int sides,
    double (*chance)(int, const void *), const void *arg)
{
	double *mass = calloc((size_t)sides, sizeof(*mass));

	*d = (struct die){ .first = first, .sides = sides };
	d->columns = calloc((size_t)sides, sizeof(*d->columns));
	for (int i = 0; mass && i < sides; i++)
		mass[i] = chance(first + i, arg);
	if (mass && d->columns)
		die_fill(d, mass);
	free(mass);
	return mass && d->columns ? 0 : -1;
}

static int
die_roll(const struct die *d, uint64_t state[4])
{
	uint64_t r = random_next(state);
	uint64_t column = (r >> 32) * (uint64_t)d->sides >> 32;

	if ((uint32_t)r >= d->columns[column].cut)
		return d->first + d->columns[column].alias;
	return d->first + (int)column;
}

static double
weight_of(int i, const void *weights)
{
	return weights ? ((const double *)weights)[i] : 1;
}

static double
poisson_chance(int x, const void *mean)
{
	double m = *(const double *)mean;
	int sign;

	if (!(m > 0))
		return x == 0;
	return exp(x * log(m) - m - lgamma_r(x + 1.0, &sign));
}

/* Beyond 12 standard deviations there is less than 1e-20. */
static int
die_make_poisson(struct die *d, double mean)
{
	double reach = 12 * sqrt(mean);
	int first = mean > reach ? (int)(mean - reach) : 0;

	return die_make(d, first, (int)(mean + reach) + 40 - first,
	    poisson_chance, &mean);
}

static double
mean_at_once(uint64_t n)
{
	return (double)n - RESERVE * sqrt((double)n);
}

static bool
table_pays(int k, uint64_t n)
{
	return mean_at_once(n) > 2 * k;
}

double
multinomial_cost(int k, uint64_t n)
{
	return table_pays(k, n) ? 2 * k + RESERVE * sqrt((double)n) :
	    k + (double)n;
}

/* Members of equal weight that follow each other share a table. */
static int
shares_make(struct multinomial *m, const double *weights)
{
	double total = 0;

	m->shares = calloc((size_t)m->k, sizeof(*m->shares));
	if (!m->shares)
		return -1;
	for (int i = 0; i < m->k; i++)
		total += weight_of(i, weights);
	for (int i = 0; i < m->k; i++) {
		double w = weight_of(i, weights);

		if (i && w == weight_of(i - 1, weights)) {
			m->shares[i] = m->shares[i - 1];
			m->shares[i].borrowed = true;
		} else if (die_make_poisson(&m->shares[i],
		    w / total * mean_at_once(m->n)) < 0) {
			return -1;
		}
	}
	return 0;
}

struct multinomial *
multinomial_new(const double *weights, int k, uint64_t n)
{
	static const uint64_t pi[] = {0x243f6a8885a308d3, 0x13198a2e03707344,
	    0xa4093822299f31d0, 0x082efa98ec4e6c89};
	struct multinomial *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->k = k;
	m->n = n;
	memcpy(m->state, pi, sizeof(pi));
	m->counts = calloc((size_t)k, sizeof(*m->counts));
	if (m->counts && die_make(&m->member, 0, k, weight_of, weights) == 0 &&
	    (!table_pays(k, n) || shares_make(m, weights) == 0))
		return m;
	multinomial_free(m);
	return NULL;
}

void
multinomial_free(struct multinomial *m)
{
	for (int i = 0; m && m->shares && i < m->k; i++)
		if (!m->shares[i].borrowed)
			free(m->shares[i].columns);
	if (m) {
		free(m->shares);
		free(m->member.columns);
		free(m->counts);
	}
	free(m);
}

/* Deals most of them at once. Returns how many; more than n: draw again. */
static uint64_t
draw_at_once(struct multinomial *m)
{
	uint64_t sum = 0;

	for (int i = 0; i < m->k; i++) {
		m->counts[i] = die_roll(&m->shares[i], m->state);
		sum += (uint64_t)m->counts[i];
	}
	return sum;
}

const int *
multinomial_draw(struct multinomial *m)
{
	uint64_t dealt = 0;

	if (m->shares)
		do
			dealt = draw_at_once(m);
		while (dealt > m->n);
	else
		memset(m->counts, 0, (size_t)m->k * sizeof(*m->counts));
	for (; dealt < m->n; dealt++)
		m->counts[die_roll(&m->member, m->state)]++;
	return m->counts;
}
