#include "report/probe.h"

#include <stddef.h>
#include <stdio.h>

const char *const latency_names[LATENCIES] = {
	[LATENCY_CONNECT] = "connect", [LATENCY_PROXY] = "proxy",
	[LATENCY_ACCEPT] = "accept", [LATENCY_TLS] = "tls",
	[LATENCY_ECHO] = "echo", [LATENCY_REPLY] = "reply",
	[LATENCY_LATE] = "late",
};

const char *const failure_names[FAILURES] = {
	[FAILURE_REFUSED] = "refused", [FAILURE_RESET] = "reset",
	[FAILURE_TIMEOUT] = "timeout", [FAILURE_PROXY] = "proxy",
	[FAILURE_TLS] = "tls", [FAILURE_ANSWER] = "answer",
	[FAILURE_OTHER] = "other",
};

const struct field probe_target_fields[] = {
	FIELD(probe_target, "address", FIELD_HOST, address),
	FIELD(probe_target, "name", FIELD_TEXT, name),
	FIELD(probe_target, "port", FIELD_NUMBER, port),
	FIELD(probe_target, "protocol", FIELD_TEXT, protocol),
	FIELD(probe_target, "proxy", FIELD_TEXT, proxy),
	{ 0 },
};

const struct field probe_failure_fields[] = {
	FIELD(probe_failures, "refused", FIELD_COUNT,
	    at[FAILURE_REFUSED]),
	FIELD(probe_failures, "reset", FIELD_COUNT,
	    at[FAILURE_RESET]),
	FIELD(probe_failures, "timeout", FIELD_COUNT,
	    at[FAILURE_TIMEOUT]),
	FIELD(probe_failures, "proxy", FIELD_COUNT,
	    at[FAILURE_PROXY]),
	FIELD(probe_failures, "tls", FIELD_COUNT, at[FAILURE_TLS]),
	FIELD(probe_failures, "answer", FIELD_COUNT,
	    at[FAILURE_ANSWER]),
	FIELD(probe_failures, "other", FIELD_COUNT,
	    at[FAILURE_OTHER]),
	{ 0 },
};

const struct field probe_latency_fields[] = {
	FIELD(latencies, "connect", FIELD_LATENCY, at[LATENCY_CONNECT]),
	FIELD(latencies, "proxy", FIELD_LATENCY, at[LATENCY_PROXY]),
	FIELD(latencies, "accept", FIELD_LATENCY, at[LATENCY_ACCEPT]),
	FIELD(latencies, "tls", FIELD_LATENCY, at[LATENCY_TLS]),
	FIELD(latencies, "echo", FIELD_LATENCY, at[LATENCY_ECHO]),
	FIELD(latencies, "reply", FIELD_LATENCY, at[LATENCY_REPLY]),
	FIELD(latencies, "late", FIELD_LATENCY, at[LATENCY_LATE]),
	{ 0 },
};

static const struct field member_fields[] = {
	FIELD(probe_member, "name", FIELD_TEXT, who.name),
	FIELD(probe_member, "pid", FIELD_NUMBER, who.pid),
	FIELD(probe_member, "worker", FIELD_NUMBER, who.worker),
	FIELD(probe_member, "uid", FIELD_NUMBER, who.uid),
	FIELD(probe_member, "host", FIELD_TEXT, who.host),
	FIELD(probe_member, "command", FIELD_TEXT, who.command),
	FIELD(probe_member, "sockets", FIELD_NUMBER, sockets),
	FIELD(probe_member, "stopped", FIELD_MAYBE, stopped),
	FIELD(probe_member, "waiting", FIELD_NUMBER, waiting),
	FIELD(probe_member, "count", FIELD_COUNT, count),
	FIELD(probe_member, "predicted", FIELD_COUNT, predicted),
	FIELD(probe_member, "queued", FIELD_COUNT, queued),
	FIELD(probe_member, "failed", FIELD_COUNT, failed),
	FIELD(probe_member, "due", FIELD_NUMBER, due),
	FIELD(probe_member, "unanswered", FIELD_NUMBER, unanswered),
	FIELD(probe_member, "answered", FIELD_NUMBER, answered),
	FIELD(probe_member, "handed", FIELD_NUMBER, handed),
	FIELD(probe_member, "share", FIELD_SECONDS, share),
	FIELD(probe_member, "expected", FIELD_SECONDS, expected),
	FIELD(probe_member, "flags", FIELD_WORDS, flags),
	FIELD_FROM(probe_member, "latency", FIELD_OBJECT, latency,
	    probe_latency_fields),
	{ 0 },
};

const struct field probe_fairness_fields[] = {
	FIELD(probe_fairness, "chi2", FIELD_SECONDS, chi2),
	FIELD(probe_fairness, "dof", FIELD_NUMBER, dof),
	FIELD(probe_fairness, "p", FIELD_SECONDS, p),
	FIELD(probe_fairness, "verdict", FIELD_TEXT, verdict),
	FIELD(probe_fairness, "at_least", FIELD_FLAG, at_least),
	FIELD(probe_fairness, "spread", FIELD_SECONDS, spread),
	FIELD(probe_fairness, "deviation", FIELD_SECONDS, deviation),
	FIELD(probe_fairness, "enough", FIELD_COUNT, enough),
	FIELD(probe_fairness, "needed", FIELD_COUNT, needed),
	{ 0 },
};

