#ifndef KERNEL_SOCK_DIAG_ATTRIBUTES_H
#define KERNEL_SOCK_DIAG_ATTRIBUTES_H

#include "kernel/diag_sock.h"

struct nlmsghdr;

/* Fills in what an answer of sock_diag(7) says in its attributes. */
void sock_diag_attributes(const struct nlmsghdr *, unsigned offset,
    struct diag_sock *);

#endif
