#include "kernel/pidfd_sockopt.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
option_of(int fd, uint64_t inode, int level, int option)
{
	socklen_t length = sizeof(int);
	struct stat st;
	int value;

	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    st.st_ino != inode ||
	    getsockopt(fd, level, option, &value, &length) < 0)
		return -1;
	return value;
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
