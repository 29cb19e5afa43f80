/*
 * Events as JSON. A table of struct field (field.h) names the members of each
 * object; the functions here turn one field into one value. An unknown value is
 * null, never guessed.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/escape.h"
#include "math/hist_hdr.h"
#include "report/event.h"
#include "report/labels.h"
#include "report/quantile.h"

static json_t *
text_json(const char *text)
{
	char *safe;
	json_t *value;

	if (!text)
		return json_null();
	if (utf8_valid(text, strlen(text)))
		return json_string(text);
	safe = malloc(strlen(text) * ESCAPE_MAX + 1);
	if (!safe)
		return NULL;
	escape(text, strlen(text), false, safe);
	value = json_string(safe);
	free(safe);
	return value;
}

static json_t *
host_json(const struct addr *a)
{
	char text[ADDR_TEXT];

	return a ? json_string(addr_host(a, text)) : json_null();
}

static json_t *
port_json(const struct addr *a)
{
	return a && a->sa.sa_family != AF_UNIX ? json_integer(addr_port(a)) :
	    json_null();
}

/* "text" where it is UTF-8, else "base64". */
static int
set_data(json_t *object, const struct event *e)
{
	json_t *value;
	char *text;

	if (utf8_valid(e->data, e->length))
		return json_object_set_new(object, "text",
		    json_stringn(e->data, e->length));
	text = malloc(BASE64_TEXT(e->length));
	if (!text)
		return -1;
	base64(e->data, e->length, text);
	value = json_string(text);
	free(text);
	return json_object_set_new(object, "base64", value);
}

static json_t *object_json(const struct field *, const void *);

static json_t *
list_json(const struct field *f, const void *struct_)
{
	const char *base = struct_;
	const char *row = *(const char *const *)(base + f->offset);
	size_t count = *(const size_t *)(base + f->count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
		    object_json(f->of, row + i * f->size));
	return list;
}

/* NAN means unknown; JSON has neither that nor infinity. */
static json_t *
real_json(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
percentile_json(const struct hist *h, double p)
{
	return real_json(hist_quantile(h, p) / 1e3);
}

static json_t *
latency_json(const struct hist *h)
{
	json_t *object;
	char *text, few[QUANTILE_FEW];

	if (!h || !h->count || hist_hdr_encode(h, &text) < 0)
		return json_null();
	object = json_pack("{ss sI sf sf so so so so sf ss? sI sI sI ss}",
	    "unit", "us",
	    "count", (json_int_t)h->count, "min", (double)h->min / 1e3,
	    "mean", hist_mean(h) / 1e3, "p50", percentile_json(h, 50),
	    "p90", percentile_json(h, 90), "p99", percentile_json(h, 99),
	    "p999", percentile_json(h, 99.9), "max", (double)h->max / 1e3,
	    "too_few", quantile_too_few(h, (1u << QUANTILES) - 1, few),
	    "min_ns", (json_int_t)h->min, "max_ns", (json_int_t)h->max,
	    "sum_ns", (json_int_t)h->sum, "histogram", text);
	free(text);
	return object;
}

static json_t *
labels_json(const struct labels *l)
{
	json_t *object;

	if (!l || !l->count)
		return json_null();
	object = json_object();
	for (size_t i = 0; i < l->count; i++)
		json_object_set_new(object, l->at[i].name,
		    text_json(l->at[i].value));
	return object;
}

static json_t *
words_json(const char *const *words)
{
	json_t *list = json_array();

	for (; words && *words; words++)
		json_array_append_new(list, text_json(*words));
	return list;
}

static json_t *
numbers_json(const struct field *f, const void *struct_)
{
	const double *at = (const void *)((const char *)struct_ + f->offset);
	size_t count = *(const size_t *)(const void *)
	    ((const char *)struct_ + f->count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, real_json(at[i]));
	return list;
}

static json_t *
field_json(const struct field *f, const void *struct_)
{
	const void *at = (const char *)struct_ + f->offset;

	switch (f->type) {
	case FIELD_TEXT:
		return text_json(*(const char *const *)at);
	case FIELD_HOST:
		return host_json(*(const struct addr *const *)at);
	case FIELD_PORT:
		return port_json(*(const struct addr *const *)at);
	case FIELD_NUMBER:
		return *(const int64_t *)at < 0 ? json_null() :
		    json_integer(*(const int64_t *)at);
	case FIELD_COUNT:
		return json_integer((json_int_t)*(const uint64_t *)at);
	case FIELD_SECONDS:
		return real_json(*(const double *)at);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)at);
	case FIELD_LIST:
		return list_json(f, struct_);
	case FIELD_OBJECT:
		return *(const void *const *)at ?
		    object_json(f->of, *(const void *const *)at) : json_null();
	case FIELD_LATENCY:
		return latency_json(*(const struct hist *const *)at);
	case FIELD_MAYBE:
		return *(const int64_t *)at < 0 ? json_null() :
		    json_boolean(*(const int64_t *)at);
	case FIELD_WORDS:
		return words_json(*(const char *const *const *)at);
	case FIELD_PART:
		return object_json(f->of, at);
	case FIELD_NUMBERS:
		return numbers_json(f, struct_);
	case FIELD_LABELS:
		return labels_json(*(const struct labels *const *)at);
	case FIELD_DATA:
		break;
	}
	return json_null();
}

static json_t *
object_json(const struct field *f, const void *struct_)
{
	json_t *object = json_object();

	for (; f->name; f++)
		if (f->type == FIELD_DATA)
			set_data(object, struct_);
		else
			json_object_set_new(object, f->name,
			    field_json(f, struct_));
	return object;
}

static const void *
fields_of(const struct event *e)
{
	switch (e->kind) {
	case EVENT_PROBE:
		return e->probe;
	case EVENT_GROUP:
		return e->group;
	case EVENT_COMPARE:
		return e->compare;
	case EVENT_WATCH:
		return e->watch;
	default:
		return e;
	}
}

/* DEL is a control character, and no JSON writer escapes it. Frees line. */
static char *
escape_del(char *line)
{
	static const char escaped[] = "\\u007f";
	size_t step = sizeof(escaped) - 1, count = 0;
	char *out, *to;

	for (const char *at = line; *at; at++)
		count += *at == 127;
	if (!count)
		return line;
	out = to = malloc(strlen(line) + count * step + 1);
	for (const char *at = line; out && *at; at++)
		if (*at == 127)
			to = stpcpy(to, escaped);
		else
			*to++ = *at;
	if (out)
		*to = '\0';
	free(line);
	return out;
}

char *
event_json(const struct event *e, bool ascii)
{
	const struct event_type *type = &event_types[e->kind];
	json_t *object = json_object(), *rest;
	char time[TIME_TEXT], *line;

	json_object_set_new(object, "event", json_string(type->name));
	json_object_set_new(object, "time",
	    json_string(time_text(e->time, time)));
	rest = object_json(type->fields, fields_of(e));
	json_object_update(object, rest);
	json_decref(rest);
	line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9) |
	    (ascii ? JSON_ENSURE_ASCII : 0));
	json_decref(object);
	return line && ascii ? escape_del(line) : line;
}
