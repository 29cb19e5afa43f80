#ifndef GROUP_DIAGNOSE_BIND_ERROR_UNIX_H
#define GROUP_DIAGNOSE_BIND_ERROR_UNIX_H

#include "net/addr.h"

/* why_add() for Unix sockets: what is there under that name, and whose. */
void why_add_local(const struct addr *, int error);

#endif
