/*
 * The options of every command, in the order and under the headings of --help.
 * One row drives parsing, --help and the rules between options: see opt.h.
 */
#include "app/options.h"

#include <limits.h>

#include "group/registry/registry.h"
#include "group/steer/mode.h"
#include "net/sockopts.h"
#include "report/group_flag.h"

#define AT(field) offsetof(struct settings, field)
/*
 * After the help come, in this order: the modes of probe that the option is
 * for (0 or nothing: all), OFTEN if the short --help has it, its rules, and the
 * words that complete its value.
 */
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
#define LIST(letter, name, arg, field, ...) \
	ROW(OPT_LIST, letter, name, arg, field, 0, 0, __VA_ARGS__)
#define MAYBE(letter, name, arg, field, ...) \
	ROW(OPT_MAYBE, letter, name, arg, field, 0, 0, __VA_ARGS__)
#define CHOICE(letter, name, words, field, ...) \
	ROW(OPT_CHOICE, letter, name, words, field, 0, 0, __VA_ARGS__)
#define VALUE(letter, name, field, value, ...) \
	ROW(OPT_VALUE, letter, name, NULL, field, value, 0, __VA_ARGS__)
#define OFTEN .often = true
#define NEEDS(with, why) .needs = { (with), (why) }
#define EXCLUDES(...) .excludes = { __VA_ARGS__ }
#define NO_SOURCE { "unix", \
	"a Unix socket has no source address, port or interface" }
#define NO_GROUP(option) { "unix", option ": Unix sockets have no groups" }
#define NO_NETWORK(option) { "unix", option " is for IP addresses; a Unix " \
	"socket has --allow-user" }
#define FOR_NEW(option) { "adopt", "--adopt takes sockets as they are, " \
	option " is for new ones: choose" }
/* How the value is completed: see struct opt. */
#define FILES .words = WORDS_FILE
#define MEMBERS .words = WORDS_MEMBER
#define FIXED(words) .fixed = (words)
#define HEADING(text) { .kind = OPT_HEADING, .help = (text) }
#define END { .kind = OPT_END }

#define SOCKOPT(...) LIST(0, "sockopt", "NAME=VALUE,...", sockopt, \
	"socket options: ttl=3,tos=ef; see rpnc-sockopt(7)", __VA_ARGS__, \
	.listed = sockopts_word, .commas = true)

#define TO(...) TEXT(0, "to", "NAME|PID", to, \
	"reach this member of the port's group", __VA_ARGS__, MEMBERS)
#define CONNECT_TIMEOUT(...) \
	TIME(0, "connect-timeout", connect_timeout, 1, \
	    "limit for connecting, in total (10)", __VA_ARGS__)
#define WAIT(...) \
	TIME(0, "wait", wait, 0, "retry this long until the server listens", \
	    __VA_ARGS__)
#define CONGESTION TEXT(0, "congestion", "NAME|keep", congestion, \
	"TCP congestion control: see rpnc-listen(1)", 0, \
	EXCLUDES({ "udp unix", "--congestion is for TCP only" }), \
	.words = WORDS_CONGESTION, FIXED("keep"))

#define MPTCP FLAG(0, "mptcp", mptcp, \
	"MPTCP: a connection over several paths", 0, EXCLUDES({ "udp unix " \
	"steer weight", "--mptcp is a kind of TCP, and its groups can't be " \
	"steered" }, FOR_NEW("--mptcp")))
#define SEQPACKET FLAG(0, "seqpacket", seqpacket, \
	"with -U: records that keep their borders", 0, \
	NEEDS("unix", "--seqpacket is for Unix sockets"), \
	EXCLUDES({ "udp tls accept-proxy send-proxy", "--seqpacket has " \
	"records, which -u, --tls and PROXY headers do not know" }, \
	FOR_NEW("--seqpacket")))
#define LIMIT_RATE TEXT(0, "limit-rate", "RATE", limit_rate, \
	"send at most RATE bytes a second, such as 4M", 0, \
	EXCLUDES({ "udp unix", "--limit-rate is for TCP only" }, \
	FOR_NEW("--limit-rate")))

