#ifndef KERNEL_SOCKINFO_H
#define KERNEL_SOCKINFO_H

#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"

/*
 * Both ways to ask about this host's sockets: which there are, and whose they
 * are. Keeps its descriptors, so that asking often is cheap. A handle is NULL
 * where the kernel has no sock_diag, or there is no memory.
 */
struct sockinfo {
	struct sock_diag *diag;
	struct owners *owners;
};

void sockinfo_open(struct sockinfo *);
void sockinfo_close(struct sockinfo *);

#endif
