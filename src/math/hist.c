/*
 * Histograms of latencies. A value of b bits is shifted right until 8 bits are
 * left, the first of which is 1. The other seven choose one of 128 buckets in
 * the row of that shift. Row 0 has twice as many buckets, because values below
 * 128 are their own index. The buckets decide; min, max and sum only refine
 * them.
 */
#include "math/hist.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* Facts that follow from the buckets alone. */
struct extent {
	uint64_t count;
	unsigned first, last;
	wide sum_low, sum_high;
};

static unsigned
bucket_of(uint64_t value)
{
	unsigned shift;

	shift = 63 - HIST_BITS -
	    (unsigned)__builtin_clzll(value | UINT64_C(1) << HIST_BITS);
	return (shift << HIST_BITS) + (unsigned)(value >> shift);
}

static unsigned
bucket_shift(unsigned index)
{
	return index >> HIST_BITS ? (index >> HIST_BITS) - 1 : 0;
}

static uint64_t
bucket_low(unsigned index)
{
	unsigned shift = bucket_shift(index);

	return (uint64_t)(index - (shift << HIST_BITS)) << shift;
}

static uint64_t
bucket_high(unsigned index)
{
	return bucket_low(index) + (UINT64_C(1) << bucket_shift(index)) - 1;
}

static void
hist_inspect(const struct hist *h, struct extent *e)
{
	uint64_t n;

	memset(e, 0, sizeof *e);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!(n = h->buckets[i]))
			continue;
		if (!e->count)
			e->first = i;
		e->last = i;
		e->count += n;
		e->sum_low += (wide)n * bucket_low(i);
		e->sum_high += (wide)n * bucket_high(i);
	}
}

static uint64_t
clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/*
 * If a writer is in the middle of an addition, or died there, the fields
 * disagree by one sample: limits them to what the buckets allow.
 */
static void
hist_settle(struct hist *h)
{
	struct extent e;

	hist_inspect(h, &e);
	h->count = e.count;
	if (!e.count) {
		h->min = h->max = h->sum = 0;
		return;
	}
	h->min = clamp(h->min, bucket_low(e.first), bucket_high(e.first));
	h->max = clamp(h->max, bucket_low(e.last), bucket_high(e.last));
	h->sum = clamp(h->sum, (uint64_t)e.sum_low, e.sum_high > UINT64_MAX ?
	    UINT64_MAX : (uint64_t)e.sum_high);
}

static bool
bucket_has(uint64_t value, unsigned index)
{
	return value >= bucket_low(index) && value <= bucket_high(index);
}

static bool
hist_is_consistent(const struct hist *h)
{
	struct extent e;

	hist_inspect(h, &e);
	if (!e.count)
		return !h->min && !h->max && !h->sum;
	return h->min <= h->max && bucket_has(h->min, e.first) &&
	    bucket_has(h->max, e.last) && h->sum >= e.sum_low &&
	    h->sum <= e.sum_high;
}

/* Returns what follows the number, or NULL: digits only, no leading zero. */
static const char *
decode_number(const char *s, uint64_t *n)
{
	const char *start = s;

	for (*n = 0; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(*n, UINT64_C(10), n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*s - '0'), n))
			return NULL;
	if (s == start || (*start == '0' && s - start > 1))
		return NULL;
	return s;
}

/* The same; the next character must be end, and is skipped. */
static const char *
decode_number_then(const char *s, uint64_t *n, char end)
{
	s = decode_number(s, n);
	return s && *s == end ? s + 1 : NULL;
}

static const char *
decode_head(const char *s, struct hist *h)
{
	uint64_t version, bits;

	if (!(s = decode_number_then(s, &version, '/')) || version != 1 ||
	    !(s = decode_number_then(s, &bits, ';')) || bits != HIST_BITS ||
	    !(s = decode_number_then(s, &h->min, ';')) ||
	    !(s = decode_number_then(s, &h->max, ';')))
		return NULL;
	return decode_number_then(s, &h->sum, ';');
}

