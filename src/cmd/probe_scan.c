/*
 * rpnc probe 20-25,80: finds the open ones of several ports. It reads the words
 * into a list of ports, has probe/load/scan.c connect to each once, and reports
 * them in the order of their numbers.
 */
#include "cmd/probe_scan.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/emit.h"
#include "base/container.h"
#include "base/fail.h"
#include "base/num.h"
#include "cmd/probe_confine.h"
#include "cmd/probe_plan.h"
#include "cmd/proxy_options.h"
#include "net/resolve.h"
#include "net/sources.h"
#include "probe/load/scan.h"

enum { PORTS = 65536, WORD_MAX_ = 320, SERVICE_MAX = 32 };

struct job {
	struct scan scan;
	struct app app;
	struct sources sources;
	struct endpoint server;		/* with proxies; its port is not used */
	struct proxy_chain proxies;
	struct proxy_route route;
	char through[PROXIES_TEXT];
	struct scan_row *rows;
	char (*services)[SERVICE_MAX];
	int64_t started;
};

/* The list of ports: the last word, or what follows its "HOST:". */
static const char *
port_list(int count, char *const *words)
{
	const char *word = count > 0 ? words[count - 1] : "";
	const char *colon = strrchr(word, ':');

	return count == 1 && colon ? colon + 1 : word;
}

static bool
is_range(const char *text, size_t length)
{
	size_t first = strspn(text, "0123456789");
	size_t last = text[first] == '-' ?
	    strspn(text + first + 1, "0123456789") : 0;

	return first && last && first + 1 + last == length;
}

bool
probe_scan_wanted(int count, char *const *words)
{
	const char *list = port_list(count, words);

	if (count < 1 || count > 2 || strchr(words[0], '/') ||
	    strncmp(words[0], "unix:", 5) == 0)
		return false;
	return strchr(list, ',') || is_range(list, strlen(list));
}

static int
scan_check(const struct settings *s)
{
	if (s->udp)
		return fail_as(STATUS_USAGE, "-u: datagrams are for one port, "
		    "with what to send: --echo or --send TEXT");
	if (s->local)
		return fail_as(STATUS_USAGE, "a Unix socket has no ports");
	return 0;
}

/* Reads one item of the list: "80", "20-25" or "http". */
static int
item_read(const struct settings *s, const char *item, bool wanted[PORTS])
{
	struct endpoint e = { .family = s->family };
	char word[64], *words[] = { word }, *dash;
	int64_t first = -1, last;

	snprintf(word, sizeof(word), "%s", item);
	if (is_range(word, strlen(word))) {
		dash = strchr(word, '-');
		*dash = '\0';
		if (num_parse(word, 1, PORTS - 1, &first) < 0 ||
		    num_parse(dash + 1, first, PORTS - 1, &last) < 0)
			return fail_as(STATUS_USAGE, "ports %.40s: want "
			    "FIRST-LAST, from 1 to 65535", item);
	} else if (endpoint_parse(&e, 1, words) < 0) {
		return -1;
	} else {
		first = last = e.port;
	}
	if (!first)
		return fail_as(STATUS_USAGE, "port 0: want 1 to 65535");
	for (; first <= last; first++)
		wanted[first] = true;
	return 0;
}

static int
ports_read(struct job *j, const struct settings *s, const char *list)
{
	char *copy = strdup(list), *rest = copy, *item;
	static bool wanted[PORTS];
	int result = 0;

	while (rest && result == 0 && (item = strsep(&rest, ",")))
		result = item_read(s, item, wanted);
	free(copy);
	if (result < 0)
		return -1;
	for (int i = 0; i < PORTS; i++)
		j->scan.count += wanted[i];
	j->scan.ports = calloc((size_t)j->scan.count, sizeof(*j->scan.ports));
	if (!copy || !j->scan.ports)
		return fail("ports");
	for (int i = 0, n = 0; i < PORTS; i++)
		if (wanted[i])
			j->scan.ports[n++].port = (uint16_t)i;
	return 0;
}

/* Looks up the host, or the proxies on the way to it. */
static int
addresses_resolve(struct job *j, const struct settings *s)
{
	int64_t deadline = loop_now() + s->connect_timeout;

	if (proxy_options(s, &j->server, &j->proxies) < 0)
		return -1;
	if (!j->proxies.count)
		return resolve(&j->server, deadline, &j->scan.addresses) < 0 ?
		    -1 : 0;
	proxy_chain_text(&j->proxies, j->through);
	j->scan.route = &j->route;
	return proxy_route_open(&j->route, &j->proxies, &j->server, deadline, 0,
	    &j->scan.addresses);
}

