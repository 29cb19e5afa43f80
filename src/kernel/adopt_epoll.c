#include "kernel/adopt_epoll.h"

#include <unistd.h>

#include "kernel/epoll_watched.h"

void
adopt_keep_watched(pid_t pid, struct sock_set *set)
{
	uint64_t inodes[ADDR_MAX];
	bool watched[ADDR_MAX];
	int kept = 0;

	if (set->count < 2)
		return;
	for (int i = 0; i < set->count; i++)
		inodes[i] = sock_inode(set->fd[i]);
	if (!epoll_watched(pid, inodes, set->count, watched))
		return;
	for (int i = 0; i < set->count; i++) {
		if (!watched[i]) {
			close(set->fd[i]);
			continue;
		}
		set->bound[kept] = set->bound[i];
		set->fd[kept++] = set->fd[i];
	}
	set->count = kept;
}
