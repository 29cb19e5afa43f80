#include "app/event_file.h"

#include <errno.h>
#include <unistd.h>

#include "base/fail.h"

int
event_file_write(struct event_file *f, const char *line, size_t length)
{
	ssize_t n;

	/* what is left of a torn line must not spoil the next one */
	if (f->torn && write(f->fd, "\n", 1) == 1)
		f->torn = false;
	n = write(f->fd, line, length);
	if (n == (ssize_t)length)
		return 0;
	f->torn |= n > 0;
	if (n >= 0)
		errno = ENOSPC;
	if (f->failed)
		return 0;
	f->failed = true;
	fail("file of events");
	fail_add("some are lost");
	return -1;
}
