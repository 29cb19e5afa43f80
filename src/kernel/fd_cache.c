/*
 * How it works. A process reuses descriptor numbers, so a new socket probably
 * has a number that an earlier socket had. fd_cache_has() reads the numbers
 * again, beginning with the one read longest ago, because that has most
 * probably changed. Each number that it reads on the way belongs to a socket
 * that the caller will ask for soon, so the cache keeps the answer. A server
 * that accepts many connections at once then costs about two readlink(2) a
 * connection.
 */
#include "kernel/fd_cache.h"

#include <string.h>

#include "kernel/proc_fd.h"

/* Moves it behind all others. */
static struct cached_fd *
fd_cache_move_last(struct fd_cache *l, int i)
{
	struct cached_fd *last = &l->at[l->count - 1], it = l->at[i];

	memmove(&l->at[i], &l->at[i + 1],
	    (size_t)(l->count - 1 - i) * sizeof(it));
	*last = it;
	return last;
}

static bool
read_again(struct fd_cache *l, int i, pid_t pid, uint64_t inode)
{
	struct cached_fd *it = fd_cache_move_last(l, i);
	uint64_t before = it->inode;

	it->inode = proc_fd_socket(pid, it->fd);
	it->met = !it->inode || it->inode == inode ||
	    (it->met && it->inode == before);
	return it->inode == inode;
}

void
fd_cache_add(struct fd_cache *l, int fd, uint64_t inode)
{
	int i = 0;

	while (i < l->count && l->at[i].fd != fd)
		i++;
	if (i == FD_CACHE_SIZE)
		i = 0;
	else if (i == l->count)
		l->count++;
	l->at[i] = (struct cached_fd){ .fd = fd, .met = true, .inode = inode };
	fd_cache_move_last(l, i);
}

bool
fd_cache_has(struct fd_cache *l, pid_t pid, uint64_t inode)
{
	for (int i = 0; i < l->count; i++)
		if (l->at[i].inode == inode)
			return read_again(l, i, pid, inode);
	for (int n = 0, i = 0; n < l->count; n++)
		if (!l->at[i].met)
			i++;
		else if (read_again(l, i, pid, inode))
			return true;
	return false;
}
