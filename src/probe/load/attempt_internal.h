#ifndef PROBE_LOAD_ATTEMPT_INTERNAL_H
#define PROBE_LOAD_ATTEMPT_INTERNAL_H

#include "probe/load/attempt.h"

/*
 * The files of an attempt share this: attempt.c connects and looks,
 * attempt_proxy.c asks proxies, attempt_tls.c makes the handshake of TLS,
 * attempt_io.c talks and ends, attempt_socket.c opens the socket, and reads and
 * writes.
 */

/* attempt_proxy.c. 1: the server is reached; 0: later; -1: it has ended. */
int attempt_proxies_begin(struct attempt *);
int attempt_proxies_go_on(struct attempt *);
/* Ends an attempt that has not connected, to the server or the first proxy. */
void attempt_end_unconnected(struct attempt *, int error);

/* attempt_tls.c. 1: the handshake is done; 0: later; -1: it has ended. */
int attempt_tls_begin(struct attempt *);
int attempt_tls_go_on(struct attempt *);

/* attempt_io.c. Any of these may end the attempt, and on_end restart it. */

/* Begins to talk, maybe later: sends, and reads until the exchange is done. */
void attempt_talk(struct attempt *);
/* Sends what can be sent now; -1: the attempt has ended. */
int attempt_send(struct attempt *);
void attempt_receive(struct attempt *);
/* Whether some of --send or --echo is not sent yet. */
bool attempt_has_more(const struct attempt *);
/* STAGE_TALK has lasted too long. */
void attempt_on_silence(struct attempt *);
/* The exchange is done: sends FIN, and reads on to the peer's end. */
void attempt_close(struct attempt *);
void attempt_drain(struct attempt *);
/* STAGE_CLOSE has lasted too long: the peer's end was not seen. */
void attempt_leave(struct attempt *);

/* Reports the result. _by: the outcome is the one of an errno. */
void attempt_end(struct attempt *, enum outcome, int error);
void attempt_end_by(struct attempt *, int error);
void attempt_end_with_reason(struct attempt *, enum outcome,
    const char *reason);
/* The reason is the recorded fault without this beginning. */
void attempt_end_fault(struct attempt *, enum outcome, const char *without);
/* Closes the socket, and is idle. */
void attempt_release(struct attempt *);

/* Limits the stage; a->deadline may come sooner. */
void attempt_limit(struct attempt *, int64_t microseconds);
/* Has attempt_tick() called in so many nanoseconds. */
void attempt_tick_in(struct attempt *, int64_t ns);

/* attempt_socket.c */

/*
 * Opens a socket that is ready for connect(2); -1 and errno. If the kernel is
 * asked and a->unbound is not set, the socket is bound first: then a->ours is
 * its address (len 0: not known), and a->predicted_inode the listener that
 * will get the connection (0: not known).
 */
int attempt_socket(struct attempt *);

/* Like recv(2) and send(2), which never block; EPROTO: TLS failed. */
ssize_t attempt_read(struct attempt *, void *room, size_t length);
ssize_t attempt_write(struct attempt *, const void *data, size_t length);
/* Ends our direction; -1 and EAGAIN: to be called again. */
int attempt_shut(struct attempt *);
/* Waits for these events: to be called after whatever reads or writes. */
void attempt_watch(struct attempt *, uint32_t events);

#endif
