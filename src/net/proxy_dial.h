#ifndef NET_PROXY_DIAL_H
#define NET_PROXY_DIAL_H

#include "net/dial.h"
#include "net/proxy_hop.h"

/*
 * Whether a chain can reach e: the host must be one that a proxy may get. -1: a
 * usage fault.
 */
int proxy_chain_check(const struct proxy_chain *, const struct endpoint *e);

/*
 * Like dial(), but through the chain. *reached is the first proxy. Bytes that
 * the server has sent are still to be read. A fault names its hop.
 */
int proxy_dial(const struct proxy_chain *, const struct endpoint *e,
    const struct dial_options *, int64_t deadline, struct addr *reached);

#endif
