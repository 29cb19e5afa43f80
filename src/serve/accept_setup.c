#include "serve/accept_setup.h"

#include <sys/mman.h>

#include "base/container.h"
#include "base/fail.h"
#include "net/backoff.h"
#include "net/sockopt.h"

/* A connection is refused: not each refusal is news, as attackers make many. */
static void
setup_refuse(struct accept_setup *s, struct conn *c, enum reason reason,
    bool fault)
{
	s->on_refused(s, c, reason, fault && backoff_is_due(reason ==
	    REASON_DENIED ? &s->reported->denied : &s->reported->fault));
}

static void
on_tls_ready(struct accept_tls *t, struct conn *c)
{
	struct accept_setup *s = container_of(t, struct accept_setup, tls);

	s->on_ready(s, c);
}

static void
on_tls_refused(struct accept_tls *t, struct conn *c, enum reason reason)
{
	struct accept_setup *s = container_of(t, struct accept_setup, tls);

	setup_refuse(s, c, reason, reason == REASON_NO_TLS ||
	    reason == REASON_LOCAL);
}

static void
on_header_refused(struct accept_proxy *p, struct conn *c, enum reason reason,
    bool fault)
{
	struct accept_setup *s = container_of(p, struct accept_setup, proxy);

	setup_refuse(s, c, reason, fault);
}

static void
on_header_ready(struct accept_proxy *p, struct conn *c)
{
	struct accept_setup *s = container_of(p, struct accept_setup, proxy);

	if (accept_tls_add(&s->tls, c) < 0)
		setup_refuse(s, c, REASON_LOCAL, true);
}

/* Each connection may have a process of its own: one line is for all. */
int
accept_setup_share(struct accept_setup *s)
{
	void *shared = mmap(NULL, sizeof(*s->reported), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return fail("shared memory");
	s->reported = shared;
	return 0;
}

void
accept_setup_init(struct accept_setup *s, struct loop *l)
{
	s->proxy.loop = s->tls.loop = l;
	s->proxy.on_ready = on_header_ready;
	s->proxy.on_refused = on_header_refused;
	s->tls.on_ready = on_tls_ready;
	s->tls.on_refused = on_tls_refused;
}

bool
accept_setup_admits(struct accept_setup *s, struct conn *c)
{
	if (!admission_is_on(&s->admission))
		return true;
	if (!c->peer.len)	/* the peer has reset it already */
		setup_refuse(s, c, REASON_RESET, false);
	else if (admission_judge(&s->admission, c) < 0) {
		c->denied = true;
		sock_reset_at_close(c->source.fd);
		setup_refuse(s, c, REASON_DENIED, true);
	} else if (admission_enter(&s->admission, c) < 0)
		setup_refuse(s, c, REASON_LOCAL, true);
	else
		return true;
	return false;
}

int
accept_setup_add(struct accept_setup *s, struct conn *c)
{
	if (!accept_setup_admits(s, c))
		return 0;
	return accept_proxy_add(&s->proxy, c);
}

bool
accept_setup_waits(const struct accept_setup *s)
{
	return s->proxy.waiting || s->tls.waiting;
}

void
accept_setup_cut(struct accept_setup *s, enum reason reason)
{
	accept_proxy_cut(&s->proxy, reason);
	accept_tls_cut(&s->tls, reason);
}

void
accept_setup_free(struct accept_setup *s)
{
	accept_proxy_free(&s->proxy);
	admission_free(&s->admission);
	if (s->reported)
		munmap(s->reported, sizeof(*s->reported));
	s->reported = NULL;
}
