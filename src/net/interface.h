#ifndef NET_INTERFACE_H
#define NET_INTERFACE_H

#include <net/if.h>

/*
 * Like if_indextoname(3), which opens a socket each time. This one opens one at
 * the first call, so that it works in the sandbox. Returns name, or NULL.
 */
const char *interface_name(unsigned index, char name[static IF_NAMESIZE]);

/* Opens that socket now. Without it the names are numbers. */
void interface_prepare(void);

#endif
