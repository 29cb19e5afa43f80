#ifndef BASE_FD_ORDER_H
#define BASE_FD_ORDER_H

/*
 * When a process dies, the kernel releases its descriptors from the highest
 * number down. The release of inotify(7) waits for a grace period:
 * milliseconds, or seconds on a busy machine. Until a listener is released, it
 * collects connections that nobody accepts; until a lock is released, other
 * members believe that its owner lives. So listeners have the highest numbers,
 * then locks; everything else has low numbers, as open(2) gives them.
 */
enum fd_rank {
	FD_LOCK,
	FD_LISTENER,
};

/*
 * Gives fd a number of its rank: the new one, close-on-exec; fd is closed.
 * Near RLIMIT_NOFILE there may be no room: then fd stays what it is.
 */
int fd_move_up(int fd, enum fd_rank rank);

#endif
