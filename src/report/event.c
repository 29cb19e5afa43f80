/*
 * The table of the events: for each kind its name, the verbosity that shows it,
 * and its fields in the order in which JSON has them. rpnc-events(5) lists the
 * same fields. json.c and human.c render an event by this table.
 */
#include "report/event.h"

#include <stdio.h>
#include <time.h>

#include "report/compare.h"
#include "report/group.h"
#include "report/probe.h"
#include "report/watch.h"

#define EVENT(name, type, member) FIELD(event, name, type, member)
#define JOINED(name, type, member) FIELD(check_row, name, type, member)
#define SCANNED(name, type, member) FIELD(scan_row, name, type, member)
#define ROW(name, type, member) FIELD(worker_row, name, type, member)

static const struct field listening[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("protocol", FIELD_TEXT, protocol),
	EVENT("address", FIELD_HOST, address),
	EVENT("port", FIELD_PORT, address),
	EVENT("reuseport", FIELD_FLAG, reuseport),
	EVENT("members", FIELD_NUMBER, members),
	EVENT("steering", FIELD_TEXT, steering),
	EVENT("adopted_from", FIELD_NUMBER, adopted),
	{ 0 },
};

static const struct field member[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("members", FIELD_NUMBER, members),
	EVENT("replaces", FIELD_TEXT, replaces),
	{ 0 },
};

