#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include "base/fail.h"	/* before its name is a macro */
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probe/stats/merge.h"
#include "report/event.h"
#include "spread.h"

enum { REPORTS = 10, EACH = 3000, MEMBERS = 3, SAMPLES = REPORTS * EACH };

static uint64_t samples[SAMPLES];

static void
tally_start(struct tally *t)
{
	struct row row = { .worker = -1, .command = "rpnc" };

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(row.name, sizeof(row.name), "%c", 'A' + i);
		row.pid = 4000 + i;
		row.weight = 1;
		assert_int_equal(tally_name(t, &row), i);
	}
}

/* One attempt: 1 us to 16 ms, of which each power of two is as likely. */
static void
attempt(struct tally *const *all, uint64_t *state, uint64_t *sample)
{
	struct attempt_result r = { .predicted = -1 };
	uint64_t x = rnd(state);

	*sample = (uint64_t)(1000 * exp2((double)(x >> 11) * 0x1p-53 * 14));
	r.row = (int)(rnd(state) % MEMBERS);
	for (int i = 0; i < LATENCIES; i++)
		r.ns[i] = -1;
	r.ns[LATENCY_CONNECT] = (int64_t)*sample;
	if (x % 97 == 0) {
		r.outcome = OUT_REFUSED;
		r.row = -1;
	}
	if (x % 3 == 0)
		r.ns[LATENCY_ECHO] = (int64_t)(*sample * 3);
	tally_add(all[0], &r);
	tally_add(all[1], &r);
}

static char *
json_of(struct probe_report *r)
{
	struct event e = { .kind = EVENT_PROBE, .probe = r };

	return event_json(&e, false);
}

/* Like one of probe's own. */
static char *
report(struct tally *t)
{
	static struct addr address;
	struct verdict s;
	char *line;

	address = (struct addr){ .len = sizeof(struct sockaddr_in) };
	address.in.sin_family = AF_INET;
	address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.in.sin_port = htons(9000);
	assert_int_equal(verdict_make(&s, t, KNOW_ALL, false), 0);
	s.target = target_direct(&address, "tcp");
	s.report.command = "probe";
	s.report.by = "diag";
	s.report.loop = "closed";
	s.report.host = "www1";
	s.report.reports = 1;
	s.report.seconds = 0.5;
	line = json_of(&s.report);
	verdict_free(&s);
	assert_non_null(line);
	return line;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t l = *(const uint64_t *)a, r = *(const uint64_t *)b;

	return l < r ? -1 : l > r;
}

static void
assert_percentiles(const struct hist *h)
{
	static const double p[] = { 1, 50, 90, 99, 99.9 };

	qsort(samples, SAMPLES, sizeof(*samples), by_value);
	assert_int_equal(h->count, SAMPLES);
	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		size_t rank = (size_t)ceil(p[i] / 100 * SAMPLES - 1e-9);
		double want = (double)samples[rank - 1];
		double got = (double)hist_percentile(h, p[i]);

		if (got < want || got > want * (1 + 1.0 / 128))
			fail_msg("p%g: %.0f, not %.0f", p[i], got, want);
	}
}

/* The same report but for how many it is made of. */
static void
assert_same(char *one, char *merged)
{
	json_t *a = json_loads(one, 0, NULL), *b = json_loads(merged, 0, NULL);

	assert_int_equal(json_integer_value(json_object_get(b, "reports")),
	    REPORTS);
	assert_true(fabs(json_number_value(json_object_get(b, "seconds")) -
	    REPORTS * 0.5) < 1e-6);
	json_object_del(a, "reports");
	json_object_del(b, "reports");
	json_object_del(a, "seconds");
	json_object_del(b, "seconds");
	/* only what is merged has been judged here */
	assert_non_null(json_object_get(json_object_get(b, "finding"), "text"));
	json_object_del(a, "finding");
	json_object_del(b, "finding");
	json_object_del(a, "verdict");
	json_object_del(b, "verdict");
	if (!json_equal(a, b))
		fail_msg("%s\n%s", one, merged);
	json_decref(a);
	json_decref(b);
}

static void
test_ten_are_one(void **state)
{
	struct tally whole, part;
	struct tally *both[] = { &whole, &part };
	FILE *file = tmpfile();
	struct merge m = { .fewest = 0 };
	struct verdict s;
	uint64_t seed = 5;
	char *line, *one;

	(void)state;
	tally_start(&whole);
	for (int i = 0; i < REPORTS; i++) {
		tally_start(&part);
		for (int j = 0; j < EACH; j++)
			attempt(both, &seed, &samples[i * EACH + j]);
		line = report(&part);
		fprintf(file, "%s\n%s", line, i == 3 ? "\n{\"event\":"
		    "\"error\",\"text\":\"passed over\"}\n" : "");
		free(line);
		tally_free(&part);
	}
	rewind(file);
	assert_int_equal(merge_read(&m, file, "reports"), REPORTS);
	fclose(file);
	assert_int_equal(merge_judge(&m, &s), 0);
	assert_percentiles(m.tally.latency[LATENCY_CONNECT]);
	line = json_of(&s.report);
	one = report(&whole);
	assert_same(one, line);
	free(one);
	free(line);
	verdict_free(&s);
	merge_free(&m);
	tally_free(&whole);
}

/* A report of which one field is another. */
static void
assert_refused(const char *field, const char *within, json_t *value)
{
	struct tally t;
	struct merge m = { .fewest = 0 };
	char *line;
	json_t *o, *at;
	FILE *file = tmpfile();

	tally_start(&t);
	line = report(&t);
	o = json_loads(line, 0, NULL);
	at = within && strcmp(within, "members") == 0 ?
	    json_array_get(json_object_get(o, within), 0) :
	    within ? json_object_get(o, within) : o;
	assert_non_null(json_object_get(at, field));
	json_object_set_new(at, field, value);
	json_dumpf(o, file, JSON_COMPACT);
	rewind(file);
	assert_int_equal(merge_read(&m, file, "f"), -1);
	assert_non_null(strstr(fail_text(), "f, line 1: not a report "
	    "of this version: "));
	assert_null(strchr(fail_text(), '\n'));
	fclose(file);
	json_decref(o);
	free(line);
	merge_free(&m);
	tally_free(&t);
}

static void
test_what_no_probe_says(void **state)
{
	(void)state;
	assert_refused("attempts", NULL, json_integer(-1));
	assert_refused("attempts", NULL, json_string("1"));
	assert_refused("reports", NULL, json_integer(0));
	assert_refused("seconds", NULL, json_null());
	assert_refused("target", NULL, json_null());
	assert_refused("by", NULL, json_integer(1));
	assert_refused("members", NULL, json_object());
	assert_refused("members", NULL, json_pack("[i]", 1));
	assert_refused("failed", NULL, json_null());
	assert_refused("fairness", NULL, json_pack("{ss}", "verdict", "x"));
	assert_refused("latency", NULL, json_pack("{s{ss}}", "connect",
	    "histogram", "1/7;1;1;1;"));
	assert_refused("pid", "members", json_integer(1LL << 40));
	assert_refused("predicted", "members", json_integer(1));
	assert_refused("port", "target", json_real(1.5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_are_one),
		cmocka_unit_test(test_what_no_probe_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
