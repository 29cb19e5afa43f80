#ifndef MATH_MULTINOMIAL_H
#define MATH_MULTINOMIAL_H

#include <stdint.h>

/* Counts as a fair hash would deal n connections to k members, by chance. */
struct multinomial;

/* Weights are of any scale, NULL: equal ones. Returns NULL without memory. */
struct multinomial *multinomial_new(const double *weights, int k, uint64_t n);
void multinomial_free(struct multinomial *);

/* The same sequence each time. The k counts are valid until the next draw. */
const int *multinomial_draw(struct multinomial *);

/* About how many random numbers and additions a draw takes: 3 ns each. */
double multinomial_cost(int k, uint64_t n);

#endif
