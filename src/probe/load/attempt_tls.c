/*
 * The stage TLS of an attempt: see attempt.c. tls/tls.c makes the handshake;
 * here it gets the socket whenever that is ready for it.
 */
#include "probe/load/attempt_internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "tls/tls.h"

/* A reset says more about a listener than about TLS. */
static void
tls_fail(struct attempt *a)
{
	if (errno == ECONNRESET || errno == EPIPE)
		attempt_end_by(a, errno);
	else
		attempt_end_fault(a, OUT_TLS, "TLS: ");
}

int
attempt_tls_begin(struct attempt *a)
{
	const struct plan *p = a->shared->plan;

	a->stage = STAGE_TLS;
	a->tick_at = 0;
	a->secured_from = clock_ns();
	attempt_limit(a, a->connect_by - loop_now());
	a->tls = tls_new(p->tls, a->source.fd, p->tls_name);
	if (a->tls)
		return attempt_tls_go_on(a);
	attempt_end_fault(a, OUT_OTHER, "");
	return -1;
}

int
attempt_tls_go_on(struct attempt *a)
{
	struct attempt_shared *s = a->shared;
	enum tls_step step = tls_handshake(a->tls);
	int64_t now = clock_ns();
	struct tls_facts facts;

	if (step == TLS_FAILED) {
		tls_fail(a);
		return -1;
	}
	if (step != TLS_DONE) {
		loop_watch(s->loop, &a->source,
		    step == TLS_WANTS_READ ? EPOLLIN : EPOLLOUT);
		return 0;
	}
	a->result.ns[LATENCY_TLS] = now - a->secured_from;
	tls_facts(a->tls, &facts);
	snprintf(s->tally->alpn, TALLY_ALPN, "%.63s", facts.alpn);
	a->result.tls = (struct probe_tls){
		.handshakes = 1, .resumed = facts.resumed,
		.version = facts.version, .cipher = facts.cipher,
	};
	return 1;
}