/* Gives an enum proxy_version. */
#define SEND_PROXY(...) ROW(OPT_CHOICE, 0, "send-proxy", "v1|v2", \
	send_proxy, 1, 0, "first send a PROXY header, as a proxy does", \
	__VA_ARGS__, EXCLUDES({ "udp", "--send-proxy: a PROXY header begins " \
	"a connection; datagrams have none" }, { "proxy", "--send-proxy: a " \
	"PROXY header names both ends, and --proxy hides the server's" }))

#define PROXY(...) LIST(0, "proxy", "URL", proxies, \
	"through a SOCKS5 or HTTP proxy; repeated: a chain", __VA_ARGS__, \
	EXCLUDES({ "udp unix", "--proxy is for TCP only" }), \
	FIXED("socks5h://|socks5://|http://"))
#define PROXY_AUTH_FILE(...) TEXT(0, "proxy-auth-file", "FILE", \
	proxy_auth_file, "USER:PASSWORD, a line for each proxy", __VA_ARGS__, \
	NEEDS("proxy", "--proxy-auth-file goes with --proxy"), FILES)

#define NEEDS_TLS(option) NEEDS("tls", option " goes with --tls")
#define TLS_ROWS(...) \
	HEADING("TLS"), \
	FLAG(0, "tls", tls, "encrypt, and verify the peer", __VA_ARGS__, \
	    EXCLUDES({ "udp", "--tls is for streams: datagrams would need " \
	    "DTLS" })), \
	TEXT(0, "tls-pin", "PIN", tls_pin, \
	    "trust a peer with exactly this key: sha256//...", \
	    __VA_ARGS__, NEEDS_TLS("--tls-pin")), \
	TEXT(0, "tls-ca", "FILE", tls_ca, \
	    "trust these authorities (PEM)", __VA_ARGS__, \
	    NEEDS_TLS("--tls-ca"), FILES), \
	TEXT(0, "tls-cert", "FILE", tls_cert, \
	    "our certificate and its chain (PEM)", __VA_ARGS__, \
	    NEEDS_TLS("--tls-cert"), FILES), \
	TEXT(0, "tls-key", "FILE", tls_key, \
	    "its key (PEM; default: in the same file)", __VA_ARGS__, \
	    NEEDS("tls-cert", "--tls-key goes with --tls-cert"), FILES), \
	TEXT(0, "tls-alpn", "NAME,...", tls_alpn, \
	    "application protocols, the best first", __VA_ARGS__, \
	    NEEDS_TLS("--tls-alpn"), FIXED("h2|http/1.1"), .commas = true)
#define TLS_LAX_EOF \
	FLAG(0, "tls-lax-eof", tls_lax_eof, \
	    "an end without a close_notify is no error", 0, \
	    NEEDS_TLS("--tls-lax-eof"))
#define TLS_SERVER(...) \
	TEXT(0, "tls-name", "HOST", tls_name, \
	    "the server's name (default: the host)", __VA_ARGS__, \
	    NEEDS_TLS("--tls-name"), .words = WORDS_HOST), \
	FLAG(0, "tls-insecure", tls_insecure, "verify nothing", __VA_ARGS__, \
	    NEEDS_TLS("--tls-insecure"), \
	    EXCLUDES({ "tls-pin tls-ca", "--tls-insecure verifies nothing: " \
	    "choose" }))

const struct opt tls_connect_options[] = {
	TLS_ROWS(0),
	TLS_SERVER(0),
	TLS_LAX_EOF,
	END
};

const struct opt tls_probe_options[] = {
	TLS_ROWS(PROBE_LOAD),
	TLS_SERVER(PROBE_LOAD),
	FLAG(0, "tls-resume", tls_resume,
	    "resume sessions: shorter handshakes", PROBE_LOAD,
	    NEEDS_TLS("--tls-resume")),
	END
};

const struct opt tls_listen_options[] = {
	TLS_ROWS(0),
	TLS_LAX_EOF,
	END
};

#define AN_ADDRESS (PROBE_ASKS | LISTEN_PROGRAM)

