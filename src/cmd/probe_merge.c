/* rpnc probe --merge: adds the reports of several hosts and runs up to one. */
#include "cmd/probe_merge.h"

#include <stdio.h>
#include <string.h>

#include "app/confine.h"
#include "app/app.h"
#include "app/emit.h"
#include "cmd/probe_files.h"
#include "cmd/probe_plan.h"
#include "math/hist_hdr.h"
#include "probe/inspect/gate.h"
#include "probe/stats/merge.h"

/*
 * uneven: the P of --fail-uneven, or 0 for that of the verdict. If only that P
 * makes it so, a line on stderr says it.
 */
static bool
is_unexpected(const struct settings *o, const struct tally *t,
    const struct verdict *s, double uneven)
{
	if (t->mismatched)
		return true;
	if (!o->fail_uneven)
		return false;
	if (uneven > 0 && s->chance < uneven && s->verdict != FAIR_UNEVEN) {
		fail_as(STATUS_EXPECT, "--fail-uneven=%s: p is %.2g",
		    o->fail_uneven, s->chance);
		report_error("probe");
	}
	return uneven > 0 ? s->chance < uneven : s->verdict == FAIR_UNEVEN;
}

enum status
probe_verdict(const struct settings *o, const struct tally *t,
    const struct verdict *s, double uneven, unsigned flags)
{
	const uint64_t *out = t->out;
	uint64_t late = out[OUT_TIMEOUT] + out[OUT_QUEUED];

	if (is_unexpected(o, t, s, uneven) ||
	    gate_finds(flags, s->report.flags))
		return STATUS_EXPECT;
	if (out[OUT_OK] == t->attempts)
		return STATUS_OK;
	if (late == t->attempts)
		return STATUS_TIMEOUT;
	return out[OUT_OK] || late ? STATUS_SOME : STATUS_NETWORK;
}

static int
merge_check(int count)
{
	if (!count)
		return fail_as(STATUS_USAGE, "--merge: which files? '-' is "
		    "standard input");
	return 0;
}

static int
merge_read_file(struct merge *m, const char *name)
{
	bool standard = strcmp(name, "-") == 0;
	FILE *in = standard ? stdin : fopen(name, "re");
	int found;

	if (!in) {
		fail("--merge %.200s", name);
		return fail_status_set(STATUS_USAGE);
	}
	found = merge_read(m, in, standard ? "standard input" : name);
	if (!standard)
		fclose(in);
	return found < 0 ? fail_option("--merge") : found;
}

/* What --label says here counts more than what the reports say. */
static int
merge_label(struct merge *m, const struct labels *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (labels_set(&m->labels, l->at[i].name, l->at[i].value) < 0)
			return fail_option("--label");
	return 0;
}

static int
merge_emit(const struct settings *s, struct verdict *sum, int *ended_by)
{
	struct event e = { .kind = EVENT_PROBE, .probe = &sum->report };
	struct app app = { 0 };
	int status;

	if (app_open(&app, s) < 0)
		return -1;
	emit_event(&app, &e);
	if (probe_files(s, &sum->report) < 0)
		app_fault(&app);
	*ended_by = app.ended_by;
	status = app_close(&app);
	return status;
}

int
probe_merge(const struct settings *s, int count, char *const *words,
    int *ended_by)
{
	struct merge m = { .fewest = 0 };
	struct verdict sum = { 0 };
	double uneven = 0;
	int status = merge_check(count);

	/* reports may come from strangers, too */
	if (status >= 0)
		status = hist_hdr_load() < 0 ? -1 :
		    app_confine_early(s, KEEPS_FILES);
	if (status >= 0)
		status = probe_uneven(s->fail_uneven, &uneven);
	for (int i = 0; i < count && status >= 0; i++)
		status = merge_read_file(&m, words[i]);
	if (status >= 0)
		status = merge_label(&m, &s->labels);
	if (status >= 0)
		status = merge_judge(&m, &sum);
	if (status >= 0) {
		sum.report.detail = s->verbose;
		status = merge_emit(s, &sum, ended_by);
	}
	if (status == STATUS_OK)
		status = (int)probe_verdict(s, &m.tally, &sum, uneven,
		    0);
	verdict_free(&sum);
	merge_free(&m);
	return status;
}
