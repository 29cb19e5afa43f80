#include "app/settings.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "group/registry/registry.h"
#include "net/resolve.h"

enum { INTERVAL_US = 1000 * 1000, INTERVAL_LEAST_US = INTERVAL_US / 10 };
enum { SPIN_US = 200 };
#define INTERVAL_MOST_US (3600 * INT64_C(1000000))

#define AT(field) offsetof(struct settings, field)
/* The help may be followed by the modes that the option is for. */
#define ROW(what, letter_, name_, arg_, field, min_, max_, ...) { \
	.kind = (what), .letter = (letter_), .name = (name_), .arg = (arg_), \
	.offset = AT(field), .min = (min_), .max = (max_), .help = __VA_ARGS__ }
#define FLAG(letter, name, field, ...) \
	ROW(OPT_FLAG, letter, name, NULL, field, 0, 0, __VA_ARGS__)
#define NUMBER(letter, name, arg, field, min, max, ...) \
	ROW(OPT_NUMBER, letter, name, arg, field, min, max, __VA_ARGS__)
#define TIME(letter, name, field, min, ...) \
	ROW(OPT_TIME, letter, name, "TIME", field, min, 0, __VA_ARGS__)
#define TEXT(letter, name, arg, field, ...) \
	ROW(OPT_TEXT, letter, name, arg, field, 0, 0, __VA_ARGS__)
#define MAYBE(letter, name, arg, field, ...) \
	ROW(OPT_MAYBE, letter, name, arg, field, 0, 0, __VA_ARGS__)
#define CHOICE(letter, name, words, field, ...) \
	ROW(OPT_CHOICE, letter, name, words, field, 0, 0, __VA_ARGS__)
#define VALUE(letter, name, field, value, ...) \
	ROW(OPT_VALUE, letter, name, NULL, field, value, 0, __VA_ARGS__)
#define CONGESTION TEXT(0, "congestion", "NAME|keep", congestion, \
	"TCP's congestion control (bbr: reno on this host)")
#define END { .kind = OPT_END }

const struct opt address_options[] = {
	VALUE('4', "ipv4", family, AF_INET, "IPv4 only", PROBE_ASKS),
	VALUE('6', "ipv6", family, AF_INET6, "IPv6 only", PROBE_ASKS),
	FLAG('u', "udp", udp, "datagrams: UDP, or Unix datagrams with -U",
	    PROBE_ASKS),
	FLAG('U', "unix", local, "a Unix socket: PATH, or @NAME (abstract)",
	    PROBE_ASKS),
	FLAG(0, "numeric", numeric, "never ask a name server", PROBE_ASKS),
	TEXT(0, "interface", "IF", interface, "only by this interface",
	    PROBE_LOAD | PROBE_SCAN),
	END
};

const struct opt stream_options[] = {
	FLAG(0, "json", json, "events as JSON lines on stdout, payload too"),
	FLAG('v', "verbose", verbose, "say who connected and what closed"),
	FLAG('q', "quiet", quiet, "say nothing but errors"),
	FLAG(0, "timestamps", timestamps, "put the time before each event"),
	CHOICE(0, "color", "auto|always|never", color, "colour of events"),
	FLAG('h', "help", help, "this text"),
	END
};

const struct opt listen_options[] = {
	FLAG('r', "reuseport", reuseport,
	    "join the port's group (SO_REUSEPORT)"),
	TEXT(0, "name", "NAME", name, "its name where members meet (a letter)"),
	FLAG(0, "check", check, "only say whether this would work, and how"),
	NUMBER(0, "backlog", "N", backlog, 1, INT_MAX,
	    "queue of connections not accepted yet (4096)"),
	NUMBER('m', "max-conns", "N", max_conns, 1, 1000000,
	    "at most so many connections at once (each worker)"),
	TEXT(0, "steer", "MODE", steer,
	    "who gets a new connection (hash): rpnc-listen(1)"),
	NUMBER(0, "weight", "N", weight, 0, WEIGHT_MAX,
	    "its part of what the group gets; others have 100"),
	TEXT(0, "replace", "NAME|PID", replace,
	    "join, then have that member leave"),
	NUMBER(0, "adopt", "PID", adopt, 1, INT_MAX,
	    "take over this process's sockets; no PORT: its one"),
	CHOICE(0, "leave", "auto|steer|gate|drain|close", leave,
	    "how to leave the group at the end"),
	TIME(0, "grace", grace, 0, "for open sessions then (10)"),
	FLAG(0, "live", live, "the members, at the top of the terminal"),
	NUMBER(0, "ready-fd", "FD", ready_fd, 0, 1 << 20,
	    "write the addresses there once listening"),
	END
};

