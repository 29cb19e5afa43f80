#ifndef GROUP_DIAGNOSE_BIND_ERROR_H
#define GROUP_DIAGNOSE_BIND_ERROR_H

#include "net/sock.h"

/*
 * Adds the cause to the fault of a sock_listen() that failed, and what to do
 * about it: who has the port, and why it is not shared.
 */
void bind_error_explain(const struct sock_set *failed,
    const struct sock_options *);

#endif
