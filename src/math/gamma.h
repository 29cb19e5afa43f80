#ifndef MATH_GAMMA_H
#define MATH_GAMMA_H

/* x^a e^-x / Gamma(a) */
double gamma_density(double a, double x);

/* The upper regularized incomplete gamma function Q(a, x); 1 for x <= 0. */
double gamma_q(double a, double x);

#endif
