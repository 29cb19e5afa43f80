#include "report/event.h"

#include <stdio.h>
#include <time.h>

#include "report/compare.h"
#include "report/group.h"
#include "report/monitor.h"
#include "report/probe.h"

#define FIELD(name, type, member) \
	{ name, type, offsetof(struct event, member), NULL, 0, 0 }
#define JOINED(name, type, member) \
	{ name, type, offsetof(struct check_row, member), NULL, 0, 0 }
#define SCANNED(name, type, member) \
	{ name, type, offsetof(struct scan_row, member), NULL, 0, 0 }
#define ROW(name, type, member) \
	{ name, type, offsetof(struct worker_row, member), NULL, 0, 0 }

static const struct field listening[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("protocol", FIELD_TEXT, protocol),
	FIELD("address", FIELD_HOST, address),
	FIELD("port", FIELD_PORT, address),
	FIELD("reuseport", FIELD_FLAG, reuseport),
	FIELD("members", FIELD_NUMBER, members),
	FIELD("steering", FIELD_TEXT, steering),
	FIELD("adopted_from", FIELD_NUMBER, adopted),
	{ 0 },
};

static const struct field member[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("members", FIELD_NUMBER, members),
	{ 0 },
};

static const struct field left[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("members", FIELD_NUMBER, members),
	FIELD("accepted", FIELD_NUMBER, clients),
	FIELD("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field paused[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field connected[] = {
	FIELD("conn", FIELD_NUMBER, conn),
	FIELD("name", FIELD_TEXT, name),
	FIELD("address", FIELD_HOST, peer),
	FIELD("port", FIELD_PORT, peer),
	{ 0 },
};

static const struct field data[] = {
	FIELD("conn", FIELD_NUMBER, conn),
	FIELD("data", FIELD_DATA, data),
	{ 0 },
};

static const struct field closed[] = {
	FIELD("conn", FIELD_NUMBER, conn),
	FIELD("name", FIELD_TEXT, name),
	FIELD("in", FIELD_COUNT, in),
	FIELD("out", FIELD_COUNT, out),
	FIELD("seconds", FIELD_SECONDS, seconds),
	FIELD("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field begun[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field set[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("steering", FIELD_TEXT, steering),
	{ 0 },
};

static const struct field drained[] = {
	FIELD("name", FIELD_TEXT, name),
	FIELD("mode", FIELD_TEXT, mode),
	FIELD("queued", FIELD_NUMBER, queued),
	FIELD("handshakes", FIELD_NUMBER, handshakes),
	FIELD("lost", FIELD_NUMBER, lost),
	FIELD("seconds", FIELD_SECONDS, seconds),
	FIELD("text", FIELD_TEXT, text),
	{ 0 },
};

static const struct field error[] = {
	FIELD("text", FIELD_TEXT, text),
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
	FIELD("command", FIELD_TEXT, command),
	FIELD("name", FIELD_TEXT, name),
	FIELD("seconds", FIELD_SECONDS, seconds),
	FIELD("accepted", FIELD_NUMBER, clients),
	FIELD("in", FIELD_COUNT, in),
	FIELD("out", FIELD_COUNT, out),
	{ "workers", FIELD_LIST, offsetof(struct event, rows), worker,
	    sizeof(struct worker_row), offsetof(struct event, row_count) },
	{ 0 },
};

static const struct field joined[] = {
	JOINED("name", FIELD_TEXT, name),
	JOINED("pid", FIELD_NUMBER, pid),
	JOINED("command", FIELD_TEXT, command),
	JOINED("sockets", FIELD_NUMBER, sockets),
	{ 0 },
};

static const struct field check[] = {
	FIELD("command", FIELD_TEXT, command),
	FIELD("protocol", FIELD_TEXT, protocol),
	FIELD("address", FIELD_HOST, address),
	FIELD("port", FIELD_PORT, address),
	FIELD("reuseport", FIELD_FLAG, reuseport),
	{ "members", FIELD_LIST, offsetof(struct event, joined), joined,
	    sizeof(struct check_row), offsetof(struct event, joined_count) },
	{ 0 },
};

static const struct field scanned[] = {
	SCANNED("address", FIELD_HOST, address),
	SCANNED("port", FIELD_PORT, address),
	SCANNED("service", FIELD_TEXT, service),
	SCANNED("state", FIELD_TEXT, state),
	SCANNED("seconds", FIELD_SECONDS, seconds),
	SCANNED("reason", FIELD_TEXT, reason),
	{ 0 },
};

static const struct field scan[] = {
	FIELD("command", FIELD_TEXT, command),
	FIELD("protocol", FIELD_TEXT, protocol),
	FIELD("seconds", FIELD_SECONDS, seconds),
	FIELD("open", FIELD_COUNT, open),
	FIELD("closed", FIELD_COUNT, shut),
	FIELD("silent", FIELD_COUNT, silent),
	{ "scan", FIELD_LIST, offsetof(struct event, scan), scanned,
	    sizeof(struct scan_row), offsetof(struct event, scan_count) },
	{ 0 },
};

static const struct field rescue[] = {
	FIELD("command", FIELD_TEXT, command),
	FIELD("name", FIELD_TEXT, name),
	FIELD("pid", FIELD_NUMBER, pid),
	FIELD("seconds", FIELD_SECONDS, seconds),
	FIELD("rescued", FIELD_COUNT, rescued),
	FIELD("failed", FIELD_COUNT, failed),
	FIELD("in", FIELD_COUNT, in),
	FIELD("out", FIELD_COUNT, out),
	{ 0 },
};

const struct event_type event_types[EVENT_KINDS] = {
	[EVENT_LISTENING] = { "listening", 1, listening },
	[EVENT_JOINED] = { "joined", 1, member },
	[EVENT_LEFT] = { "left", 1, left },
	[EVENT_CONNECTED] = { "connected", 2, connected },
	[EVENT_DATA] = { "data", 2, data },
	[EVENT_CLOSED] = { "closed", 2, closed },
	[EVENT_PAUSED] = { "paused", 1, paused },
	[EVENT_RESUMED] = { "resumed", 1, paused },
	[EVENT_DRAINING] = { "draining", 1, begun },
	[EVENT_DRAINED] = { "drained", 1, drained },
	[EVENT_STEERING] = { "steering", 1, set },
	[EVENT_ERROR] = { "error", 0, error },
	[EVENT_REPORT] = { "report", 0, report },
	[EVENT_CHECK] = { "report", 0, check },
	[EVENT_PROBE] = { "report", 0, probe_fields },
	[EVENT_GROUP] = { "group", 0, group_fields },
	[EVENT_SCAN] = { "report", 0, scan },
	[EVENT_RESCUE] = { "report", 0, rescue },
	[EVENT_COMPARE] = { "report", 0, compare_fields },
	[EVENT_WATCH] = { "report", 0, monitor_fields },
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
