#ifndef TLS_TLS_CONNECT_H
#define TLS_TLS_CONNECT_H

#include "tls/tls.h"

/*
 * Makes a client's handshake on a connected socket, which no longer blocks
 * then. The deadline is a loop_now(). fd stays the caller's. NULL: see
 * fail_text(): STATUS_TIMEOUT at the deadline.
 */
struct tls *tls_connect(struct tls_context *, int fd, const char *name,
    int64_t deadline);

#endif