/* Resolves the host: the words, with port 1 in place of the list. */
static int
find_addresses(struct job *j, const struct settings *s, int count,
    char *const *words)
{
	size_t head = (size_t)(port_list(count, words) - words[count - 1]);
	char last[WORD_MAX_], *both[] = { words[0], last };

	if (head + 2 > sizeof(last))
		return fail_as(STATUS_USAGE, "the host name is too long");
	snprintf(last, sizeof(last), "%.*s1", (int)head, words[count - 1]);
	if (settings_endpoint(s, count, count == 1 ? both + 1 : both,
	    &j->server) < 0 ||
	    probe_source(&j->sources, s) < 0 ||
	    probe_sources(&j->sources, s) < 0)
		return -1;
	return addresses_resolve(j, s);
}

static void
on_done(struct scan *s)
{
	loop_stop(&container_of(s, struct job, scan)->app.loop);
}

static void
scan_row_fill(struct job *j, int i, size_t n)
{
	static const char *const states[] = {
		[SCAN_OPEN] = "open", [SCAN_CLOSED] = "closed",
		[SCAN_SILENT] = "no answer",
	};
	const struct scan_port *p = &j->scan.ports[i];
	const char *host = j->server.host;
	struct scan_row *row = &j->rows[n];
	struct servent service, *found = NULL;
	char room[1024];

	*row = (struct scan_row){
		.address = p->address.len ? &p->address : NULL,
		.name = p->address.len ? NULL : *host ? host : "localhost",
		.port = p->port, .state = states[p->state],
		.by_proxy = j->scan.route && p->state != SCAN_SILENT,
		.seconds = p->state == SCAN_SILENT ? NAN : (double)p->us / 1e6,
		.reason = p->reason ? p->reason : p->state == SCAN_SILENT ?
		    strerror(p->error) : NULL,
	};
	if (p->state != SCAN_OPEN || getservbyport_r(htons(p->port), "tcp",
	    &service, room, sizeof(room), &found) != 0 || !found)
		return;
	snprintf(j->services[n], SERVICE_MAX, "%s", service.s_name);
	row->service = j->services[n];
}

static int
scan_emit(struct job *j, const struct settings *s)
{
	struct event e = {
		.kind = EVENT_SCAN, .command = "scan", .protocol = "tcp",
		.seconds = (double)(loop_now() - j->started) / 1e6,
		.total = (uint64_t)j->scan.count, .detail = s->verbose,
		.proxy = j->through[0] ? j->through : NULL,
	};
	uint64_t *sums[] = {
		[SCAN_OPEN] = &e.open, [SCAN_CLOSED] = &e.shut,
		[SCAN_SILENT] = &e.silent,
	};

	j->rows = calloc((size_t)j->scan.count, sizeof(*j->rows));
	j->services = calloc((size_t)j->scan.count, SERVICE_MAX);
	if (!j->rows || !j->services)
		return fail("scan");
	for (int i = 0; i < j->scan.count; i++)
		if (j->scan.ports[i].state != SCAN_UNTRIED) {
			scan_row_fill(j, i, e.scan_count++);
			++*sums[j->scan.ports[i].state];
		}
	e.scan = j->rows;
	emit_event(&j->app, &e);
	j->app.status = e.open ? STATUS_OK : STATUS_NETWORK;
	return 0;
}

static int
scan_run(struct job *j, const struct settings *s, int *ended_by)
{
	int status;

	if (app_open(&j->app, s) < 0)
		return -1;
	j->started = loop_now();
	j->app.loop.busy = s->busy;
	j->scan.sources = &j->sources;
	j->scan.interface = s->interface;
	j->scan.sockopts = &s->sockopts;
	j->scan.timeout = s->connect_timeout;
	j->scan.concurrency = (int)s->concurrency;
	j->scan.on_done = on_done;
	if (probe_plan_fit(&j->app, &j->scan.concurrency) < 0 ||
	    scan_open(&j->scan, &j->app.loop) < 0 ||
	    probe_confine(&j->app, 0) < 0 ||
	    loop_run(&j->app.loop) < 0 || scan_emit(j, s) < 0)
		app_fault(&j->app);
	if (j->scan.loop)
		scan_close(&j->scan);
	*ended_by = j->app.ended_by;
	status = app_close(&j->app);
	return status;
}

int
probe_scan(const struct settings *s, int count, char *const *words,
    int *ended_by)
{
	struct job *j = calloc(1, sizeof(*j));
	int status = -1;

	if (!j)
		return fail("scan");
	if (scan_check(s) == 0 &&
	    ports_read(j, s, port_list(count, words)) == 0 &&
	    find_addresses(j, s, count, words) == 0)
		status = scan_run(j, s, ended_by);
	sources_free(&j->sources);
	addr_list_free(&j->scan.addresses);
	proxy_route_free(&j->route);
	for (int i = 0; j->scan.ports && i < j->scan.count; i++)
		free(j->scan.ports[i].reason);
	free(j->scan.ports);
	free(j->rows);
	free(j->services);
	free(j);
	return status;
}
