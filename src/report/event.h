#ifndef REPORT_EVENT_H
#define REPORT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/member.h"
#include "net/addr.h"
#include "report/field.h"

struct probe_report;
struct group_report;
struct compare_report;
struct watch_report;
struct table_style;

/* An event as plain data; human.c and json.c make text of it. */

enum event_kind {
	EVENT_LISTENING, EVENT_JOINED, EVENT_LEFT, EVENT_CONNECTED, EVENT_DATA,
	EVENT_CLOSED, EVENT_EXIT, EVENT_REACHED, EVENT_TLS, EVENT_KEY, EVENT_SOCKOPT,
	EVENT_PAUSED, EVENT_RESUMED, EVENT_DRAINING, EVENT_DRAINED,
	EVENT_STEERING, EVENT_ERROR, EVENT_REPORT, EVENT_CHECK, EVENT_PROBE,
	EVENT_GROUP, EVENT_SCAN, EVENT_RESCUE, EVENT_COMPARE, EVENT_WATCH,
	EVENT_KINDS,
};

/* One worker's line of echo's report. */
struct worker_row {
	const char *name;
	int64_t worker, pid, restarts;
	uint64_t accepted, in, out, denied;
	double share, cpu;
};

/* A member of the group that would be joined. */
struct check_row {
	struct member who;		/* name NULL: not rpnc's */
	int64_t sockets;
};

/* One port of a scan. */
struct scan_row {
	const struct addr *address;	/* NULL: a name that a proxy looks up */
	const char *name;		/* that name, or NULL */
	int64_t port;
	bool by_proxy;			/* a proxy says so */
	const char *state;		/* "open", "closed", "no answer" */
	const char *service, *reason;	/* NULL: none */
	double seconds;			/* NAN: no answer */
};

/*
 * The fields of all kinds; the table of a kind names the fields that it uses.
 */
struct event {
	enum event_kind kind;
	int64_t time;			/* CLOCK_REALTIME, microseconds */
	int64_t conn, pid, port, members, membership, own, clients;
	int64_t queued, handshakes, lost;
	int64_t status, signal;		/* how a program ended; the other: -1 */
	int64_t waiting;		/* in the queue of a dead member; -1 */
	int64_t cut;			/* its open connections then; or -1 */
	int64_t adopted;		/* a pid, or -1 */
	const char *name, *protocol, *reason, *text, *command, *mode, *steering;
	const char *replaces;		/* the member that has gone, or goes */
	const struct addr *address, *peer;
	const struct addr *via;		/* the proxy that peer came by, or NULL */
	const char *proxy;		/* URLs of proxies on the way, or NULL */
	const char *version, *cipher, *alpn;	/* of TLS */
	const char *pin;		/* of a TLS key */
	const char *asked, *value;	/* of a socket option */
	bool verified;			/* the peer's certificate */
	const char *how;		/* a member was reached */
	int64_t number, tries;		/* a worker's, or -1; connections */
	bool seen, steered;		/* accepted; by a program */
	bool datagram;
	const void *data;
	size_t length;
	bool reuseport;
	uint64_t in, out, total, denied;
	double seconds;
	const struct worker_row *rows;
	size_t row_count;
	const struct check_row *joined;
	size_t joined_count;
	const struct scan_row *scan;
	size_t scan_count;
	uint64_t open, shut, silent;
	uint64_t rescued, failed;
	bool detail;			/* -v: ports not open; the mode */
	const struct probe_report *probe;	/* has EVENT_PROBE's fields */
	const struct group_report *group;	/* and EVENT_GROUP's */
	const struct compare_report *compare;	/* and EVENT_COMPARE's */
	const struct watch_report *watch;	/* and EVENT_WATCH's */
};

struct event_type {
	const char *name;
	int level;			/* 0 always, 1 not with -q, 2 with -v */
	const struct field *fields;
};

/* One table defines the fields; the manual lists them. */
extern const struct event_type event_types[EVENT_KINDS];

/* Microseconds of CLOCK_REALTIME. */
int64_t event_now(void);

/* "2026-11-22T21:00:00.123456Z", RFC 3339 */
enum { TIME_TEXT = 32 };
const char *time_text(int64_t time, char text[static TIME_TEXT]);

/*
 * Both renderers return a malloced line without its end, or NULL. Human text of
 * a kind that has none is NULL too. ascii is for terminals, because some obey
 * control characters beyond ASCII. At a terminal the lines of a report are no
 * wider than its columns.
 */
char *event_json(const struct event *, bool ascii);
char *event_human(const struct event *, const struct table_style *);

#endif
