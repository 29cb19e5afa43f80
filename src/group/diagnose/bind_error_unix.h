#ifndef GROUP_DIAGNOSE_BIND_ERROR_UNIX_H
#define GROUP_DIAGNOSE_BIND_ERROR_UNIX_H

#include "net/addr.h"

/* bind_error_explain() for Unix sockets: the process that has the name. */
void bind_error_explain_unix(const struct addr *, int error);

#endif
