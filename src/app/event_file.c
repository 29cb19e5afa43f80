#include "app/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/standard_fds.h"

static bool
is_fifo(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

int
event_file_open(struct event_file *f, const char *name)
{
	f->faults = mmap(NULL, sizeof(*f->faults), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->faults == MAP_FAILED) {
		f->faults = NULL;
		return fail("%.200s", name);
	}
	/* O_APPEND: processes share it */
	f->fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0666);
	if (f->fd >= 0)
		return 0;
	fail("%.200s", name);
	if (errno == ENXIO && is_fifo(name))
		fail_add("no process reads this fifo");
	return fail_status_set(STATUS_USAGE);
}

/* errno: why a line is lost. */
static int
event_file_fail(struct event_file *f)
{
	if (__atomic_test_and_set(&f->faults->lost, __ATOMIC_RELAXED))
		return 0;
	fail("file of events");
	fail_add("some are lost");
	return -1;
}

int
event_file_write(struct event_file *f, const char *line, size_t length)
{
	ssize_t n;

	/* what is left of a torn line must not spoil the next one */
	if (f->faults->torn && write(f->fd, "\n", 1) == 1)
		f->faults->torn = false;
	n = write(f->fd, line, length);
	if (n == (ssize_t)length)
		return 0;
	f->faults->torn |= n > 0;
	if (n >= 0)
		errno = ENOSPC;
	return event_file_fail(f);
}

int
event_file_settle(struct event_file *f)
{
	return f->faults && fd_settle(f->fd) < 0 ? event_file_fail(f) : 0;
}