/* Reads one "FIRST-LAST:COUNT" at or above *next, which moves past it. */
static const char *
decode_run(const char *s, struct hist *h, uint64_t *next)
{
	uint64_t first, last, n;

	if (!(s = decode_number(s, &first)))
		return NULL;
	last = first;
	if (*s == '-' && !(s = decode_number(s + 1, &last)))
		return NULL;
	if (*s != ':' || !(s = decode_number(s + 1, &n)) || !n)
		return NULL;
	if (first < *next || last < first || last >= HIST_BUCKETS)
		return NULL;
	for (uint64_t i = first; i <= last; i++) {
		if (n > HIST_COUNT_MAX - h->count)
			return NULL;
		h->buckets[i] = n;
		h->count += n;
	}
	*next = last + 1;
	return s;
}

static int
decode_buckets(const char *s, struct hist *h)
{
	uint64_t next = 0;

	if (!*s)
		return 0;
	while ((s = decode_run(s, h, &next)) && *s == ',')
		s++;
	return s && !*s ? 0 : -1;
}

void
hist_init(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

void
hist_add(struct hist *h, uint64_t value)
{
	if (value > HIST_MAX)
		value = HIST_MAX;
	if (value < h->min || !h->count)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->sum += value;
	h->buckets[bucket_of(value)]++;
	h->count++;
}

int
hist_merge(struct hist *into, const struct hist *from)
{
	struct hist seen = *from;

	hist_settle(&seen);
	if (!seen.count)
		return 0;
	if (seen.count > HIST_COUNT_MAX - into->count ||
	    seen.sum > HIST_SUM_MAX || into->sum > HIST_SUM_MAX - seen.sum)
		return -1;
	if (!into->count || seen.min < into->min)
		into->min = seen.min;
	if (seen.max > into->max)
		into->max = seen.max;
	into->sum += seen.sum;
	into->count += seen.count;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->buckets[i] += seen.buckets[i];
	return 0;
}

uint64_t
hist_percentile(const struct hist *h, double p)
{
	const uint64_t whole = 100000000;	/* 100 %, in millionths */
	uint64_t rank, below = 0;

	if (!(p > 0) || !h->count)
		return h->min;
	if (p >= 100)
		return h->max;
	/* In integers, or 99.9 % of 1000 would be the 1000th. */
	rank = (uint64_t)(((wide)llround(p * 1e6) * h->count + whole - 1) /
	    whole);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		below += h->buckets[i];
		if (below >= rank && below)
			return bucket_high(i) < h->max ? bucket_high(i) :
			    h->max;
	}
	return h->max;
}

uint64_t
hist_needed(double p)
{
	long long beyond = llround((100 - p) * 1e6);

	if (p <= 50 || p >= 100)
		return 1;
	return beyond ? ((uint64_t)HIST_BEYOND * 100000000 + (uint64_t)beyond -
	    1) / (uint64_t)beyond : UINT64_MAX;
}

double
hist_quantile(const struct hist *h, double p)
{
	return h->count >= hist_needed(p) ? (double)hist_percentile(h, p) : NAN;
}

uint64_t
hist_count_to(const struct hist *h, uint64_t value)
{
	uint64_t n = 0;

	if (value >= h->max)
		return h->count;
	for (unsigned i = 0; i < HIST_BUCKETS && bucket_high(i) <= value; i++)
		n += h->buckets[i];
	return n;
}

double
hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

int
hist_decode(const char *text, struct hist *h)
{
	hist_init(h);
	text = decode_head(text, h);
	if (text && decode_buckets(text, h) == 0 && hist_is_consistent(h))
		return 0;
	hist_init(h);
	return -1;
}

void
hist_estimate(struct hist *h)
{
	struct extent e;
	wide sum;

	hist_inspect(h, &e);
	sum = (e.sum_low + e.sum_high) / 2;
	h->count = e.count;
	h->min = e.count ? bucket_low(e.first) : 0;
	h->max = e.count ? bucket_high(e.last) : 0;
	h->sum = sum > UINT64_MAX ? UINT64_MAX : (uint64_t)sum;
}

int
hist_refine(struct hist *h, uint64_t min, uint64_t max, uint64_t sum)
{
	uint64_t old_min = h->min, old_max = h->max, old_sum = h->sum;

	h->min = min;
	h->max = max;
	h->sum = sum;
	if (hist_is_consistent(h))
		return 0;
	h->min = old_min;
	h->max = old_max;
	h->sum = old_sum;
	return -1;
}
