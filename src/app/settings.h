#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "app/event_file.h"
#include "base/opt.h"
#include "net/addr.h"
#include "net/congestion.h"
#include "net/sock.h"
#include "report/labels.h"

/*
 * The options that the user gave: each of any command has a field. Times
 * are microseconds. NULL, and 0 if nothing else is said, is "not given".
 */

enum choice { CHOICE_AUTO, CHOICE_ALWAYS, CHOICE_NEVER };
enum accept_choice {
	ACCEPT_SHARED, ACCEPT_EXCLUSIVE, ACCEPT_REUSEPORT, ACCEPT_BLOCKING,
	ACCEPT_HANDOFF, ACCEPT_FORK, ACCEPT_DEFAULT,
};

enum sandbox_choice { SANDBOX_AUTO, SANDBOX_OFF, SANDBOX_MUST };
enum service_choice { SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN };

/* The modes of probe, as bits: a row of options may be for several. */
enum probe_mode {
	PROBE_ONCE = 1 << 0,		/* attempts at one port */
	PROBE_GROUP = 1 << 1,
	PROBE_SCAN = 1 << 2,		/* several ports */
	PROBE_MERGE = 1 << 3,
	PROBE_QUARANTINE = 1 << 4,
	PROBE_DURING = 1 << 5,		/* attempts while a command runs */
	PROBE_COMPARE = 1 << 6,		/* attempts at servers of its own */
	PROBE_LOAD = PROBE_ONCE | PROBE_DURING,
	PROBE_MODES = (1 << 7) - 1,
	PROBE_ASKS = PROBE_LOAD | PROBE_GROUP | PROBE_SCAN | PROBE_QUARANTINE,
};

/* The modes of listen, in the same rows. */
enum listen_mode {
	LISTEN_RELAY = 1 << 7,		/* clients have our stdin and stdout */
	LISTEN_PROGRAM = 1 << 8,	/* clients have a program each */
};

struct settings {
	const char *command;
	struct opt_given given;
	const char *help;		/* "all"; "": the short one */
	/* where */
	int family;
	bool udp, local, numeric, mptcp, seqpacket;
	const char *interface, *source;
	struct addr multicast_source;	/* SRC@GROUP; len 0: all */
	struct opt_list sockopt;	/* "NAME=VALUE,..." */
	struct sockopts sockopts;	/* the same, read */
	int64_t source_port;
	/* streams */
	bool json, verbose, quiet, timestamps;
	int color, sandbox;
	int64_t ready_fd;
	const char *events;
	struct event_file events_file;	/* the same file, open */
	/* listening */
	bool reuseport, keep, once, check, live;
	int64_t max_conns, backlog, accept_timeout;
	const char *name, *steer, *replace;
	int64_t weight;			/* -1: not given */
	int64_t adopt;			/* a pid; 0: not given */
	int leave;
	int64_t grace;
	struct opt_list listen_fds;	/* numbers of descriptors */
	bool inherits;			/* sockets of a service manager */
	char *const *program;		/* behind "--"; NULL: none */
	const char *accept_proxy;	/* "": from all peers */
	/* who may come */
	struct opt_list allow, deny, allow_user;
	int64_t max_per_source;
	/* TLS */
	bool tls, tls_insecure, tls_lax_eof, tls_resume;
	const char *tls_ca, *tls_cert, *tls_key, *tls_name, *tls_alpn, *tls_pin;
	/* relaying */
	bool crlf, hex, no_stdin, no_shutdown;
	int until;			/* enum until */
	int prompt;
	const char *congestion, *limit_rate;
	int64_t idle_timeout, delay;
	/* connecting */
	int64_t connect_timeout, wait, linger;
	int send_proxy;			/* enum proxy_version */
	struct opt_list proxies;	/* URLs, in the order of the hops */
	const char *proxy_auth_file;
	bool pass_fd;
	const char *to;			/* a member; probe has it, too */
	bool each;
	/* echo */
	const char *workers;
	int accept, service;
	bool identify;
	int64_t work;
	const char *stall;
	const char *spin;		/* "": SPIN_US */
	/* probe */
	bool merge;
	const char *openmetrics, *hdr_log, *html, *what_if, *at;
	struct opt_list label;		/* "NAME=VALUE" */
	struct labels labels;		/* the same, read */
	int64_t count, concurrency, duration, probe_timeout;
	int by;
	const char *match, *echo, *send, *expect, *ask;
	const char *fail_uneven, *expect_weights;
	const char *rate, *sources, *sport;
	bool busy, group, compare, during, fail_lost;
	const char *watch;		/* "": every second */
	int64_t expect_members;
	const char *fail_flags;		/* "": any flag */
	int64_t slow, hold, max_gap;
	const char *quarantine, *rescue;
	bool force, yes;
};

void settings_init(struct settings *, const char *command);

/* Reads the words into an endpoint by the settings; -1: usage. */
int settings_endpoint(const struct settings *, int count, char *const *words,
    struct endpoint *out);

/* Looks up the address of -s; no addresses if not given; -1: fault. */
int settings_source(const struct settings *, int64_t deadline,
    struct addr_list *out);

/* The interval of --watch, in microseconds; -1: usage. */
int64_t settings_interval(const struct settings *);

/* Whether the FILE of an option that writes one is "-": standard output. */
bool file_is_stdout(const char *file);
/* Whether such a file takes the place of the report on standard output. */
bool settings_file_on_stdout(const struct settings *);

/* The protocol of sockets for connections. */
enum stream_kind settings_stream(const struct settings *);

/* Reads --congestion; -1: usage. */
int settings_congestion(const struct settings *, struct congestion *out);

/* Microseconds that echo polls before it sleeps (--busy); -1: usage. */
int64_t settings_spin(const struct settings *);

/* The number of processes that serve (--workers); -1: usage. */
enum { WORKERS_MAX = 128 };
int settings_workers(const struct settings *);

/* Checks and reads options that several commands have; -1: usage. */
int settings_check(struct settings *);

#endif
