/*
 * Serves the clients that wait in another process's queue. How it works. An
 * acceptor on the other process's sockets accepts the clients. Each client is
 * one half of a proxy; the other half connects to the address that the client
 * chose.
 *
 *	a client	ends as		counted as
 *	connecting	open, or closed	rescued, or failed
 *	open		closed		bytes in and out
 *
 * The rescue owns the acceptor and the proxies. If its own connection comes
 * back to the same queue, it resets that.
 */
#include "ops/rescue.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "net/accept_queue.h"

enum {
	OWN_DESCRIPTORS = 48,		/* streams, loop, registry, sock_diag */
	REPORT_GAP_US = 1000 * 1000,
};

static void
rescue_link(struct rescue *r, struct proxy *p)
{
	p->next = r->pairs;
	p->link = &r->pairs;
	if (p->next)
		p->next->link = &p->next;
	r->pairs = p;
}

/* Reports the fault, once a second: thousands may fail for one reason. */
static void
rescue_fault(struct rescue *r)
{
	int64_t now = loop_now();

	if (r->reported && now - r->reported < REPORT_GAP_US)
		return;
	r->reported = now;
	r->ops->on_fault(r);
}

static void
rescue_client_failed(struct rescue *r)
{
	r->failed++;
	rescue_fault(r);
}

static void
rescue_on_open(struct proxy *p)
{
	struct rescue *r = p->user;

	r->rescued++;
	r->ops->on_open(r, p->side[PROXY_CLIENT]);
}

static void
rescue_on_close(struct proxy *p, enum reason reason, int error)
{
	struct rescue *r = p->user;
	const struct conn *client = p->side[PROXY_CLIENT];
	char text[ADDR_TEXT];
	struct addr to;

	r->open--;
	r->in += client->in;
	r->out += client->out;
	acceptor_freed(&r->acceptor);
	if (p->open) {
		r->ops->on_close(r, client, reason);
	} else {
		sock_name(client->source.fd, &to);
		errno = error;
		fail("a client of %s got no other server",
		    addr_text(&to, text));
		rescue_client_failed(r);
	}
	if (!r->open)
		r->ops->on_idle(r);
}

/* Starts a connection to the address that the client chose; -1: a fault. */
static int
rescue_connect(int client)
{
	struct addr to;
	int fd;

	if (sock_name(client, &to) < 0)
		return fail("rescue");
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("rescue");
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (connect(fd, &to.sa, to.len) == 0 || errno == EINPROGRESS)
		return fd;
	fail("rescue");
	close(fd);
	return -1;
}

/*
 * Whether a connection of ours came back to us. That happens if nothing steers
 * it to another member. Serving it would make another one, without end.
 */
static bool
rescue_is_own(const struct rescue *r, int fd)
{
	struct addr from = { .len = sizeof(from.un) }, own;

	if (getpeername(fd, &from.sa, &from.len) < 0)
		return false;
	for (const struct proxy *p = r->pairs; p; p = p->next)
		if (p->port == addr_port(&from) &&
		    sock_name(p->side[PROXY_SERVER]->source.fd, &own) == 0 &&
		    addr_equal(&own, &from))
			return true;
	return false;
}

/* Resets the connection, as if a server had ended: its pair then fails. */
static void
rescue_refuse_own(struct rescue *r, int fd)
{
	fail_as(STATUS_NETWORK, "a client came back to the same queue: nobody "
	    "else is there to serve it");
	rescue_fault(r);
	sock_reset_at_close(fd);
	close(fd);
	acceptor_freed(&r->acceptor);
}

static void
rescue_on_accept(struct acceptor *a, int fd)
{
	static const struct proxy_ops ops = {
		.on_open = rescue_on_open, .on_close = rescue_on_close,
	};
	struct rescue *r = a->user;
	struct addr own;
	struct proxy *p;
	int server;

	if (rescue_is_own(r, fd)) {
		rescue_refuse_own(r, fd);
		return;
	}
	/* not inherited: the listener is another program's */
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	server = rescue_connect(fd);
	p = server < 0 ? NULL
		       : proxy_new(r->loop, fd, server, r->timeout, &ops);
	if (!p) {
		rescue_client_failed(r);
		if (server >= 0)
			close(server);
		close(fd);
		acceptor_freed(a);
		return;
	}
	p->user = r;
	p->port = sock_name(server, &own) < 0 ? 0 : addr_port(&own);
	p->side[PROXY_CLIENT]->id = ++r->last_id;
	r->open++;
	rescue_link(r, p);
}

static void
rescue_on_exhausted(struct acceptor *a)
{
	struct rescue *r = a->user;

	r->ops->on_fault(r);
}

/* Each pair needs two descriptors. */
static unsigned
rescue_limit(void)
{
	struct rlimit files;

	raise_descriptor_limit();
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    files.rlim_cur > 2 * 1000 * 1000)
		return 1000 * 1000;
	return files.rlim_cur < OWN_DESCRIPTORS + 4 ? 1 :
	    (unsigned)(files.rlim_cur - OWN_DESCRIPTORS) / 2;
}

int
rescue_open(struct rescue *r, const struct sock_set *set)
{
	r->acceptor = (struct acceptor){
		.limit = rescue_limit(), .on_accept = rescue_on_accept,
		.on_exhausted = rescue_on_exhausted, .user = r,
	};
	return acceptor_open(&r->acceptor, r->loop, set);
}

bool
rescue_is_due(const struct rescue *r)
{
	for (int i = 0; i < r->acceptor.count; i++)
		if (listener_pending(r->acceptor.at[i].source.fd) > 0)
			return true;
	return false;
}

void
rescue_stop(struct rescue *r, bool last)
{
	if (last)
		acceptor_drain(&r->acceptor);
	acceptor_close(&r->acceptor);
}

void
rescue_cut(struct rescue *r)
{
	while (r->pairs)
		proxy_cut(r->pairs);
}
