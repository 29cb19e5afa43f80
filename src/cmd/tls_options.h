#ifndef CMD_TLS_OPTIONS_H
#define CMD_TLS_OPTIONS_H

#include "app/settings.h"
#include "tls/context.h"

/*
 * Opens a context by the options of TLS, or leaves it empty without --tls. All
 * files are read, before a packet is sent. -1: a usage fault, or there is no
 * OpenSSL.
 */
int tls_options_client(const struct settings *, struct tls_context *);
/* Makes a certificate, if none is given. */
int tls_options_server(const struct settings *, struct tls_context *);

/*
 * Gives the name that a server's certificate must have: --tls-name, else the
 * host of the command line. A Unix socket has no host: then it is NULL, or
 * without a pin and --tls-insecure a usage fault (-1).
 */
int tls_options_name(const struct settings *, const struct endpoint *server,
    const char **name);

#endif
