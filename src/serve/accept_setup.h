#ifndef SERVE_ACCEPT_SETUP_H
#define SERVE_ACCEPT_SETUP_H

#include "serve/accept_proxy.h"
#include "serve/accept_tls.h"
#include "serve/admission.h"

/* When these were last news, in memory shared with children. */
struct refusals {
	int64_t fault, denied;
};

/*
 * The steps of an accepted connection before its payload: whether it may come,
 * then the PROXY header, then the TLS handshake, if they are asked for.
 */
struct accept_setup {
	struct admission admission;	/* the caller's */
	struct accept_proxy proxy;	/* on, from, count: the caller's */
	struct accept_tls tls;		/* context: the caller's */
	struct refusals *reported;
	/* Takes over c, from which payload can be read; it may free c. */
	void (*on_ready)(struct accept_setup *, struct conn *c);
	/*
	 * Takes over c, which is denied (REASON_DENIED; it will be reset at the
	 * close), or whose header or handshake failed. If it is news,
	 * fail_text() says why, and is to be reported.
	 */
	void (*on_refused)(struct accept_setup *, struct conn *c,
	    enum reason reason, bool news);
};

/* Makes the shared memory, before any fork(2). -1: see fail_text(). */
int accept_setup_share(struct accept_setup *);
/* The callbacks are set. */
void accept_setup_init(struct accept_setup *, struct loop *);
/* Takes over an accepted connection. -1: c is still the caller's. */
int accept_setup_add(struct accept_setup *, struct conn *c);
/*
 * Only its first step: whether c may come. false: it is refused, and taken
 * over. Else the caller calls admission_left() when c has closed.
 */
bool accept_setup_admits(struct accept_setup *, struct conn *c);
/* Whether some connections are not ready yet. */
bool accept_setup_waits(const struct accept_setup *);
/* Refuses those connections. */
void accept_setup_cut(struct accept_setup *, enum reason);
void accept_setup_free(struct accept_setup *);

#endif
