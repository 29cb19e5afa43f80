#ifndef KERNEL_FD_CACHE_H
#define KERNEL_FD_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Descriptors of one process that recently were sockets that the caller looked
 * for.
 */

enum { FD_CACHE_SIZE = 128 };

struct fd_cache {
	int count;
	struct cached_fd {
		int fd;
		bool met;		/* the inode was asked for */
		uint64_t inode;		/* at the last reading; 0: closed */
	} at[FD_CACHE_SIZE];		/* ordered by the time of reading */
};

/* Adds a descriptor just read; if full, forgets the one read longest ago. */
void fd_cache_add(struct fd_cache *, int fd, uint64_t inode);

/* Whether a descriptor of the cache is that socket now. */
bool fd_cache_has(struct fd_cache *, pid_t, uint64_t inode);

#endif