const struct opt address_options[] = {
	HEADING("Address"),
	VALUE('4', "ipv4", family, AF_INET, "IPv4 only", AN_ADDRESS),
	VALUE('6', "ipv6", family, AF_INET6, "IPv6 only", AN_ADDRESS),
	FLAG('u', "udp", udp, "datagrams: UDP, or Unix datagrams with -U",
	    PROBE_ASKS),
	FLAG('U', "unix", local, "a Unix socket: PATH, or @NAME (abstract)",
	    AN_ADDRESS, .operands = WORDS_FILE),
	FLAG(0, "numeric", numeric, "never ask a name server", AN_ADDRESS),
	TEXT(0, "interface", "IF", interface,
	    "use only this network interface", PROBE_LOAD | PROBE_SCAN |
	    LISTEN_PROGRAM,
	    EXCLUDES(NO_SOURCE, FOR_NEW("--interface")),
	    .words = WORDS_INTERFACE),
	SOCKOPT(PROBE_LOAD | PROBE_SCAN | LISTEN_PROGRAM,
	    EXCLUDES(FOR_NEW("--sockopt"))),
	END
};

const struct opt output_options[] = {
	HEADING("Output"),
	FLAG(0, "json", json, "events and data as JSON lines on stdout"),
	TEXT(0, "events", "FILE", events,
	    "append the events as JSON lines to FILE", 0, EXCLUDES({ "json",
	    "--json has the events on stdout, --events in a file: choose" }),
	    FILES),
	FLAG('v', "verbose", verbose, "also report each connection"),
	FLAG('q', "quiet", quiet, "no events, no report: only data and errors", 0,
	    EXCLUDES({ "verbose", "-q and -v exclude each other" },
	    { "watch", "--watch shows the port, -q nothing: choose" })),
	FLAG(0, "timestamps", timestamps, "put the time before each event"),
	CHOICE(0, "color", "auto|always|never", color,
	    "colour the events (auto: on a terminal)"),
	CHOICE(0, "sandbox", "auto|off|must", sandbox,
	    "give up unneeded calls, files: rpnc-sandbox(7)"),
	MAYBE('h', "help", "all", help, "list the usual options, or all",
	    FIXED("all")),
	END
};

const struct opt clients_options[] = {
	HEADING("Clients"),
	FLAG('k', "keep-open", keep, "serve many clients at once", 0, OFTEN),
	FLAG(0, "once", once, "with -r: serve one client, then leave", 0,
	    EXCLUDES({ "keep-open", "-k serves many, --once one: choose" })),
	TIME(0, "accept-timeout", accept_timeout, 1,
	    "end if no client comes within this time"),
	END
};

const struct opt data_options[] = {
	HEADING("Data"),
	CHOICE(0, "prompt", "auto|always|never", prompt,
	    "show a prompt (auto: at a terminal)", LISTEN_RELAY),
	FLAG('C', "crlf", crlf, "send LF as CR LF", LISTEN_RELAY),
	FLAG('x', "hex", hex, "also show the traffic as a hex dump on stderr",
	    LISTEN_RELAY, OFTEN),
	CHOICE(0, "until", "both|peer|input", until,
	    "which end of file ends a connection (both)", LISTEN_RELAY,
	    EXCLUDES({ "udp", "--until: datagrams have no end of file; "
	    "connect -u has --linger" })),
	FLAG(0, "no-shutdown", no_shutdown,
	    "do not half-close when standard input ends", LISTEN_RELAY,
	    EXCLUDES({ "udp", "--no-shutdown: datagrams have no end of "
	    "file" })),
	TIME(0, "delay", delay, 1, "wait this long between lines of stdin",
	    LISTEN_RELAY),
	TIME(0, "idle-timeout", idle_timeout, 1,
	    "close a connection idle for this time", LISTEN_RELAY),
	END
};

