#ifndef NET_PROXY_SEND_H
#define NET_PROXY_SEND_H

#include "net/proxy_header.h"

/*
 * Sends a PROXY header with the addresses of a new connection, on which nothing
 * was sent yet. PROXY_NONE: sends nothing. -1: see errno.
 */
int proxy_send(int fd, enum proxy_version);

#endif
