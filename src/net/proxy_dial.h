#ifndef NET_PROXY_DIAL_H
#define NET_PROXY_DIAL_H

#include "net/dial.h"
#include "net/proxy_route.h"

/*
 * Like dial(), but through the chain. *reached is the first proxy. Bytes that
 * the server has sent are still to be read. A fault names its hop.
 */
int proxy_dial(const struct proxy_chain *, const struct endpoint *e,
    const struct dial_options *, int64_t deadline, struct addr *reached);

#endif
