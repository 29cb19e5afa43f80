#include "report/monitor.h"


static const struct field now_fields[] = {
	FIELD(monitor_now, "seconds", FIELD_SECONDS, seconds),
	FIELD(monitor_now, "rate", FIELD_SECONDS, rate),
	FIELD(monitor_now, "attempts", FIELD_COUNT, attempts),
	FIELD(monitor_now, "ok", FIELD_COUNT, ok),
	FIELD_FROM(monitor_now, "failed", FIELD_OBJECT, failed,
	    probe_failure_fields),
	FIELD(monitor_now, "queued", FIELD_COUNT, queued),
	FIELD(monitor_now, "skipped", FIELD_COUNT, skipped),
	FIELD_FROM(monitor_now, "latency", FIELD_OBJECT, latency,
	    probe_latency_fields),
	{ 0 },
};

static const struct field seen_fields[] = {
	FIELD(monitor_member, "name", FIELD_TEXT, name),
	FIELD(monitor_member, "pid", FIELD_NUMBER, pid),
	FIELD(monitor_member, "worker", FIELD_NUMBER, worker),
	FIELD(monitor_member, "host", FIELD_TEXT, host),
	FIELD(monitor_member, "command", FIELD_TEXT, command),
	FIELD(monitor_member, "state", FIELD_TEXT, state),
	FIELD(monitor_member, "count", FIELD_COUNT, count),
	FIELD(monitor_member, "predicted", FIELD_COUNT, predicted),
	FIELD(monitor_member, "queued", FIELD_COUNT, queued),
	FIELD(monitor_member, "since", FIELD_COUNT, since),
	FIELD(monitor_member, "share", FIELD_SECONDS, share),
	FIELD(monitor_member, "expected", FIELD_SECONDS, expected),
	FIELD(monitor_member, "rate", FIELD_SECONDS, rate),
	{ 0 },
};

const struct field monitor_fields[] = {
	FIELD(monitor_report, "command", FIELD_TEXT, command),
	FIELD_FROM(monitor_report, "target", FIELD_OBJECT, target,
	    probe_target_fields),
	FIELD(monitor_report, "by", FIELD_TEXT, by),
	FIELD(monitor_report, "loop", FIELD_TEXT, loop),
	FIELD(monitor_report, "steering", FIELD_TEXT, steering),
	FIELD(monitor_report, "seconds", FIELD_SECONDS, seconds),
	FIELD(monitor_report, "attempts", FIELD_COUNT, attempts),
	FIELD(monitor_report, "ok", FIELD_COUNT, ok),
	FIELD_FROM(monitor_report, "failed", FIELD_OBJECT, failed,
	    probe_failure_fields),
	FIELD(monitor_report, "queued", FIELD_COUNT, queued),
	FIELD(monitor_report, "unattributed", FIELD_COUNT, unattributed),
	FIELD(monitor_report, "mismatched", FIELD_COUNT, mismatched),
	FIELD(monitor_report, "skipped", FIELD_COUNT, skipped),
	FIELD_FROM(monitor_report, "now", FIELD_OBJECT, now, now_fields),
	FIELD_EACH(monitor_report, "members", members, seen_fields,
	    monitor_member, member_count),
	FIELD(monitor_report, "left", FIELD_COUNT, left),
	FIELD(monitor_report, "steady", FIELD_SECONDS, steady),
	FIELD_FROM(monitor_report, "fairness", FIELD_OBJECT, fairness,
	    probe_fairness_fields),
	{ 0 },
};