const struct opt server_options[] = {
	HEADING("Server"),
	FLAG(0, "check", check, "only report whether this would work", 0,
	    EXCLUDES(FOR_NEW("--check"))),
	NUMBER(0, "backlog", "N", backlog, 1, INT_MAX,
	    "most connections that wait to be accepted (4096)"),
	NUMBER('m', "max-conns", "N", max_conns, 1, 1000000,
	    "most clients at once (echo: for each worker)"),
	CONGESTION,
	LIMIT_RATE,
	MPTCP,
	SEQPACKET,
	MAYBE(0, "accept-proxy", "CIDR,...", accept_proxy,
	    "clients (or only these) first send a PROXY header", 0,
	    EXCLUDES({ "udp", "--accept-proxy: a PROXY header begins a "
	    "connection; datagrams have none" })),
	NUMBER(0, "adopt", "PID", adopt, 1, INT_MAX,
	    "take over this process's listening sockets",
	    .words = WORDS_PID),
	LIST(0, "listen-fd", "FD", listen_fds,
	    "serve on this socket, opened by another program", 0,
	    EXCLUDES(FOR_NEW("--listen-fd"))),
	NUMBER(0, "ready-fd", "FD", ready_fd, 0, 1 << 20,
	    "when listening, write the addresses to FD"),
	END
};

const struct opt access_options[] = {
	HEADING("Access"),
	LIST(0, "allow", "CIDR,...", allow,
	    "serve clients of these networks only; any: all", 0,
	    EXCLUDES(NO_NETWORK("--allow")), FIXED("any"), .commas = true),
	LIST(0, "deny", "CIDR,...", deny, "serve no clients of these networks",
	    0, EXCLUDES(NO_NETWORK("--deny"))),
	LIST(0, "allow-user", "USER,...", allow_user,
	    "Unix sockets: serve these users only", 0,
	    EXCLUDES({ "udp", "--allow-user: a datagram's sender has no user "
	    "that the kernel vouches for" }), .words = WORDS_USER,
	    .commas = true),
	NUMBER(0, "max-per-source", "N", max_per_source, 1, 1000000,
	    "most clients of one address (echo: each worker)"),
	END
};

const struct opt group_options[] = {
	HEADING("Group"),
	FLAG('r', "reuseport", reuseport,
	    "join the port's group (SO_REUSEPORT)", 0, OFTEN,
	    EXCLUDES({ "unix", "-r needs TCP or UDP: Linux has no "
	    "SO_REUSEPORT for Unix sockets" }), .operands = WORDS_PORT),
	TEXT(0, "name", "NAME", name,
	    "this member's name (default: a free letter)", 0, OFTEN),
	TEXT(0, "steer", "MODE", steer,
	    "which member gets a connection: rpnc-listen(1)",
	    .listed = mode_word),
	NUMBER(0, "weight", "N", weight, 0, WEIGHT_MAX,
	    "relative share of connections, 0 to 1000 (100)"),
	TEXT(0, "replace", "NAME|PID", replace,
	    "join, then have that member leave", 0, OFTEN,
	    EXCLUDES(FOR_NEW("--replace")), MEMBERS),
	CHOICE(0, "leave", "auto|steer|gate|drain|close", leave,
	    "how to leave the group at the end (auto)"),
	TIME(0, "grace", grace, 0,
	    "after leaving, wait this long for sessions (10)"),
	FLAG(0, "live", live, "show the members at the top of the terminal",
	    LISTEN_RELAY),
	END
};

const struct opt connecting_options[] = {
	HEADING("Connecting"),
	TEXT('s', "source", "ADDR", source, "connect from this address", 0,
	    EXCLUDES(NO_SOURCE), .words = WORDS_ADDRESS),
	NUMBER('p', "source-port", "PORT", source_port, 1, 65535,
	    "connect from this port", 0, EXCLUDES(NO_SOURCE)),
	TO(0, OFTEN, EXCLUDES({ "source-port", "--to chooses the source "
	    "port: choose" }, NO_GROUP("--to"))),
	CONNECT_TIMEOUT(0, OFTEN),
	WAIT(0, OFTEN),
	CONGESTION,
	LIMIT_RATE,
	MPTCP,
	SEQPACKET,
	PROXY(0, OFTEN),
	PROXY_AUTH_FILE(0),
	SEND_PROXY(0),
	FLAG(0, "pass-fd", pass_fd,
	    "hand the connection over stdout to ssh, and end", 0,
	    EXCLUDES({ "to", "--pass-fd hands over the first connection, and "
	    "--to may need several: leave out one of them" }, { "json hex crlf prompt until delay idle-timeout "
	    "no-stdin no-shutdown linger tls", "--pass-fd hands the connection "
	    "over: no data passes through rpnc" })),
	HEADING("Input"),
	FLAG('n', "no-stdin", no_stdin, "do not read stdin", 0, OFTEN),
	TIME(0, "linger", linger, 0,
	    "with -u: end this long after the last datagram (1)"),
	END
};

