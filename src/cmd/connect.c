/* rpnc connect: a byte-exact relay between stdin, stdout and a server. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "cmd/command.h"
#include "cmd/desk.h"
#include "cmd/talk.h"
#include "net/dial.h"

static int
check(const struct settings *s, const struct endpoint *e)
{
	if (!e->local && !e->port)
		return fail_as(STATUS_USAGE, "port 0: want 1 to 65535");
	if (e->local && (s->source || s->source_port || s->interface))
		return fail_as(STATUS_USAGE, "a Unix socket has no source "
		    "address, port or interface");
	return 0;
}

/* -s: an address of ours, or a name that has some. */
static int
resolve_source(const struct settings *s, struct addr_list *out)
{
	struct endpoint e = {
		.datagram = s->udp, .family = s->family,
		.numeric = s->numeric,
	};

	out->count = 0;
	if (!s->source)
		return 0;
	if (strlen(s->source) >= sizeof(e.host))
		return fail_as(STATUS_USAGE, "--source: too long");
	memcpy(e.host, s->source, strlen(s->source) + 1);
	return addr_resolve(&e, 0, out);
}

static int
reach(const struct settings *s, const struct endpoint *e, struct addr *peer)
{
	struct dial_options o = {
		.datagram = s->udp, .interface = s->interface,
		.source_port = (uint16_t)s->source_port, .wait = s->wait,
	};
	int64_t deadline = loop_now() + s->connect_timeout;
	struct addr_list list;

	if (resolve_source(s, &o.source) < 0 ||
	    addr_resolve(e, deadline, &list) < 0)
		return -1;
	return dial(&list, &o, deadline, peer);
}

static void
on_last(struct talk *t)
{
	loop_stop(&t->desk.loop);
}

static int
run(struct settings *s, int count, char *const *words, int *ended_by)
{
	struct talk t = { .on_last = on_last };
	struct endpoint e;
	struct addr peer;
	int fd, status;

	if (settings_endpoint(s, count, words, &e) < 0 || check(s, &e) < 0)
		return -1;
	fd = reach(s, &e, &peer);
	if (fd < 0)
		return -1;
	if (talk_open(&t, s) < 0 || talk_add(&t, fd, s->udp ?
	    &conn_datagram : &conn_stream) < 0) {
		close(fd);
		return -1;
	}
	if (loop_run(&t.desk.loop) < 0)
		desk_fault(&t.desk);
	*ended_by = t.desk.ended_by;
	status = talk_close(&t);
	return status;
}

const struct command connect_command = {
	.name = "connect",
	.synopsis = "connect [options] [host] port",
	.summary = "talk to a server",
	.tables = { dial_options_table, talk_options, address_options,
	    stream_options, NULL },
	.run = run,
};
