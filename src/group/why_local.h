#ifndef GROUP_WHY_LOCAL_H
#define GROUP_WHY_LOCAL_H

#include "net/addr.h"

/* why_add() for Unix sockets: what is there under that name, and whose. */
void why_add_local(const struct addr *, int error);

#endif