const struct opt echo_options[] = {
	HEADING("Workers"),
	TEXT('w', "workers", "N|auto", workers,
	    "worker processes (1); auto: one per processor", 0, OFTEN,
	    FIXED("auto")),
	CHOICE(0, "accept", "shared|exclusive|reuseport|blocking|handoff|fork",
	    accept, "how workers share the port (reuseport)"),
	HEADING("Service"),
	FLAG(0, "identify", identify,
	    "greet each client with the process's name", 0, OFTEN,
	    EXCLUDES({ "udp", "--identify greets a connection; datagrams "
	    "have none" })),
	VALUE(0, "discard", service, SERVICE_DISCARD,
	    "send nothing back (RFC 863)"),
	VALUE(0, "chargen", service, SERVICE_CHARGEN,
	    "send lines of characters without end (RFC 864)",
	    EXCLUDES({ "discard", "--discard sends nothing, --chargen without "
	    "end: choose" })),
	TIME(0, "work", work, 0, "CPU time to use for each request"),
	TEXT(0, "stall", "TIME:EVERY", stall,
	    "sleep TIME before every EVERYth answer"),
	MAYBE(0, "busy", "TIME", spin,
	    "poll this long before sleeping (200us)"),
	END
};

#define NEEDS_DURING(option) NEEDS("during", option " goes with --during")
#define NO_WATCH(option) { "watch", "--watch goes on whatever there is; " \
	option " is a question that ends, maybe after --wait" }
#define NEEDS_COMPARE NEEDS("compare", "-w, --work and --stall are for " \
	"--compare; nc's -w is --connect-timeout here")
#define NEEDS_QUARANTINE(option) NEEDS("quarantine rescue", \
	option " goes with --quarantine and --rescue")