const struct opt talk_options[] = {
	CHOICE(0, "prompt", "auto|always|never", prompt,
	    "a line to type on, for a person at a terminal"),
	FLAG('C', "crlf", crlf, "send LF as CRLF"),
	FLAG('x', "hex", hex, "show the traffic as a hex dump on stderr"),
	CHOICE(0, "until", "both|peer|input", until,
	    "whose end of file ends a connection (both)"),
	TIME(0, "idle-timeout", idle_timeout, 1,
	    "close a connection silent for so long"),
	CONGESTION,
	END
};

const struct opt talk_once_options[] = {
	FLAG('k', "keep-open", keep, "serve many clients at once"),
	FLAG(0, "once", once, "serve one client though -r is given"),
	TIME(0, "accept-timeout", accept_timeout, 1,
	    "end when no client comes for so long"),
	END
};

const struct opt dial_options_table[] = {
	TEXT('s', "source", "ADDR", source, "connect from this address"),
	NUMBER('p', "source-port", "PORT", source_port, 1, 65535,
	    "connect from this port"),
	TIME(0, "connect-timeout", connect_timeout, 1,
	    "give up connecting after this, in total (10)"),
	TIME(0, "wait", wait, 0, "retry for so long until it listens"),
	FLAG('n', "no-stdin", no_stdin, "do not read stdin"),
	TIME(0, "linger", linger, 0,
	    "with -u: end so long after the last datagram (1)"),
	END
};

const struct opt echo_options[] = {
	TEXT('w', "workers", "N|auto", workers,
	    "processes that serve (1); auto: one a processor"),
	CHOICE(0, "accept", "shared|exclusive|reuseport|blocking|handoff|fork",
	    accept, "how workers share a port (reuseport)"),
	TIME(0, "work", work, 0, "use so much CPU for each request"),
	TEXT(0, "stall", "TIME:EVERY", stall,
	    "each EVERY requests, serve nobody for TIME"),
	MAYBE(0, "busy", "TIME", spin,
	    "look for more for so long before sleep (200us)"),
	FLAG(0, "identify", identify, "greet with one line that says who"),
	VALUE(0, "discard", service, SERVICE_DISCARD,
	    "send nothing back (RFC 863)"),
	VALUE(0, "chargen", service, SERVICE_CHARGEN,
	    "send a pattern without end (RFC 864)"),
	CONGESTION,
	END
};

