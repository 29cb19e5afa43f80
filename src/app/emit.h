#ifndef APP_EMIT_H
#define APP_EMIT_H

#include "app/app.h"
#include "tls/tls_conn.h"

/*
 * Events and payload leave the process here: as lines for people on stderr (or
 * above a prompt), reports on stdout, and all of it as JSON on stdout if
 * --json is given.
 */

/* Reports the last fault as an error event; the command goes on. */
void emit_error(struct app *);

/* Prints an event, unless -q or the lack of -v hides it. */
void emit_event(struct app *, struct event *);
/* The same for programs alone, with --json or --events. */
void emit_for_programs(struct app *, struct event *);

/* Reports text as an error event; -q hides it from people. */
void emit_notice(struct app *, const char *text);
/* Reports how many datagrams a full receive queue lost; 0: nothing. */
void emit_lost(struct app *, uint32_t datagrams);
/* The same for connections or datagrams that were denied. */
void emit_denied(struct app *, uint64_t denied);

/* The options of --sockopt, as they are read back from a socket. */
void emit_sockopts(struct app *, int fd);

/* Events of connections. */
void emit_connected(struct app *, const struct conn *);
/* The same; own of the group's total connections went to this member. */
void emit_accepted(struct app *, const struct conn *, const char *name,
    uint64_t own, uint64_t total);
void emit_closed(struct app *, const struct conn *, enum reason);
/* What TLS agreed on, if c has it. */
void emit_tls(struct app *, const struct conn *);
/* The key that a server has made for itself, if it has. */
void emit_key(struct app *, const struct tls_context *);
/* Data from a peer: unchanged, escaped for a terminal, or as data events. */
void emit_payload(struct app *, struct conn *, const void *, size_t);
/* A hex dump on stderr of data from conn, or (NULL) of input for the peers. */
void emit_hex(struct app *, const struct conn *, const void *, size_t);

#endif
