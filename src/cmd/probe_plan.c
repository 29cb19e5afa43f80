/*
 * The options of rpnc probe, read into a struct plan for probe/load, with the
 * defaults that depend on other options.
 */
#include "cmd/probe_plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/fail.h"
#include "base/num.h"
#include "cmd/proxy_options.h"
#include "cmd/sockopt_options.h"
#include "cmd/tls_options.h"
#include "probe/inspect/gate.h"
#include "probe/load/expected_shares.h"
#include "probe/load/pattern.h"
#include "probe/load/question.h"
#include "probe/stats/whatif.h"
#include "serve/accept.h"

enum {
	OWN_DESCRIPTORS = 32,		/* streams, loop, sock_diag, /proc */
	COUNT = 200,
	WATCH_RATE = 100,		/* a second: leaves ports for others */
	WATCH_CONCURRENCY = 128,	/* enough although some never accept */
	ECHO_BYTES = 64,
	ECHO_MAX = 1 << 20,
	DATAGRAM_MAX = 65507,
	TIMEOUT_US = 10 * 1000 * 1000,
	PATIENCE_US = 1000 * 1000,	/* until accepted, without --timeout */
	RATE_MAX = 1000000,
};

static const double RATE_MIN = 0.001;

static int
hex_digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' :
	    tolower((unsigned char)c) - 'a' + 10;
}

