#include "base/standard_fds.h"

#include <fcntl.h>
#include <stdlib.h>
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
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, fd);
	close(null);
}
