#ifndef APP_EMIT_H
#define APP_EMIT_H

#include "app/app.h"

/*
 * Events and payload leave the process here: as lines for people on stderr (or
 * above a prompt), reports on stdout, and all of it as JSON on stdout if
 * --json is given.
 */

/* A fault that service survives: an error event. */
void emit_error(struct app *);

/* Shows an event in the form that was asked for. */
void emit_event(struct app *, struct event *);

/* One notice on stderr; not with -q. */
void emit_notice(struct app *, const char *text);
/* The same for so many datagrams that came and had no room. */
void emit_lost(struct app *, uint32_t datagrams);

/* Events of connections. */
void emit_connected(struct app *, const struct conn *);
/* The same with what a member has of all that its group accepted. */
void emit_accepted(struct app *, const struct conn *, const char *name,
    uint64_t own, uint64_t total);
void emit_closed(struct app *, const struct conn *, enum reason);
/* What a peer sent: as it is, escaped for a terminal, or as data events. */
void emit_payload(struct app *, struct conn *, const void *, size_t);
/* A hex dump of it on stderr; conn NULL: to the peers. */
void emit_hex(struct app *, const struct conn *, const void *, size_t);

#endif
