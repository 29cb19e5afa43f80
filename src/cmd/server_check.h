#ifndef CMD_SERVER_CHECK_H
#define CMD_SERVER_CHECK_H

#include "app/settings.h"
#include "net/addr.h"
#include "serve/accept_setup.h"
#include "serve/activation.h"

/* Takes over the sockets of a service manager, before all checks. -1: usage. */
int server_take_sockets(struct settings *, struct activation *);
/*
 * Checks the options of a server against each other and its endpoint, and
 * changes nothing; -1: a usage error.
 */
int server_check(const struct settings *, const struct endpoint *);
/* The options of a group's member; called when s->reuseport is final. */
int server_check_group(const struct settings *, const struct endpoint *);

/* Reads the options of accepted connections: access, proxy, TLS. -1: usage. */
int server_check_setup(const struct settings *, struct accept_setup *,
    struct tls_context *);

#endif