const struct opt probe_options[] = {
	HEADING("What to do"),
	FLAG(0, "group", group, "list the port's groups; connect to nothing",
	    PROBE_GROUP, OFTEN, EXCLUDES(NO_GROUP("--group"))),
	MAYBE(0, "watch", "SEC", watch,
	    "repeat, and show the result every second, or SEC",
	    PROBE_ONCE | PROBE_GROUP, OFTEN),
	FLAG(0, "during", during,
	    "count lost connections while -- COMMAND runs", PROBE_DURING,
	    OFTEN),
	FLAG(0, "compare", compare,
	    "find the best way to accept on this machine", PROBE_COMPARE,
	    .operands = WORDS_NOTHING),
	FLAG(0, "merge", merge,
	    "add up --json reports: rpnc probe --merge FILE...",
	    PROBE_MERGE, .operands = WORDS_FILE),
	TEXT(0, "quarantine", "NAME|PID", quarantine,
	    "keep new connections away from a stuck member",
	    PROBE_QUARANTINE, EXCLUDES(NO_GROUP("--quarantine"),
	    { "rescue", "--rescue quarantines, too: one of them will do" }),
	    MEMBERS),
	TEXT(0, "rescue", "NAME|PID", rescue,
	    "the same, and have other members serve its queue",
	    PROBE_QUARANTINE, EXCLUDES(NO_GROUP("--rescue"), { "udp",
	    "--rescue: datagrams have no queue of clients: --quarantine "
	    "keeps new ones away" }), MEMBERS),
	TO(PROBE_ONCE, EXCLUDES(NO_GROUP("--to"), { "each sport watch what-if "
	    "expect-weights fail-uneven", "--to is about one member, by ports "
	    "that it chooses, and has one report: leave out --each, --sport, "
	    "--watch, --what-if, --expect-weights and --fail-uneven" })),
	FLAG(0, "each", each,
	    "one attempt (or -n) at every listening socket", PROBE_ONCE, 0,
	    EXCLUDES(NO_GROUP("--each"), { "sport watch proxy duration what-if "
	    "expect-weights fail-uneven match", "--each makes its own "
	    "attempts at each socket of this host: leave out --sport, "
	    "--watch, --proxy, --duration, --what-if, --expect-weights, "
	    "--fail-uneven and --match" })),
	HEADING("Load"),
	NUMBER('n', "count", "COUNT", count, 1, 1000000000,
	    "attempts (200; -d, --watch: no limit; --each: 1)",
	    PROBE_ONCE | PROBE_COMPARE, OFTEN),
	NUMBER('c', "concurrency", "N", concurrency, 1, 20000,
	    "most attempts at once (8; --watch: 128)",
	    PROBE_LOAD | PROBE_SCAN | PROBE_COMPARE),
	TIME('d', "duration", duration, 1,
	    "how long to start attempts; --during: after it (1)",
	    PROBE_LOAD | PROBE_COMPARE),
	TEXT(0, "rate", "N", rate,
	    "attempts a second, such as 0.5 (open loop)",
	    PROBE_LOAD | PROBE_COMPARE),
	TEXT(0, "at", "WHEN", at,
	    "start then: 2026-11-30T14:00:00Z, or +30s", PROBE_LOAD),
	MAYBE(0, "echo", "SIZE", echo,
	    "send SIZE bytes (64), which must come back", PROBE_LOAD, OFTEN,
	    EXCLUDES({ "send expect match",
	    "--echo excludes --send, --expect and --match" })),
	TEXT(0, "send", "TEXT", send,
	    "send this (\\n \\r \\t \\\\ \\xNN), wait for a reply", PROBE_LOAD),
	TEXT(0, "ask", "NAME", ask,
	    "ask as quic, dns, ntp, stun, http or tls, and test", PROBE_LOAD,
	    EXCLUDES({ "echo send expect match",
	    "--ask knows what to send and what comes back: leave out --echo, "
	    "--send, --expect and --match" }),
	    FIXED("quic|dns|ntp|stun|http|tls")),
	TEXT(0, "expect", "REGEX", expect,
	    "the reply must match, or the status is 7", PROBE_LOAD),
	CONNECT_TIMEOUT(PROBE_ASKS),
	TIME(0, "timeout", probe_timeout, 1,
	    "limit for an attempt (10; -u: 1)", PROBE_LOAD),
	WAIT(PROBE_LOAD | PROBE_GROUP),
	FLAG(0, "busy", busy, "never sleep, for precise times",
	    PROBE_LOAD | PROBE_SCAN | PROBE_COMPARE),
	HEADING("Source"),
	TEXT('s', "source", "ADDR", source, "connect from this address",
	    PROBE_LOAD | PROBE_SCAN, EXCLUDES(NO_SOURCE),
	    .words = WORDS_ADDRESS),
	TEXT(0, "sources", "NET", sources,
	    "connect from these addresses by turns", PROBE_LOAD | PROBE_SCAN,
	    EXCLUDES(NO_SOURCE, { "source", "-s is one address, --sources "
	    "many: choose" })),
	TEXT(0, "sport", "PORT", sport,
	    "connect from this port, or FIRST-LAST by turns",
	    PROBE_LOAD | PROBE_SCAN, EXCLUDES(NO_SOURCE)),
	PROXY(PROBE_LOAD | PROBE_SCAN),
	PROXY_AUTH_FILE(PROBE_LOAD | PROBE_SCAN),
	SEND_PROXY(PROBE_LOAD),
	HEADING("Who answered"),
	CHOICE(0, "by", "auto|diag|banner|reply|registry|none", by,
	    "how to find who answered (auto)", PROBE_LOAD),
	TEXT(0, "match", "REGEX", match,
	    "the part of the reply that names the process", PROBE_LOAD),
	HEADING("Verdict and report"),
	TEXT(0, "expect-weights", "WEIGHTS", expect_weights,
	    "expected shares: A=70,B=30, or pids", PROBE_ONCE),
	MAYBE(0, "fail-uneven", "P", fail_uneven,
	    "status 7 if uneven, or (P) less probable than P",
	    PROBE_ONCE | PROBE_MERGE),
	MAYBE(0, "fail-flags", "FLAGS", fail_flags,
	    "status 7 if one is there: STUCK,FULL,...",
	    PROBE_LOAD | PROBE_GROUP, EXCLUDES(NO_WATCH("--fail-flags")),
	    .listed = group_flag_word, .commas = true),
	TEXT(0, "what-if", "CHANGE", what_if,
	    "estimate flows that move: +1, -1, or NAME leaves", PROBE_ONCE,
	    FIXED("+1|-1")),
	LIST(0, "label", "NAME=VALUE", label,
	    "put a label into the report; repeated: several",
	    PROBE_LOAD | PROBE_MERGE),
	TEXT(0, "openmetrics", "FILE", openmetrics,
	    "also write the report to FILE, as metrics",
	    PROBE_LOAD | PROBE_MERGE, FILES),
	TEXT(0, "html", "FILE", html,
	    "also write the report to FILE, as one page",
	    PROBE_LOAD | PROBE_MERGE, FILES),
	TEXT(0, "hdr-log", "FILE", hdr_log,
	    "log each second's latencies, for HdrHistogram",
	    PROBE_LOAD, FILES),
	HEADING("For one mode"),
	NUMBER(0, "expect-members", "N", expect_members, 0, 100000,
	    "--group: status 7 unless each group has N members", PROBE_GROUP,
	    NEEDS("group", "--expect-members goes with --group"),
	    EXCLUDES(NO_WATCH("--expect-members"))),
	TIME(0, "slow", slow, 1, "--during: an attempt over this is slow (0.5)",
	    PROBE_DURING, NEEDS_DURING("--slow")),
	FLAG(0, "fail-lost", fail_lost,
	    "--during: status 7 if any attempt is lost", PROBE_DURING,
	    NEEDS_DURING("--fail-lost")),
	TIME(0, "hold", hold, 1,
	    "--during: wait this long before sending", PROBE_DURING,
	    NEEDS_DURING("--hold"), EXCLUDES({ "udp", "--hold: a datagram is "
	    "all that a server sees of its client" })),
	TIME(0, "max-gap", max_gap, 1,
	    "--during: status 7 if a gap is longer",
	    PROBE_DURING, NEEDS_DURING("--max-gap")),
	TEXT('w', "workers", "N|auto", workers,
	    "--compare: workers of each server (4)", PROBE_COMPARE,
	    NEEDS_COMPARE, FIXED("auto")),
	TIME(0, "work", work, 0, "--compare: CPU time of a request (50us)",
	    PROBE_COMPARE, NEEDS_COMPARE),
	TEXT(0, "stall", "TIME[:EVERY]", stall,
	    "--compare: stall every EVERY requests (20ms:200)", PROBE_COMPARE,
	    NEEDS_COMPARE),
	FLAG(0, "force", force,
	    "--quarantine, --rescue: even if some aren't rpnc's",
	    PROBE_QUARANTINE, NEEDS_QUARANTINE("--force")),
	FLAG(0, "yes", yes, "--quarantine, --rescue: do not ask first",
	    PROBE_QUARANTINE, NEEDS_QUARANTINE("--yes")),
	END
};

