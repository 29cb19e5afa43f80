#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/lookup.h"

/*
 * Looks up e for a client: the addresses of its name, or localhost's. Gives up
 * at deadline (loop_now() microseconds; 0: none). If one family's answer is
 * late, out has only the other's. Returns their count, at least 1; the caller
 * frees out, also after a failure.
 */
int resolve(const struct endpoint *e, int64_t deadline,
    struct addr_list *out);

/* The same for a listener: without a host, the wildcards. */
int resolve_passive(const struct endpoint *e, struct addr_list *out);

/*
 * Like resolve(), but if the name does not resolve, tries again for this time.
 * If a query is still in progress (lookup.h), rest receives it.
 */
int resolve_wait(const struct endpoint *e, int64_t deadline, int64_t wait,
    struct lookup *rest, struct addr_list *out);

#endif
