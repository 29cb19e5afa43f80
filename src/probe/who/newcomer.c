/*
 * How it works. A process that starts during a run may hold a member's
 * listening socket because it inherited it. A worker accepts from it, as
 * nginx's new ones do after a reload. A child that a server forks for each
 * connection holds the listener too, if it does not close it, and accepts
 * nothing. Both have a connection that they did not dial.
 *
 * Any of these proves a worker: it watches the listener by an epoll of its own;
 * it ran before its connection began; it had two connections. Until then it is
 * a newcomer, and its connection counts for its parent: if the child was forked
 * for it, the parent accepted it.
 */
#include "probe/who/newcomer.h"

#include "kernel/epoll_watched.h"
#include "kernel/sock_owner.h"

static bool
process_watches(pid_t pid, uint64_t inode)
{
	bool watched;

	return epoll_watched(pid, &inode, 1, &watched);
}

/* An epoll that the parent has too was inherited with all else. */
bool
newcomer_is(const struct tally *t, const pid_t *holders, int count, pid_t pid,
    uint64_t inode)
{
	pid_t parent;

	if (tally_process_find(t, pid) >= 0)
		return false;
	parent = owner_parent(pid);
	for (int i = 0; i < count; i++)
		if (holders[i] == parent)
			return !process_watches(pid, inode) ||
			    process_watches(parent, inode);
	return false;
}