/* Reads what follows a backslash; returns its length, or 0 if unknown. */
static size_t
unescape_one(const char *text, char *out)
{
	static const char letters[] = "nrt\\0", bytes[] = "\n\r\t\\\0";
	const char *found = *text ? strchr(letters, *text) : NULL;

	if (found) {
		*out = bytes[found - letters];
		return 1;
	}
	if (*text != 'x' || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
		return 0;
	*out = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
	return 3;
}

static int
send_read(struct probe_plan *p, const char *text)
{
	char *out = p->send = malloc(strlen(text) + 1);

	if (!out)
		return fail("--send");
	while (*text) {
		size_t length;

		if (*text != '\\') {
			*out++ = *text++;
			continue;
		}
		length = unescape_one(++text, out++);
		if (!length)
			return fail_as(STATUS_USAGE, "--send: '\\%.3s': want "
			    "\\n, \\r, \\t, \\0, \\\\ or \\xNN", text);
		text += length;
	}
	p->plan.send = p->send;
	p->plan.send_length = (size_t)(out - p->send);
	return p->plan.send_length ? 0 :
	    fail_as(STATUS_USAGE, "--send: nothing to send");
}

static int
regex_read(regex_t *out, bool *has, const char *name, const char *text)
{
	if (!text)
		return 0;
	*has = pattern_compile(out, name, text) == 0;
	return *has ? 0 : -1;
}

static int
echo_read(struct plan *p, const char *text)
{
	int64_t size = ECHO_BYTES, most = p->datagram ? DATAGRAM_MAX :
	    ECHO_MAX;

	if (*text && num_parse(text, 1, most, &size) < 0)
		return fail_as(STATUS_USAGE, "--echo=%.40s: want 1 to %d "
		    "bytes", text, (int)most);
	p->echo = (size_t)size;
	return 0;
}

int
probe_uneven(const char *text, double *p)
{
	char *end;

	if (!text || !*text)
		return 0;
	*p = strtod(text, &end);
	if (*end || !(*p > 0 && *p < 1))
		return fail_as(STATUS_USAGE, "--fail-uneven=%.40s: want a "
		    "probability such as 0.001", text);
	return 0;
}

int
probe_rate(double *rate, const char *text)
{
	char *end;

	if (!text)
		return 0;
	*rate = strtod(text, &end);
	if (strspn(text, "0123456789.") != (size_t)(end - text) || *end ||
	    !(*rate >= RATE_MIN && *rate <= RATE_MAX))
		return fail_as(STATUS_USAGE, "--rate %.40s: want attempts a "
		    "second, from %g to %d", text, RATE_MIN, RATE_MAX);
	return 0;
}

/* The name of an instance is more than which socket answered. */
static int
ask_read(struct plan *p, const struct settings *s, const struct endpoint *e)
{
	const struct question *q = s->ask ? question_find(s->ask) : NULL;

	if (!s->ask)
		return 0;
	if (!q)
		return fail_option("--ask");
	if (q->datagram != s->udp)
		return fail_as(STATUS_USAGE, q->datagram ? "--ask %s asks by "
		    "UDP: add -u" : "--ask %s asks by TCP: leave out -u",
		    q->name);
	if (s->tls && strcmp(q->name, "tls") == 0)
		return fail_as(STATUS_USAGE, "--ask tls only begins a "
		    "handshake, and --tls completes one: choose");
	p->question = q;
	p->host = e->host;
	return 0;
}

static int
by_check(struct plan *p, const struct settings *s)
{
	bool names = s->match || (p->question && p->question->names);

	/* --to and --each know members by their sockets */
	if (p->by == BY_AUTO && (s->match || (names && !s->to && !s->each)))
		p->by = BY_REPLY;
	if (p->by == BY_REPLY && !names)
		return fail_as(STATUS_USAGE, "--by reply needs --match: "
		    "which part of the reply names the process?");
	if (p->by != BY_REPLY && s->match)
		return fail_as(STATUS_USAGE, "--match is for --by reply");
	if (p->by == BY_BANNER && p->datagram)
		return fail_as(STATUS_USAGE, "--by banner: datagrams are not "
		    "greeted");
	if (s->proxies.count && (p->by == BY_DIAG || p->by == BY_REGISTRY))
		return fail_as(STATUS_USAGE, "--proxy: this host can't see "
		    "the server's end of a connection through a proxy: --by "
		    "banner or reply");
	if (p->local && (p->by == BY_DIAG || p->by == BY_REGISTRY))
		return fail_as(STATUS_USAGE, "a Unix socket has no port to "
		    "ask about: --by banner or reply");
	return 0;
}

/* With --to and --each, the way that members are known. */
static int
reach_check(struct plan *p, const struct settings *s)
{
	if (!s->to && !s->each)
		return 0;
	if (p->by == BY_REGISTRY || p->by == BY_NONE || (s->each &&
	    p->by != BY_AUTO && p->by != BY_DIAG))
		return fail_as(STATUS_USAGE, "%s: want --by auto%s",
		    s->to ? "--to" : "--each", s->to ? ", diag, banner or "
		    "reply" : " or diag");
	if (s->udp && p->by == BY_AUTO)
		p->by = BY_DIAG;
	return 0;
}

static int
plan_check(struct plan *p, const struct settings *s, const struct endpoint *e)
{
	if (!e->local && !e->port)
		return fail_as(STATUS_USAGE, "port 0: want 1 to 65535");
	if (s->udp && !s->echo && !s->send && !s->ask)
		return fail_as(STATUS_USAGE, "-u: say what to send: --echo, "
		    "--ask NAME or --send TEXT");
	if (s->what_if && whatif_check(s->what_if) < 0)
		return fail_option("--what-if");
	return ask_read(p, s, e) < 0 || by_check(p, s) < 0 ? -1 :
	    reach_check(p, s);
}

int
probe_sources(struct sources *out, const struct settings *s)
{
	if (s->sources && sources_read(out, s->sources) < 0)
		return fail_option("--sources");
	if (s->sport && sources_read_ports(out, s->sport) < 0)
		return fail_option("--sport");
	return 0;
}

static int
proxies_make(struct probe_plan *p, const struct settings *s,
    const struct endpoint *e)
{
	if (proxy_options(s, e, &p->proxies) < 0)
		return -1;
	p->plan.proxies = p->proxies.count ? &p->proxies : NULL;
	return 0;
}

static int
tls_make(struct probe_plan *p, const struct settings *s,
    const struct endpoint *e)
{
	if (tls_options_name(s, e, &p->plan.tls_name) < 0 ||
	    tls_options_client(s, &p->tls) < 0)
		return -1;
	p->tls.resume = s->tls_resume;
	p->plan.tls = p->tls.ssl ? &p->tls : NULL;
	return 0;
}

static int
flags_read(struct probe_plan *p, const struct settings *s)
{
	int flags = s->fail_flags ? gate_flags(s->fail_flags,
	    GATE_OF_ATTEMPTS) : 0;

	if (flags < 0)
		return fail_option("--fail-flags");
	p->fail_flags = (unsigned)flags;
	return 0;
}

static int
weights_read(struct steering *out, const struct settings *s)
{
	if (s->expect_weights && expected_shares_read(s->expect_weights, out) < 0)
		return fail_option("--expect-weights");
	return 0;
}

/* --to and --each. */
static int
reach_make(struct probe_plan *p, const struct settings *s)
{
	if (s->to && member_choice_read(&p->to, s->to) < 0)
		return fail_option("--to");
	p->plan.to = s->to ? &p->to : NULL;
	p->plan.to_text = s->to;
	if (!s->each)
		return 0;
	p->plan.each = s->count ? (uint64_t)s->count : 1;
	p->plan.count = 0;
	p->plan.give_up = false;	/* each socket has its turn */
	return 0;
}

/* With --sport each flow is used once, unless -n, -d or --watch is given. */
static int
sources_make(struct probe_plan *p, const struct settings *s)
{
	struct plan *plan = &p->plan;
	uint64_t flows;

	plan->sources = &p->sources;
	if (probe_sources(&p->sources, s) < 0)
		return -1;
	flows = sources_flows(&p->sources);
	if (flows && !s->count && !s->duration && !s->watch)
		plan->count = flows;
	if (flows && flows < (uint64_t)plan->concurrency)
		plan->concurrency = (int)flows;
	return 0;
}

int
probe_plan_make(struct probe_plan *out, const struct settings *s,
    const struct endpoint *e)
{
	int64_t given = s->probe_timeout;

	*out = (struct probe_plan){ .plan = {
		.datagram = s->udp, .local = e->local, .by = (enum by)s->by,
		.count = s->count ? (uint64_t)s->count :
		    s->duration || s->watch ? 0 : COUNT,
		.concurrency = s->watch && !opt_has(&s->given,
		    "concurrency") ? WATCH_CONCURRENCY : (int)s->concurrency,
		.duration = s->duration,
		.rate = s->watch ? WATCH_RATE : 0,
		.skip = s->watch ? SKIP_LATE : SKIP_NOTHING,
		.connect_timeout = s->connect_timeout,
		.timeout = given ? given : s->udp ? PATIENCE_US : TIMEOUT_US,
		.patience = given ? given : PATIENCE_US,
		.wait = s->wait, .interface = s->interface,
		.sockopts = &s->sockopts,
		.proxy = (enum proxy_version)s->send_proxy,
		.give_up = !given && s->connect_timeout == TIMEOUT_US,
	} };
	if (plan_check(&out->plan, s, e) < 0 ||
	    sockopt_options_check(s, e, SOCKOPT_CLIENT) < 0 ||
	    probe_rate(&out->plan.rate, s->rate) < 0 ||
	    sources_make(out, s) < 0 || proxies_make(out, s, e) < 0 ||
	    tls_make(out, s, e) < 0 || reach_make(out, s) < 0 ||
	    (s->send && send_read(out, s->send) < 0) ||
	    (s->echo && echo_read(&out->plan, s->echo) < 0) ||
	    probe_uneven(s->fail_uneven, &out->uneven) < 0 ||
	    weights_read(&out->weights, s) < 0 || flags_read(out, s) < 0 ||
	    regex_read(&out->expect, &out->has_expect, "expect",
	    s->expect) < 0 ||
	    regex_read(&out->match, &out->has_match, "match", s->match) < 0) {
		probe_plan_free(out);
		return -1;
	}
	out->plan.expect = out->has_expect ? &out->expect : NULL;
	out->plan.match = out->has_match ? &out->match : NULL;
	return 0;
}

int
probe_source(struct sources *out, const struct settings *s)
{
	struct addr_list list;
	int result = settings_source(s, loop_now() + s->connect_timeout, &list);

	if (result == 0)
		result = sources_take(out, &list) < 0 ?
		    fail_option("--source") : 0;
	addr_list_free(&list);
	return result;
}

void
probe_plan_free(struct probe_plan *p)
{
	if (p->has_expect)
		regfree(&p->expect);
	if (p->has_match)
		regfree(&p->match);
	free(p->send);
	sources_free(&p->sources);
	tls_context_close(&p->tls);
}

int
probe_plan_fit(struct app *a, int *concurrency)
{
	struct rlimit limit;
	char line[160];
	int most;

	raise_descriptor_limit();
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur >= (rlim_t)*concurrency + OWN_DESCRIPTORS)
		return 0;
	most = (int)limit.rlim_cur - OWN_DESCRIPTORS;
	if (most < 1)
		return fail_as(STATUS_NETWORK, "only %d descriptors are "
		    "allowed (ulimit -n): want %d at least",
		    (int)limit.rlim_cur, OWN_DESCRIPTORS + 1);
	snprintf(line, sizeof(line), "%d descriptors are allowed (ulimit -n): "
	    "%d connection%s at a time instead of %d", (int)limit.rlim_cur,
	    most, plural((uint64_t)most), *concurrency);
	emit_notice(a, line);
	*concurrency = most;
	return 0;
}