static const struct field what_if_fields[] = {
	FIELD(probe_what_if, "change", FIELD_TEXT, change),
	FIELD(probe_what_if, "sockets", FIELD_NUMBER, sockets),
	FIELD(probe_what_if, "flows", FIELD_COUNT, flows),
	FIELD(probe_what_if, "fraction", FIELD_SECONDS, fraction),
	FIELD(probe_what_if, "moved", FIELD_SECONDS, moved),
	FIELD(probe_what_if, "low", FIELD_SECONDS, low),
	FIELD(probe_what_if, "high", FIELD_SECONDS, high),
	FIELD(probe_what_if, "ideal", FIELD_SECONDS, ideal),
	{ 0 },
};

static const struct field probe_tls_fields[] = {
	FIELD(probe_tls, "handshakes", FIELD_COUNT, handshakes),
	FIELD(probe_tls, "resumed", FIELD_COUNT, resumed),
	FIELD(probe_tls, "version", FIELD_TEXT, version),
	FIELD(probe_tls, "cipher", FIELD_TEXT, cipher),
	FIELD(probe_tls, "alpn", FIELD_TEXT, alpn),
	{ 0 },
};

static const struct field clock_fields[] = {
	FIELD(clock_error, "synchronized", FIELD_FLAG, synchronized),
	FIELD(clock_error, "estimated_error", FIELD_SECONDS, estimated),
	FIELD(clock_error, "maximum_error", FIELD_SECONDS, maximum),
	{ 0 },
};

const struct field probe_fields[] = {
	FIELD(probe_report, "command", FIELD_TEXT, command),
	FIELD_FROM(probe_report, "target", FIELD_OBJECT, target,
	    probe_target_fields),
	FIELD(probe_report, "by", FIELD_TEXT, by),
	FIELD(probe_report, "loop", FIELD_TEXT, loop),
	FIELD(probe_report, "host", FIELD_TEXT, host),
	FIELD(probe_report, "labels", FIELD_LABELS, labels),
	FIELD(probe_report, "reports", FIELD_COUNT, reports),
	FIELD(probe_report, "steering", FIELD_TEXT, steering),
	FIELD(probe_report, "steered", FIELD_MAYBE, steered),
	FIELD(probe_report, "started_at", FIELD_TEXT, started_at),
	FIELD(probe_report, "ended_at", FIELD_TEXT, ended_at),
	FIELD_FROM(probe_report, "clock", FIELD_OBJECT, clock, clock_fields),
	FIELD(probe_report, "overlap", FIELD_SECONDS, overlap),
	FIELD(probe_report, "attempts", FIELD_COUNT, attempts),
	FIELD(probe_report, "ok", FIELD_COUNT, ok),
	FIELD(probe_report, "seconds", FIELD_SECONDS, seconds),
	FIELD_FROM(probe_report, "failed", FIELD_OBJECT, failed,
	    probe_failure_fields),
	FIELD(probe_report, "queued", FIELD_COUNT, queued),
	FIELD(probe_report, "unattributed", FIELD_COUNT, unattributed),
	FIELD(probe_report, "predicted", FIELD_COUNT, predicted),
	FIELD(probe_report, "mismatched", FIELD_COUNT, mismatched),
	FIELD(probe_report, "abandoned", FIELD_COUNT, abandoned),
	FIELD(probe_report, "flags", FIELD_WORDS, flags),
	FIELD(probe_report, "verdict", FIELD_TEXT, verdict),
	FIELD_FROM(probe_report, "finding", FIELD_OBJECT, finding,
	    finding_fields),
	FIELD_EACH(probe_report, "members", members, member_fields,
	    probe_member, member_count),
	FIELD_FROM(probe_report, "fairness", FIELD_OBJECT, fairness,
	    probe_fairness_fields),
	FIELD_FROM(probe_report, "what_if", FIELD_OBJECT, what_if,
	    what_if_fields),
	FIELD_FROM(probe_report, "latency", FIELD_OBJECT, latency,
	    probe_latency_fields),
	FIELD_FROM(probe_report, "tls", FIELD_OBJECT, tls, probe_tls_fields),
	FIELD_FROM(probe_report, "during", FIELD_OBJECT, during, during_fields),
	FIELD_FROM(probe_report, "reach", FIELD_OBJECT, reach, reach_fields),
	{ 0 },
};

struct probe_target
target_direct(const struct addr *a, const char *protocol)
{
	return (struct probe_target){
		.address = a, .protocol = protocol,
		.port = a && a->sa.sa_family != AF_UNIX ? addr_port(a) : -1,
	};
}

const char *
target_text(const struct probe_target *t, char text[static TARGET_TEXT])
{
	char address[ADDR_TEXT];

	text[0] = '\0';
	if (t->address)
		snprintf(text, TARGET_TEXT, "%s", addr_text(t->address,
		    address));
	else if (t->name)
		snprintf(text, TARGET_TEXT, "%.255s:%lld", t->name,
		    (long long)t->port);
	return text;
}

uint64_t
failures_sum(const struct probe_failures *f)
{
	uint64_t sum = 0;

	for (int i = 0; i < FAILURES; i++)
		sum += f->at[i];
	return sum;
}
