#ifndef KERNEL_SOCK_DIAG_ATTRIBUTES_H
#define KERNEL_SOCK_DIAG_ATTRIBUTES_H

#include "kernel/diag_sock.h"

struct nlmsghdr;

/* Fills in the fields that the attributes of a sock_diag(7) answer have. */
void sock_diag_attributes(const struct nlmsghdr *, unsigned offset,
    struct diag_sock *);

#endif
