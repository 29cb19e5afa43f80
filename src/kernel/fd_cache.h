#ifndef KERNEL_FD_CACHE_H
#define KERNEL_FD_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Descriptors of one process that were found recently to be wanted sockets.
 */

enum { LATELY = 128 };

struct fd_cache {
	int count;
	struct lately_fd {
		int fd;
		bool met;		/* the inode was asked for */
		uint64_t inode;		/* when it was last read; 0: closed */
	} at[LATELY];			/* the last one was read last */
};

/* It was this socket just now. The one read longest ago may be forgotten. */
void fd_cache_add(struct fd_cache *, int fd, uint64_t inode);

/* Whether one of them is that socket now. */
bool fd_cache_has(struct fd_cache *, pid_t, uint64_t inode);

#endif
