#include "probe/stats/report_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/hist_hdr.h"
#include "probe/stats/tally.h"

void
reader_wrong(struct reader *r, const char *name)
{
	if (!r->wrong)
		r->wrong = name;
}

void
reader_excess(struct reader *r, const char *name)
{
	if (!r->wrong)
		r->excess = true;
	reader_wrong(r, name);
}

void
reader_sum(struct reader *r, uint64_t *sum, uint64_t n, const char *name)
{
	if (n > HIST_COUNT_MAX - *sum)
		reader_excess(r, name);
	else
		*sum += n;
}

json_t *
reader_object(struct reader *r, json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (!json_is_object(value) && !json_is_null(value))
		reader_wrong(r, name);
	return json_is_object(value) ? value : NULL;
}

uint64_t
reader_count(struct reader *r, json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	reader_wrong(r, name);
	return 0;
}

void
reader_add(struct reader *r, json_t *from, const char *name, uint64_t *sum)
{
	reader_sum(r, sum, reader_count(r, from, name), name);
}

int
reader_number(struct reader *r, json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (json_is_null(value))
		return -1;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    json_integer_value(value) <= INT32_MAX)
		return (int)json_integer_value(value);
	reader_wrong(r, name);
	return -1;
}

double
reader_real(struct reader *r, json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (!json_is_number(value) && !json_is_null(value))
		reader_wrong(r, name);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

void
reader_text(struct reader *r, json_t *from, const char *name, char *out, size_t
    room)
{
	json_t *value = json_object_get(from, name);

	out[0] = '\0';
	if (json_is_string(value))
		snprintf(out, room, "%s", json_string_value(value));
	else if (!json_is_null(value))
		reader_wrong(r, name);
}

/* Reports of rpnc 0.1's first form have no exact values beside their text. */
static int
read_histogram(struct reader *r, json_t *from, struct hist *h)
{
	json_t *value = json_object_get(from, "histogram");
	const char *text = json_string_value(value);
	uint64_t min, max, sum;

	if (!text || strlen(text) != json_string_length(value))
		return -1;
	if (!hist_hdr_is(text))
		return hist_decode(text, h);
	if (hist_hdr_decode(text, h) < 0)
		return -1;
	min = reader_count(r, from, "min_ns");
	max = reader_count(r, from, "max_ns");
	sum = reader_count(r, from, "sum_ns");
	return hist_refine(h, min, max, sum);
}

static void
read_latency(struct reader *r, json_t *from, const char *name, struct hist
    **into)
{
	json_t *one = reader_object(r, from, name);
	struct hist *h;

	if (!one)
		return;
	h = malloc(sizeof(*h));
	if (!h || read_histogram(r, one, h) < 0)
		reader_wrong(r, "histogram");
	else if (!*into && !(*into = calloc(1, sizeof(**into))))
		reader_wrong(r, "memory");
	else if (hist_merge(*into, h) < 0)
		reader_excess(r, name);
	free(h);
}

void
reader_latencies(struct reader *r, json_t *from, struct hist **into)
{
	json_t *all = reader_object(r, from, "latency");

	for (int i = 0; all && i < LATENCIES; i++)
		read_latency(r, all, latency_names[i], &into[i]);
}
