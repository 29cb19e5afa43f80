#ifndef NET_DIAG_ATTRIBUTES_H
#define NET_DIAG_ATTRIBUTES_H

#include "net/diag_sock.h"

struct nlmsghdr;

/* Fills in what an answer of sock_diag(7) says in its attributes. */
void diag_attributes(const struct nlmsghdr *, unsigned offset,
    struct diag_sock *);

#endif
