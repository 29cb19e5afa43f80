/* Reports as probe --merge reads them. */
#include "fuzz.h"
#include "probe/stats/merge.h"
#include "report/table.h"

static void
show(const struct verdict *v)
{
	const struct event e = { .kind = EVENT_PROBE, .probe = &v->report };
	const struct table_style style = { .columns = 80, .terminal = true };

	free(event_json(&e, true));
	free(event_human(&e, &style));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	uint8_t *copy = fuzz_copy(data, length);
	FILE *in = length ? fmemopen(copy, length, "r") :
	    fopen("/dev/null", "re");
	struct merge *m = calloc(1, sizeof(*m));
	struct verdict *v = calloc(1, sizeof(*v));

	HOLDS(in && m && v);
	if (merge_read(m, in, "report") > 0 && merge_judge(m, v) == 0) {
		show(v);
		verdict_free(v);
	}
	merge_free(m);
	fclose(in);
	free(v);
	free(m);
	free(copy);
	return 0;
}
