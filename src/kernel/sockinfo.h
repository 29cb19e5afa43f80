#ifndef KERNEL_SOCKINFO_H
#define KERNEL_SOCKINFO_H

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"

/*
 * The two handles for this host's sockets: diag lists them, owners finds their
 * processes. They keep descriptors open, so that repeated questions are cheap.
 * A handle is NULL if the kernel has no sock_diag(7), or if memory is short.
 */
struct sockinfo {
	struct sock_diag *diag;
	struct owners *owners;
};

void sockinfo_open(struct sockinfo *);
void sockinfo_close(struct sockinfo *);

#endif
