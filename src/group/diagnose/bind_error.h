#ifndef GROUP_DIAGNOSE_BIND_ERROR_H
#define GROUP_DIAGNOSE_BIND_ERROR_H

#include "net/sock.h"

/*
 * Adds to the fault of a failed sock_listen() which process has the port, why
 * it is not shared, and what to do.
 */
void bind_error_explain(const struct sock_set *failed,
    const struct sock_options *);

#endif
