#include "relay/input.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool
input_is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(1, 3);
}

static short
input_events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

bool
input_is_ready(int fd)
{
	return input_events(fd) != 0;
}

static void
input_file_left(int fd, off_t size, struct loss *loss)
{
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at >= 0 && size > at)
		loss->bytes += (uint64_t)(size - at);
}

void
input_left(int fd, struct loss *loss)
{
	short events = input_events(fd);
	struct stat st;
	int n = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		input_file_left(fd, st.st_size, loss);
		return;
	}
	/* nothing is there now, and later bytes are not counted */
	if (!(events & POLLIN))
		return;
	if (ioctl(fd, FIONREAD, &n) < 0)
		n = 1;		/* a device such as /dev/zero: at least 1 */
	if (n > 0) {
		loss->bytes += (uint64_t)n;
		loss->at_least |= !(events & POLLHUP);
	}
}
