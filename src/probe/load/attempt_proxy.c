/*
 * The stage PROXY of an attempt: see attempt.c. net/proxy_handshake.c asks the
 * proxies; here it gets the socket whenever that is ready for it.
 */
#include "probe/load/attempt_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/dial.h"

/* A proxy that is not there is no refusal by the server. */
void
attempt_end_unconnected(struct attempt *a, int error)
{
	const struct proxy_route *r = a->shared->route;

	if (!r || !dial_may_pass(error)) {
		attempt_end_by(a, error);
		return;
	}
	snprintf(a->result.reason, sizeof(a->result.reason), "%.140s: %s",
	    r->chain->hop[0].name, strerror(error));
	attempt_end(a, error == ETIMEDOUT ? OUT_TIMEOUT : OUT_PROXY, error);
}

int
attempt_proxies_begin(struct attempt *a)
{
	const struct attempt_shared *s = a->shared;

	a->stage = STAGE_PROXY;
	if (proxy_handshake_begin(&a->proxies, s->route, s->route->server,
	    s->known) == 0)
		return attempt_proxies_go_on(a);
	attempt_end_fault(a, OUT_OTHER, "");
	return -1;
}

int
attempt_proxies_go_on(struct attempt *a)
{
	enum proxy_step step = proxy_handshake(&a->proxies, a->source.fd);

	if (step == HANDSHAKE_FAILED) {
		attempt_end_fault(a, OUT_PROXY, "proxy ");
		return -1;
	}
	attempt_watch(a, step == HANDSHAKE_WANTS_READ ? EPOLLIN :
	    step == HANDSHAKE_WANTS_WRITE ? EPOLLOUT : 0);
	if (step != HANDSHAKE_DONE)
		return 0;
	proxy_handshake_end(&a->proxies);
	a->result.ns[LATENCY_PROXY] = clock_ns() - a->connected;
	return 1;
}
