#include "relay/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fail.h"
#include "terminal/foreground.h"

enum { HELD = 64 * 1024 };	/* the longest line that is kept whole */

bool
input_is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(1, 3);
}

bool
input_is_withheld(const struct input *in)
{
	return in->terminal && in_background(in->source.fd);
}

int
input_hold(struct input *in)
{
	in->held = malloc(HELD);
	return in->held ? 0 : fail("buffer");
}

bool
input_has_line(const struct input *in)
{
	return in->length && memchr(in->held, '\n', in->length);
}

/* Gives the first n bytes of what is held. */
static ssize_t
input_give(struct input *in, char *room, size_t n)
{
	memcpy(room, in->held, n);
	in->length -= n;
	memmove(in->held, in->held + n, in->length);
	return (ssize_t)n;
}

ssize_t
input_line(struct input *in, char *room, size_t most, int64_t delay)
{
	const char *end;
	ssize_t n = 1;

	if (most > HELD)
		most = HELD;
	if (!input_has_line(in) && in->length < most) {
		n = read(in->source.fd, in->held + in->length,
		    HELD - in->length);
		if (n < 0 || (n == 0 && !in->length))
			return n;
		in->length += (size_t)n;
	}
	end = memchr(in->held, '\n', in->length);
	if (end && (size_t)(end - in->held) < most) {
		in->next = loop_now() + delay;
		return input_give(in, room, (size_t)(end - in->held) + 1);
	}
	if (n > 0 && in->length < most) {
		errno = EAGAIN;
		return -1;
	}
	return input_give(in, room, in->length < most ? in->length : most);
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
