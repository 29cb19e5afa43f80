/*
 * Connects to a server through a chain of proxies, and waits for it. How it
 * works: dial() connects to the first proxy; then proxy_handshake() asks each
 * proxy for the next, over the same socket.
 *
 * A socks5:// proxy gets an address, which this host has looked up. If the last
 * proxy can't reach one address of the server, the next is tried, over a new
 * chain. --wait starts again while the failure is one that may go away.
 *
 * One deadline limits all of it: each step gets the time that is left, and only
 * proxy_dial() tries again.
 */
#include "net/proxy_dial.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"
#include "net/proxy_handshake.h"
#include "net/retry.h"

enum { RETRY_FIRST_US = 10 * 1000, RETRY_MAX_US = 250 * 1000 };

/* Why a chain was not made. */
enum chain_failure {
	FAILS_ALWAYS,		/* another try would fail, too */
	FAILS_NOW,		/* another round may succeed */
	REFUSED_NOW,		/* the same, or another address may succeed */
};

/* The tries. */
struct tries {
	int64_t deadline;
	enum chain_failure failure;
	bool refused;		/* a try has ended with REFUSED_NOW */
	struct fault refusal;	/* the last one */
};

/*
 * Records why a try failed. A proxy's refusal says more than that the time is
 * over, or that the first proxy does not answer any more: then it stays.
 */
static int
try_failed(struct tries *t)
{
	if (t->failure == REFUSED_NOW) {
		fail_save(&t->refusal);
		t->refused = true;
	} else if (t->refused && (t->failure == FAILS_NOW ||
	    fail_status() == STATUS_TIMEOUT))
		fail_restore(&t->refusal);
	return -1;
}

static int
first_dial(struct tries *t, const struct proxy_hop *first,
    const struct dial_options *o, struct addr *reached)
{
	int fd = dial(&first->endpoint, o, t->deadline, reached);

	if (fd >= 0)
		return fd;
	if (fail_status() == STATUS_RESOLVE || dial_may_pass(errno))
		t->failure = FAILS_NOW;
	return proxy_hop_fault(first);
}

/* Waits until the socket is ready; -1 with a fault: the time is over. */
static int
handshake_wait(const struct tries *t, const struct proxy_handshake *h,
    int fd, enum proxy_step step)
{
	struct pollfd p = {
		.fd = fd,
		.events = step == HANDSHAKE_WANTS_READ ? POLLIN : POLLOUT,
	};

	if (loop_now() >= t->deadline)
		return proxy_handshake_late(h);
	return loop_poll(&p, 1, t->deadline);
}

static int
handshake_run(struct tries *t, struct proxy_handshake *h, int fd)
{
	enum proxy_step step;

	while ((step = proxy_handshake(h, fd)) != HANDSHAKE_DONE)
		if (step == HANDSHAKE_FAILED ||
		    handshake_wait(t, h, fd, step) < 0)
			return -1;
	return 0;
}

/* A try: dials the first proxy and asks all; known: the server's address. */
static int
chain_try(struct tries *t, const struct proxy_route *r,
    const struct addr *known, const struct dial_options *o,
    struct addr *reached)
{
	struct proxy_handshake h;
	int fd, result;

	t->failure = FAILS_ALWAYS;
	fd = first_dial(t, &r->chain->hop[0], o, reached);
	if (fd < 0)
		return try_failed(t);
	result = proxy_handshake_begin(&h, r, r->server, known);
	if (result == 0)
		result = handshake_run(t, &h, fd);
	proxy_handshake_end(&h);
	if (result == 0)
		return fd;
	if (h.may_pass)
		t->failure = REFUSED_NOW;
	close(fd);
	return try_failed(t);
}

/* Tries each of the server's addresses, or its name. */
static int
chain_round(struct tries *t, const struct proxy_chain *c,
    const struct endpoint *e, const struct dial_options *o,
    struct addr *reached)
{
	struct proxy_route r;
	int fd = -1, i = 0;

	t->failure = FAILS_NOW;
	if (proxy_route_resolve(&r, c, e, t->deadline, 0) < 0)
		return try_failed(t);
	do
		fd = chain_try(t, &r, r.servers.count ? &r.servers.at[i] :
		    NULL, o, reached);
	while (fd < 0 && t->failure == REFUSED_NOW && ++i < r.servers.count);
	proxy_route_free(&r);
	return fd;
}

static int
chain_give_up(int rounds, int64_t wait)
{
	if (rounds > 1)
		fail_add("tried %d times within %g s", rounds,
		    (double)wait / 1e6);
	return -1;
}

int
proxy_dial(const struct proxy_chain *c, const struct endpoint *e,
    const struct dial_options *options, int64_t deadline, struct addr *reached)
{
	struct retry retry = {
		.end = loop_now() + options->wait,
		.pause = RETRY_FIRST_US, .most = RETRY_MAX_US,
	};
	struct dial_options once = *options;
	struct tries t = { .deadline = deadline };

	once.wait = 0;
	if (options->wait && retry.end + RETRY_LAST_US > deadline)
		t.deadline = retry.end + RETRY_LAST_US;
	for (int rounds = 1;; rounds++) {
		int fd = chain_round(&t, c, e, &once, reached);

		if (fd >= 0)
			return fd;
		if (t.failure == FAILS_ALWAYS || !retry_sleep(&retry))
			return chain_give_up(rounds, options->wait);
	}
}