const struct opt probe_options[] = {
	NUMBER('n', "count", "COUNT", count, 1, 1000000000,
	    "attempts (200; with -d or --watch no limit)",
	    PROBE_ONCE | PROBE_COMPARE),
	NUMBER('c', "concurrency", "N", concurrency, 1, 20000,
	    "at most so many at a time (8; --watch: 128)",
	    PROBE_LOAD | PROBE_SCAN | PROBE_COMPARE),
	TIME('d', "duration", duration, 1,
	    "so long; with --during: after COMMAND's end (1)",
	    PROBE_LOAD | PROBE_COMPARE),
	TEXT(0, "rate", "N", rate,
	    "so many a second, also 0.5 (open loop; --watch: 100)",
	    PROBE_LOAD | PROBE_COMPARE),
	CHOICE(0, "by", "auto|diag|banner|reply|board|none", by,
	    "how to know who answered (auto)", PROBE_LOAD),
	TEXT(0, "match", "REGEX", match,
	    "who answered is what this finds in the reply", PROBE_LOAD),
	MAYBE(0, "echo", "SIZE", echo,
	    "verify that so many bytes come back (64)", PROBE_LOAD),
	TEXT(0, "send", "TEXT", send,
	    "send this (\\n \\r \\t \\\\ \\xNN) and await a reply", PROBE_LOAD),
	TEXT(0, "expect", "REGEX", expect, "the reply must match", PROBE_LOAD),
	TEXT(0, "expect-weights", "WEIGHTS", expect_weights,
	    "who is to get how much: A=70,B=30; also pids", PROBE_ONCE),
	MAYBE(0, "fail-uneven", "P", fail_uneven,
	    "status 7 if uneven, or p is below P", PROBE_ONCE | PROBE_MERGE),
	TEXT(0, "what-if", "CHANGE", what_if,
	    "flows that would move: +1, -1, or NAME leaves", PROBE_ONCE),
	FLAG(0, "during", during,
	    "what is lost while a command runs: ... -- COMMAND",
	    PROBE_DURING),
	TIME(0, "slow", slow, 1, "with --during: over this is slow (0.5)",
	    PROBE_DURING),
	FLAG(0, "fail-lost", fail_lost, "with --during: status 7 if any are lost",
	    PROBE_DURING),
	TEXT(0, "openmetrics", "FILE", openmetrics,
	    "write the report there too, as metrics", PROBE_LOAD | PROBE_MERGE),
	FLAG(0, "merge", merge,
	    "the words are FILEs with reports (--json): add them up",
	    PROBE_MERGE),
	TIME(0, "connect-timeout", connect_timeout, 1,
	    "give up connecting after this (10)", PROBE_ASKS),
	TIME(0, "timeout", probe_timeout, 1,
	    "give up an attempt after this (10; -u: 1)", PROBE_LOAD),
	TIME(0, "wait", wait, 0, "retry for so long until it listens",
	    PROBE_LOAD | PROBE_GROUP),
	TEXT('s', "source", "ADDR", source, "connect from this address",
	    PROBE_LOAD | PROBE_SCAN),
	TEXT(0, "sources", "NET", sources,
	    "connect from these addresses by turns", PROBE_LOAD | PROBE_SCAN),
	TEXT(0, "sport", "PORT", sport,
	    "connect from this port, or FIRST-LAST by turns",
	    PROBE_LOAD | PROBE_SCAN),
	FLAG(0, "busy", busy, "never sleep, for precise times",
	    PROBE_LOAD | PROBE_SCAN | PROBE_COMPARE),
	FLAG(0, "group", group, "list the port's groups, connect to nothing",
	    PROBE_GROUP),
	MAYBE(0, "watch", "SEC", watch,
	    "go on, and show it each second, or each SEC",
	    PROBE_ONCE | PROBE_GROUP),
	TEXT(0, "quarantine", "PID", quarantine,
	    "keep new connections away from a stuck member",
	    PROBE_QUARANTINE),
	TEXT(0, "rescue", "PID", rescue,
	    "the same, and have others serve who waits there",
	    PROBE_QUARANTINE),
	FLAG(0, "force", force, "also among members that are not rpnc's",
	    PROBE_QUARANTINE),
	FLAG(0, "yes", yes, "do not ask first", PROBE_QUARANTINE),
	FLAG(0, "compare", compare,
	    "echo's ways to accept, by turns: which is best here",
	    PROBE_COMPARE),
	TEXT('w', "workers", "N|auto", workers,
	    "processes of each, with --compare (4)", PROBE_COMPARE),
	TIME(0, "work", work, 0, "CPU of a request, with --compare (50us)",
	    PROBE_COMPARE),
	TEXT(0, "stall", "TIME[:EVERY]", stall,
	    "a stall, each EVERY requests (20ms:200)",
	    PROBE_COMPARE),
	END
};

/* Options of nc or an older rpnc that have another meaning here, or none. */
const struct opt_hint hints[] = {
	{ "0", "", "not an option, nor a port: ports are 0 to 65535" },
	{ "l", "", "to listen, say 'rpnc listen'" },
	{ "z", "", "to see whether a port is open, say 'rpnc probe -n 1'" },
	{ "w", "", "nc's -w is --connect-timeout and --idle-timeout here" },
	{ "N", "", "not needed: end of stdin half-closes by itself" },
	{ "q", "", "not needed: nothing is cut at end of stdin" },
	{ "e", "", "rpnc runs no programs" },
	{ "c", "", "rpnc runs no programs" },
	{ "d", "", "to leave stdin alone, say -n" },
	{ "k", "", "only 'rpnc listen' keeps open; echo always does" },
	{ "r", "connect", "SO_REUSEPORT is for 'listen -r' and 'echo -r'; for "
	    "nc's random source ports do nothing" },
	{ "s", "listen echo", "to listen on one address, say HOST PORT" },
	{ "p", "listen echo", "the port stands alone: 'rpnc listen 9000'" },
	{ "both", "listen connect", "both ends are awaited anyway; --until "
	    "peer does not wait for stdin's" },
	{ NULL, NULL, NULL },
};

