#include "app/settings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "group/registry/registry.h"
#include "net/multicast.h"
#include "net/resolve.h"

enum { INTERVAL_US = 1000 * 1000, INTERVAL_LEAST_US = INTERVAL_US / 10 };
enum { SPIN_US = 200 };		/* --busy without a time */
#define INTERVAL_MOST_US (3600 * INT64_C(1000000))

void
settings_init(struct settings *s, const char *command)
{
	*s = (struct settings){
		.command = command,
		.family = AF_UNSPEC,
		.ready_fd = -1, .events_file.fd = -1,
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

/* Each interface has the same link-local addresses. */
static int
check_scope(const struct settings *s, const char *host)
{
	struct in6_addr in6;
	const char *group = strchr(host, '@');	/* after its source */

	if (group)
		host = group + 1;
	if (s->interface || inet_pton(AF_INET6, host, &in6) != 1 ||
	    (!IN6_IS_ADDR_LINKLOCAL(&in6) && !multicast_is_of_link(&in6)))
		return 0;
	return fail_as(STATUS_USAGE, "%s: a link-local address needs its "
	    "interface: %s%%eth0", host, host);
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
	if (!s->program && !s->during && s->given.behind > 0 &&
	    s->given.behind < count)
		return fail_as(STATUS_USAGE, "-- %.40s: only 'rpnc listen' "
		    "runs a command for each connection",
		    words[count - s->given.behind]);
	/* without words, all listening sockets are taken that there are */
	if ((s->adopt || s->inherits) && !count)
		return 0;
	return endpoint_parse(out, count, words) < 0 ? -1 :
	    check_scope(s, out->host);
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

bool
file_is_stdout(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

bool
settings_file_on_stdout(const struct settings *s)
{
	return file_is_stdout(s->html) || file_is_stdout(s->openmetrics) ||
	    file_is_stdout(s->hdr_log);
}

enum stream_kind
settings_stream(const struct settings *s)
{
	return s->mptcp ? STREAM_MPTCP :
	    s->seqpacket ? STREAM_SEQPACKET : STREAM_PLAIN;
}

int
settings_congestion(const struct settings *s, struct congestion *out)
{
	out->asked = s->congestion;
	return congestion_check(out) < 0 ? fail_option("--congestion") : 0;
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

/* Reads the socket options; --limit-rate is one of them. */
static int
settings_sockopts(struct settings *s)
{
	int64_t rate;

	for (int i = 0; i < s->sockopt.count; i++)
		if (sockopts_read(&s->sockopts, s->sockopt.at[i]) < 0)
			return fail_option("--sockopt");
	if (!s->limit_rate)
		return 0;
	if (size_parse(s->limit_rate, &rate) < 0 || rate < 1)
		return fail_as(STATUS_USAGE, "--limit-rate %.40s: want bytes "
		    "a second, such as 65536 or 4M", s->limit_rate);
	return sockopts_add(&s->sockopts, "limit-rate", s->limit_rate) < 0 ?
	    fail_option("--sockopt") : 0;
}

static int
settings_labels(struct settings *s)
{
	for (int i = 0; i < s->label.count; i++)
		if (labels_read(&s->labels, s->label.at[i]) < 0)
			return fail_option("--label");
	return 0;
}

/* Opened before all else; workers inherit it. */
static int
settings_events(struct settings *s)
{
	if (!s->events)
		return 0;
	if (file_is_stdout(s->events))
		return fail_as(STATUS_USAGE, "--events -: events are on "
		    "standard output with --json");
	return event_file_open(&s->events_file, s->events) < 0 ?
	    fail_option("--events") : 0;
}

int
settings_check(struct settings *s)
{
	if (settings_sockopts(s) < 0 || settings_labels(s) < 0 ||
	    settings_events(s) < 0)
		return -1;
	if (s->name && !name_valid(s->name))
		return fail_as(STATUS_USAGE, "--name %.40s: want a letter, "
		    "then at most 15 letters, digits, '_', '.' or '-'",
		    s->name);
	/* its reader waits until all copies are closed */
	if (s->ready_fd >= 0 && (s->ready_fd < 3 ||
	    fcntl((int)s->ready_fd, F_SETFD, FD_CLOEXEC) < 0))
		return fail_as(STATUS_USAGE, "--ready-fd %d: not an open "
		    "descriptor over 2", (int)s->ready_fd);
	return 0;
}