#define NO_PROGRAMS "only 'rpnc listen' runs programs: join them by pipes, " \
	"or use socat's EXEC"
#define A_PROGRAM "nc's -e and ncat's --exec are 'rpnc listen PORT -- " \
	"COMMAND [ARG...]' here"
#define A_SHELL "nc's -c and ncat's --sh-exec are 'rpnc listen PORT -- sh " \
	"-c COMMAND' here"

#define NC_PROXY "nc's -X 5 -x is --proxy with socks5h:// before " \
	"HOST:PORT, its -X connect with http://"

/* Options of nc or an older rpnc that have another meaning here, or none. */
const struct opt_hint hints[] = {
	{ "0", "", "not an option, nor a port: ports are 0 to 65535" },
	{ "l", "", "to listen, say 'rpnc listen'" },
	{ "z", "", "to see whether a port is open, say 'rpnc probe -q -n 1'" },
	{ "w", "listen", "nc's -w is --idle-timeout here" },
	{ "w", "", "nc's -w is --connect-timeout and --idle-timeout here" },
	{ "N", "", "not needed: end of stdin half-closes by itself" },
	{ "q", "", "not needed: nothing is cut at end of stdin" },
	{ "i", "listen connect", "nc's -i is --delay here, ncat's is "
	    "--idle-timeout" },
	{ "recv-only", "listen connect", "say </dev/null; connect -n half-"
	    "closes nothing" },
	{ "send-only", "listen connect", "say >/dev/null" },
	{ "e", "listen", A_PROGRAM },
	{ "c", "listen", A_SHELL },
	{ "exec", "listen", A_PROGRAM },
	{ "sh-exec", "listen", A_SHELL },
	{ "e", "", NO_PROGRAMS },
	{ "c", "", NO_PROGRAMS },
	{ "exec", "", NO_PROGRAMS },
	{ "sh-exec", "", NO_PROGRAMS },
	{ "ssl", "", "--tls encrypts, and verifies the peer" },
	{ "ssl-verify", "", "not needed: --tls verifies the peer" },
	{ "ssl-cert", "", "ncat's --ssl-cert is --tls-cert here" },
	{ "ssl-key", "", "ncat's --ssl-key is --tls-key here" },
	{ "ssl-trustfile", "", "ncat's --ssl-trustfile is --tls-ca here" },
	{ "ssl-servername", "", "ncat's --ssl-servername is --tls-name here" },
	{ "ssl-alpn", "", "ncat's --ssl-alpn is --tls-alpn here" },
	{ "timeout", "listen", "--accept-timeout limits the wait for a client, "
	    "--idle-timeout that for data" },
	{ "timeout", "connect", "--connect-timeout limits the connecting, "
	    "--idle-timeout the wait for data" },
	{ "timeout", "echo", "echo has none: a client stays as long as it "
	    "likes; listen has --idle-timeout" },
	{ "allow", "connect probe", "listen and echo admit clients; connect "
	    "and probe are one" },
	{ "deny", "connect probe", "listen and echo deny clients; connect "
	    "and probe are one" },
	{ "allowfile", "", "--allow takes the list itself: "
	    "--allow $(paste -sd, FILE)" },
	{ "denyfile", "", "--deny takes the list itself: "
	    "--deny $(paste -sd, FILE)" },
	{ "port", "", "the port is a word of its own: HOST PORT" },
	{ "host", "", "the host is a word of its own: HOST PORT" },
	{ "version", "", "say 'rpnc --version'" },
	{ "V", "", "say 'rpnc --version'" },
	{ "d", "listen", "to leave stdin alone, say </dev/null; ncat's -d is "
	    "--delay" },
	{ "d", "echo", "not needed: echo does not read stdin" },
	{ "d", "", "to leave stdin alone, say -n; ncat's -d is --delay" },
	{ "k", "", "only 'rpnc listen' keeps open; echo always does" },
	{ "r", "connect", "SO_REUSEPORT is for 'listen -r' and 'echo -r'; for "
	    "nc's random source ports do nothing" },
	{ "s", "listen echo", "to listen on one address, say HOST PORT" },
	{ "p", "listen echo", "the port stands alone: 'rpnc listen 9000'" },
	{ "X", "connect probe", NC_PROXY },
	{ "x", "probe", NC_PROXY },
	{ "T", "", "nc's -T is --sockopt tos=ef here" },
	{ "M", "", "nc's -M is --sockopt ttl=N here" },
	{ "m", "connect probe", "nc's -m is --sockopt min-ttl=N here" },
	{ "I", "", "nc's -I is --sockopt rcvbuf=BYTES here" },
	{ "O", "", "nc's -O is --sockopt sndbuf=BYTES here" },
	{ "b", "", "nc's -b is --sockopt broadcast here" },
	{ "F", "connect", "nc's -F is --pass-fd here" },
	{ "both", "listen connect", "both ends are awaited anyway; --until "
	    "peer does not wait for stdin's" },
	{ NULL, NULL, NULL },
};