void
settings_init(struct settings *s, const char *command)
{
	*s = (struct settings){
		.command = command,
		.family = AF_UNSPEC,
		.ready_fd = -1,
		.backlog = 4096,
		.weight = -1,
		.grace = 10 * 1000 * 1000,
		.connect_timeout = 10 * 1000 * 1000,
		.linger = 1000 * 1000,
		.concurrency = 8,
		.work = -1,
		.accept = ACCEPT_DEFAULT,
	};
}

int
settings_endpoint(const struct settings *s, int count, char *const *words,
    struct endpoint *out)
{
	int64_t number;

	*out = (struct endpoint){
		.local = s->local, .datagram = s->udp, .family = s->family,
		.numeric = s->numeric,
	};
	if (s->quiet && count > 1 && num_parse(words[0], 0, 65535, &number) == 0)
		return fail_as(STATUS_USAGE, "-q %s: nc's -q is not needed: "
		    "nothing is cut at end of stdin; here -q is --quiet",
		    words[0]);
	/* what it has is what there is */
	if (s->adopt && !count)
		return 0;
	return endpoint_parse(out, count, words);
}

int
settings_source(const struct settings *s, int64_t deadline,
    struct addr_list *out)
{
	struct endpoint e = {
		.datagram = s->udp, .family = s->family,
		.numeric = s->numeric,
	};
	char any[] = "0", *words[] = { (char *)(uintptr_t)s->source, any };

	*out = (struct addr_list){ 0 };
	if (!s->source)
		return 0;
	if (endpoint_parse(&e, 2, words) < 0)
		return -1;
	return resolve(&e, deadline, out) < 0 ? -1 : 0;
}

int64_t
settings_interval(const struct settings *s)
{
	int64_t us = INTERVAL_US;

	if (*s->watch && (duration_parse(s->watch, &us) < 0 ||
	    us < INTERVAL_LEAST_US || us > INTERVAL_MOST_US))
		return fail_as(STATUS_USAGE, "--watch=%.40s: want 0.1 to 3600 "
		    "seconds", s->watch);
	return us;
}

int
settings_congestion(const struct settings *s, const struct endpoint *e,
    struct congestion *out)
{
	if (s->congestion && (e->local || e->datagram))
		return fail_as(STATUS_USAGE, "--congestion is for TCP only");
	out->wish = s->congestion;
	return congestion_check(out);
}

int64_t
settings_spin(const struct settings *s)
{
	int64_t us = s->spin ? SPIN_US : 0;

	if (s->spin && *s->spin && (duration_parse(s->spin, &us) < 0 ||
	    us < 1))
		return fail_as(STATUS_USAGE, "--busy=%.40s: want a time such "
		    "as 200us", s->spin);
	return us;
}

int
settings_workers(const struct settings *s)
{
	int64_t n;

	if (!s->workers)
		return 1;
	if (strcmp(s->workers, "auto") == 0) {
		n = sysconf(_SC_NPROCESSORS_ONLN);
		return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (int)n;
	}
	if (num_parse(s->workers, 1, WORKERS_MAX, &n) < 0)
		return fail_as(STATUS_USAGE, "--workers %.40s: want 1 to %d, "
		    "or auto", s->workers, WORKERS_MAX);
	return (int)n;
}

int
settings_check(const struct settings *s)
{
	if (s->quiet && s->verbose)
		return fail_as(STATUS_USAGE, "-q and -v exclude each other");
	if (s->keep && s->once)
		return fail_as(STATUS_USAGE, "-k serves many, --once one: "
		    "choose");
	if (s->name && !name_valid(s->name))
		return fail_as(STATUS_USAGE, "--name %.40s: want a letter, "
		    "then at most 15 letters, digits, '_', '.' or '-'",
		    s->name);
	if (s->ready_fd >= 0 && (s->ready_fd < 3 ||
	    fcntl((int)s->ready_fd, F_GETFD) < 0))
		return fail_as(STATUS_USAGE, "--ready-fd %d: not an open "
		    "descriptor over 2", (int)s->ready_fd);
	return 0;
}
