#include "math/gamma.h"

#include <float.h>
#include <math.h>

/* x^a e^-x / Gamma(a) */
double
gamma_density(double a, double x)
{
	int sign;

	return exp(a * log(x) - x - lgamma_r(a, &sign));
}

/* P(a, x) by its power series (Abramowitz and Stegun 6.5.29): x < a + 1. */
static double
gamma_series(double a, double x)
{
	double term = 1 / a, sum = term;

	for (double n = a + 1; term > sum * DBL_EPSILON / 4; n++) {
		term *= x / n;
		sum += term;
	}
	return sum * gamma_density(a, x);
}

/*
 * Q(a, x) by its continued fraction (6.5.31, contracted), x >= a + 1. The
 * convergents' ratio is followed by Steed's method: d is the ratio of two
 * denominators, step what the newest convergent adds.
 */
static double
gamma_fraction(double a, double x)
{
	double b = x + 1 - a, d = 1 / b, step = d, sum = d, num;

	for (int i = 1; fabs(step) > fabs(sum) * DBL_EPSILON / 4; i++) {
		num = -i * (i - a);
		b += 2;
		d = 1 / (b + num * d);
		step *= b * d - 1;
		sum += step;
	}
	return sum * gamma_density(a, x);
}

double
gamma_q(double a, double x)
{
	if (x <= 0)
		return 1;
	if (isinf(x))
		return 0;
	return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}
