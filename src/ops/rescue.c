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
 * The rescue owns the acceptor and the proxies.
 *
 * Its own connection may come back to the same queue: when a member ends, the
 * kernel renumbers the others, and until a healthy member has attached a new
 * program they get each other's clients. After a delay that doubles, such a
 * connection gets a proxy of its own, as a client does, but is not counted. If
 * it comes back RETURNS_MOST times, nobody else is there, and it is reset.
 */
#include "ops/rescue.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/accept_queue.h"

enum {
	OWN_DESCRIPTORS = 48,		/* streams, loop, registry, sock_diag */
	REPORT_GAP_US = 1000 * 1000,
	RETURNS_MOST = 7,		/* 2.5 s in all */
	RETURN_DELAY_US = 10 * 1000,	/* doubled by each return */
};

/* A connection of ours that came back, and waits. */
struct returned {
	struct rescue *rescue;
	int fd;
	unsigned returns;
	struct timer timer;
	struct returned *next, **link;
};

static void
rescue_link(struct rescue *r, struct proxy *p)
{
	p->next = r->proxies;
	p->link = &r->proxies;
	if (p->next)
		p->next->link = &p->next;
	r->proxies = p;
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
rescue_on_open(struct proxy *p)
{
	struct rescue *r = p->user;

	if (p->returns)
		return;
	r->rescued++;
	r->ops->on_open(r, p->side[PROXY_CLIENT]);
}

static void
rescue_client_closed(struct rescue *r, const struct proxy *p,
    enum reason reason)
{
	const struct conn *client = p->side[PROXY_CLIENT];

	r->open--;
	r->in += client->in;
	r->out += client->out;
	if (p->open)
		r->ops->on_close(r, client, reason);
	else
		r->failed++;
}

static void
rescue_on_close(struct proxy *p, enum reason reason, int error)
{
	struct rescue *r = p->user;
	char text[ADDR_TEXT];
	struct addr to;

	if (!p->open) {
		sock_name(p->side[PROXY_CLIENT]->source.fd, &to);
		errno = error;
		fail("a client of %s got no other server",
		    addr_text(&to, text));
		rescue_fault(r);
	}
	if (!p->returns)
		rescue_client_closed(r, p, reason);
	acceptor_freed(&r->acceptor);
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

/* The proxy whose connection to a server came back to us; NULL: a client. */
static const struct proxy *
rescue_own_proxy(const struct rescue *r, int fd)
{
	struct addr from = { .len = sizeof(from.un) }, own;

	if (getpeername(fd, &from.sa, &from.len) < 0)
		return NULL;
	for (const struct proxy *p = r->proxies; p; p = p->next)
		if (p->port == addr_port(&from) &&
		    sock_name(p->side[PROXY_SERVER]->source.fd, &own) == 0 &&
		    addr_equal(&own, &from))
			return p;
	return NULL;
}

/* Resets a connection that was accepted, as if a server had ended. */
static void
rescue_reset(struct rescue *r, int fd)
{
	sock_reset_at_close(fd);
	close(fd);
	acceptor_freed(&r->acceptor);
}

/* Connects it to a server; it is a client, or came back so often. */
static void
rescue_start(struct rescue *r, int fd, unsigned returns)
{
	static const struct proxy_ops ops = {
		.on_open = rescue_on_open, .on_close = rescue_on_close,
	};
	int server = rescue_connect(fd);
	struct proxy *p = server < 0 ? NULL
	    : proxy_new(r->loop, fd, server, r->timeout, &ops);
	struct addr own;

	if (!p) {
		r->failed += !returns;
		rescue_fault(r);
		if (server >= 0)
			close(server);
		rescue_reset(r, fd);
		return;
	}
	p->user = r;
	p->port = sock_name(server, &own) < 0 ? 0 : addr_port(&own);
	p->returns = returns;
	if (!returns) {
		p->side[PROXY_CLIENT]->id = ++r->last_id;
		r->open++;
	}
	rescue_link(r, p);
}

static void
returned_free(struct returned *b)
{
	loop_timer_cancel(b->rescue->loop, &b->timer);
	*b->link = b->next;
	if (b->next)
		b->next->link = b->link;
	free(b);
}

static void
on_returned(struct timer *t)
{
	struct returned *b = container_of(t, struct returned, timer);
	struct rescue *r = b->rescue;
	unsigned returns = b->returns;
	int fd = b->fd;

	returned_free(b);
	rescue_start(r, fd, returns);
}

/* Lets a connection of ours that came back wait, and then tries it again. */
static void
rescue_retry(struct rescue *r, int fd, unsigned returns)
{
	struct returned *b = NULL;

	if (returns > RETURNS_MOST)
		fail_as(STATUS_NETWORK, "a client came back to the same "
		    "queue: nobody else is there to serve it");
	else if (!(b = malloc(sizeof(*b))))
		fail("rescue");
	if (!b) {
		rescue_fault(r);
		rescue_reset(r, fd);
		return;
	}
	*b = (struct returned){
		.rescue = r, .fd = fd, .returns = returns,
		.timer.on_timer = on_returned,
		.next = r->returned, .link = &r->returned,
	};
	if (b->next)
		b->next->link = &b->next;
	r->returned = b;
	if (loop_timer_set(r->loop, &b->timer,
	    loop_now() + (RETURN_DELAY_US << returns)) < 0) {
		rescue_fault(r);
		rescue_reset(r, fd);
		returned_free(b);
	}
}

static void
rescue_on_accept(struct acceptor *a, int fd)
{
	struct rescue *r = a->user;
	const struct proxy *own = rescue_own_proxy(r, fd);

	/* not inherited: the listener is another program's */
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (own)
		rescue_retry(r, fd, own->returns + 1);
	else
		rescue_start(r, fd, 0);
}

static void
rescue_on_exhausted(struct acceptor *a)
{
	struct rescue *r = a->user;

	r->ops->on_fault(r);
}

/* Each proxy needs two descriptors. */
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
	struct returned *next;

	for (struct returned *b = r->returned; b; b = next) {
		next = b->next;
		rescue_reset(r, b->fd);
		returned_free(b);
	}
	while (r->proxies)
		proxy_cut(r->proxies);
}
