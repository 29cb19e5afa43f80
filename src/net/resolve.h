#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/lookup.h"

/*
 * Looks e up for a client: the addresses of its name, or localhost's. Gives
 * up at deadline (loop_now() microseconds; 0: none). If one family's answer is
 * late, only the other's are there. Returns their count, at least 1; the
 * caller frees out, also after a failure.
 */
int resolve(const struct endpoint *e, int64_t deadline,
    struct addr_list *out);

/* The same for a listener, where no host means the wildcards. */
int resolve_passive(const struct endpoint *e, struct addr_list *out);

/*
 * Like resolve(), but if the name does not resolve, tries again for this time.
 * rest receives a look-up that is still in progress (lookup.h); else it is
 * unchanged.
 */
int resolve_wait(const struct endpoint *e, int64_t deadline, int64_t wait,
    struct lookup *rest, struct addr_list *out);

/* If no name has to be looked up: the addresses, and 1. Else 0; or -1. */
int resolve_known(const struct endpoint *e, struct addr_list *out);

#endif