static const struct field left[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("members", FIELD_NUMBER, members),
	EVENT("accepted", FIELD_NUMBER, clients),
	EVENT("open", FIELD_NUMBER, cut),
	EVENT("waiting", FIELD_NUMBER, waiting),
	EVENT("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field paused[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field connected[] = {
	EVENT("conn", FIELD_NUMBER, conn),
	EVENT("name", FIELD_TEXT, name),
	EVENT("address", FIELD_HOST, peer),
	EVENT("port", FIELD_PORT, peer),
	EVENT("via", FIELD_HOST, via),
	EVENT("via_port", FIELD_PORT, via),
	{ 0 },
};

static const struct field data[] = {
	EVENT("conn", FIELD_NUMBER, conn),
	EVENT("data", FIELD_DATA, data),
	{ 0 },
};

static const struct field closed[] = {
	EVENT("conn", FIELD_NUMBER, conn),
	EVENT("name", FIELD_TEXT, name),
	EVENT("in", FIELD_COUNT, in),
	EVENT("out", FIELD_COUNT, out),
	EVENT("seconds", FIELD_SECONDS, seconds),
	EVENT("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field exited[] = {
	EVENT("conn", FIELD_NUMBER, conn),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("status", FIELD_NUMBER, status),
	EVENT("signal", FIELD_NUMBER, signal),
	EVENT("seconds", FIELD_SECONDS, seconds),
	{ 0 },
};

static const struct field reached[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("worker", FIELD_NUMBER, number),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("command", FIELD_TEXT, command),
	EVENT("how", FIELD_TEXT, how),
	EVENT("tries", FIELD_NUMBER, tries),
	EVENT("seen", FIELD_FLAG, seen),
	EVENT("steered", FIELD_FLAG, steered),
	{ 0 },
};

static const struct field tls[] = {
	EVENT("conn", FIELD_NUMBER, conn),
	EVENT("version", FIELD_TEXT, version),
	EVENT("cipher", FIELD_TEXT, cipher),
	EVENT("alpn", FIELD_TEXT, alpn),
	EVENT("name", FIELD_TEXT, name),
	EVENT("pin", FIELD_TEXT, pin),
	EVENT("verified", FIELD_FLAG, verified),
	{ 0 },
};

static const struct field key[] = {
	EVENT("pin", FIELD_TEXT, pin),
	{ 0 },
};

static const struct field sockopt[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("asked", FIELD_TEXT, asked),
	EVENT("value", FIELD_TEXT, value),
	EVENT("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field begun[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field set[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("steering", FIELD_TEXT, steering),
	{ 0 },
};

static const struct field drained[] = {
	EVENT("name", FIELD_TEXT, name),
	EVENT("mode", FIELD_TEXT, mode),
	EVENT("queued", FIELD_NUMBER, queued),
	EVENT("handshakes", FIELD_NUMBER, handshakes),
	EVENT("lost", FIELD_NUMBER, lost),
	EVENT("seconds", FIELD_SECONDS, seconds),
	EVENT("text", FIELD_TEXT, text),
	{ 0 },
};

static const struct field error[] = {
	EVENT("text", FIELD_TEXT, text),
	{ 0 },
};

static const struct field worker[] = {
	ROW("name", FIELD_TEXT, name),
	ROW("worker", FIELD_NUMBER, worker),
	ROW("pid", FIELD_NUMBER, pid),
	ROW("accepted", FIELD_COUNT, accepted),
	ROW("share", FIELD_SECONDS, share),
	ROW("in", FIELD_COUNT, in),
	ROW("out", FIELD_COUNT, out),
	ROW("cpu", FIELD_SECONDS, cpu),
	ROW("restarts", FIELD_NUMBER, restarts),
	{ 0 },
};

static const struct field report[] = {
	EVENT("command", FIELD_TEXT, command),
	EVENT("name", FIELD_TEXT, name),
	EVENT("seconds", FIELD_SECONDS, seconds),
	EVENT("accepted", FIELD_NUMBER, clients),
	EVENT("denied", FIELD_COUNT, denied),
	EVENT("in", FIELD_COUNT, in),
	EVENT("out", FIELD_COUNT, out),
	FIELD_EACH(event, "workers", rows, worker,
	    worker_row, row_count),
	{ 0 },
};

static const struct field joined[] = {
	JOINED("name", FIELD_TEXT, who.name),
	JOINED("pid", FIELD_NUMBER, who.pid),
	JOINED("command", FIELD_TEXT, who.command),
	JOINED("sockets", FIELD_NUMBER, sockets),
	{ 0 },
};

static const struct field check[] = {
	EVENT("command", FIELD_TEXT, command),
	EVENT("protocol", FIELD_TEXT, protocol),
	EVENT("address", FIELD_HOST, address),
	EVENT("port", FIELD_PORT, address),
	EVENT("reuseport", FIELD_FLAG, reuseport),
	FIELD_EACH(event, "members", joined, joined,
	    check_row, joined_count),
	{ 0 },
};

static const struct field scanned[] = {
	SCANNED("address", FIELD_HOST, address),
	SCANNED("name", FIELD_TEXT, name),
	SCANNED("port", FIELD_NUMBER, port),
	SCANNED("service", FIELD_TEXT, service),
	SCANNED("state", FIELD_TEXT, state),
	SCANNED("seconds", FIELD_SECONDS, seconds),
	SCANNED("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field scan[] = {
	EVENT("command", FIELD_TEXT, command),
	EVENT("protocol", FIELD_TEXT, protocol),
	EVENT("proxy", FIELD_TEXT, proxy),
	EVENT("seconds", FIELD_SECONDS, seconds),
	EVENT("open", FIELD_COUNT, open),
	EVENT("closed", FIELD_COUNT, shut),
	EVENT("silent", FIELD_COUNT, silent),
	FIELD_EACH(event, "scan", scan, scanned,
	    scan_row, scan_count),
	{ 0 },
};

static const struct field rescue[] = {
	EVENT("command", FIELD_TEXT, command),
	EVENT("name", FIELD_TEXT, name),
	EVENT("pid", FIELD_NUMBER, pid),
	EVENT("seconds", FIELD_SECONDS, seconds),
	EVENT("rescued", FIELD_COUNT, rescued),
	EVENT("failed", FIELD_COUNT, failed),
	EVENT("in", FIELD_COUNT, in),
	EVENT("out", FIELD_COUNT, out),
	{ 0 },
};

const struct event_type event_types[EVENT_KINDS] = {
	[EVENT_LISTENING] = { "listening", 1, listening },
	[EVENT_JOINED] = { "joined", 1, member },
	[EVENT_LEFT] = { "left", 1, left },
	[EVENT_CONNECTED] = { "connected", 2, connected },
	[EVENT_DATA] = { "data", 2, data },
	[EVENT_CLOSED] = { "closed", 2, closed },
	[EVENT_EXIT] = { "exit", 2, exited },
	[EVENT_REACHED] = { "reached", 1, reached },
	[EVENT_TLS] = { "tls", 2, tls },
	[EVENT_KEY] = { "key", 1, key },
	[EVENT_SOCKOPT] = { "sockopt", 1, sockopt },
	[EVENT_PAUSED] = { "paused", 1, paused },
	[EVENT_RESUMED] = { "resumed", 1, paused },
	[EVENT_DRAINING] = { "draining", 1, begun },
	[EVENT_DRAINED] = { "drained", 1, drained },
	[EVENT_STEERING] = { "steering", 1, set },
	[EVENT_ERROR] = { "error", 0, error },
	[EVENT_REPORT] = { "report", 1, report },
	[EVENT_CHECK] = { "report", 1, check },
	[EVENT_PROBE] = { "report", 1, probe_fields },
	[EVENT_GROUP] = { "group", 1, group_fields },
	[EVENT_SCAN] = { "report", 1, scan },
	[EVENT_RESCUE] = { "report", 1, rescue },
	[EVENT_COMPARE] = { "report", 1, compare_fields },
	[EVENT_WATCH] = { "report", 1, watch_fields },
};

int64_t
event_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const char *
time_text(int64_t when, char text[static TIME_TEXT])
{
	time_t seconds = (time_t)(when / 1000000);
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	used = strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, TIME_TEXT - used, ".%06dZ",
	    (int)(when % 1000000));
	return text;
}
