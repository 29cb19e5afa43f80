#include "base/fd_order.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	TABLE = 1024,	/* a larger table of descriptors makes fork(2) slow */
	LOCKS = 8,	/* numbers below the first listener's */
};

int
fd_move_up(int fd, enum fd_rank rank)
{
	struct rlimit limit = { TABLE, TABLE };
	int least, moved, saved = errno;

	getrlimit(RLIMIT_NOFILE, &limit);
	least = (limit.rlim_cur < TABLE ? (int)limit.rlim_cur : TABLE) / 2;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, rank == FD_LISTENER ?
	    least + LOCKS : least);
	if (moved >= 0)
		close(fd);
	errno = saved;
	return moved < 0 ? fd : moved;
}
