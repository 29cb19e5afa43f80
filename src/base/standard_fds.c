#include "base/standard_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STANDARD = 3 };

static bool was_closed[STANDARD];

/*
 * A program that a server starts writes to our stderr: that must not fail.
 * Without /dev, a pipe's end fills the number.
 */
static bool
fill_standard_fd(int fd)
{
	int ends[2];

	if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) == fd)
		return true;
	return pipe(ends) == 0 && ends[0] == fd && close(ends[1]) == 0;
}

void
standard_fds_hold(void)
{
	for (int fd = 0; fd < STANDARD; fd++) {
		was_closed[fd] = fcntl(fd, F_GETFD) < 0;
		if (was_closed[fd] && !fill_standard_fd(fd))
			abort();
	}
}

bool
standard_fds_was_closed(int fd)
{
	return was_closed[fd];
}

void
standard_fds_close(int fd)
{
	int ends[2];

	/* the reading end of a pipe; a sandbox may have no files to open */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	dup2(ends[0], fd);
	close(ends[0]);
	close(ends[1]);
}

int
fd_settle(int fd)
{
	struct stat st;
	int copy;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 || close(copy) == 0 || errno == EINTR ? 0 : -1;
}

void
fds_close_from(int first, bool on_exec)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, ~0U, on_exec ?
	    CLOSE_RANGE_CLOEXEC : 0) == 0 ||
	    getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	/* before Linux 5.9 */
	for (rlim_t fd = (rlim_t)first; fd < limit.rlim_cur; fd++)
		if (on_exec)
			fcntl((int)fd, F_SETFD, FD_CLOEXEC);
		else
			close((int)fd);
}
