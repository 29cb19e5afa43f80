#ifndef CMD_PROXY_OPTIONS_H
#define CMD_PROXY_OPTIONS_H

#include "app/settings.h"
#include "net/proxy_hop.h"

/*
 * Reads --proxy, with the users and passwords from --proxy-auth-file or
 * RPNC_PROXY_AUTH, for a connection to server. Warns about a password on the
 * command line. -1: a usage fault.
 */
int proxy_options(const struct settings *, const struct endpoint *server,
    struct proxy_chain *out);

#endif
