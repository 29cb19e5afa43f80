#include "kernel/pidfd_sockopt.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "net/sock.h"

static int
option_of(int fd, uint64_t inode, int level, int option)
{
	return sock_inode(fd) == inode ? sock_get_int(fd, level, option, -1) :
	    -1;
}

int
pidfd_getsockopt(pid_t pid, int fd, uint64_t inode, int level, int option)
{
	int process, copy, value = -1;

	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return -1;
	copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	if (copy >= 0) {
		value = option_of(copy, inode, level, option);
		close(copy);
	}
	close(process);
	return value;
}
