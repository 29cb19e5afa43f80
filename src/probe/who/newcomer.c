/*
 * Tells a new worker from a child that serves one connection. A process that
 * starts during a run may hold a member's listening socket because it inherited
 * it. A worker accepts from it, as nginx's new ones do after a reload. A child
 * that a server forks for each connection holds the listener too, if it does
 * not close it, and accepts nothing. Both may have a client's connection.
 *
 * Any of these shows that a process is a worker: it watches the listener by its
 * own epoll; it ran before its connection began; it had two connections. Until
 * then it is a newcomer, and its connection counts for its parent, because a
 * child that was forked for the connection did not accept it.
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

/* If the parent watches it too, the epoll may be an inherited one. */
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
