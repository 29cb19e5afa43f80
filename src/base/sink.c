/*
 * Output to stdout or stderr that never blocks the loop.
 *
 *	state		moves on when
 *	idle		a write does not fit: queued; sink_wait(): awaited;
 *			a hang-up: hang-up seen
 *	corked		sink_uncork(): what was collected goes out, or is queued
 *	queued		EPOLLOUT: the queue goes out, then idle; a hang-up:
 *			broken
 *	awaited		EPOLLOUT: idle; a hang-up: broken
 *	hang-up seen	after HANG_UP_US: broken
 *	closed		-; the descriptor is closed
 *	broken		-; on_fail has reported the fault, writes return -1
 *
 * After sink_end() it goes to closed where it else went to idle.
 *
 * A lossy sink is only watched while bytes are queued, so no hang-up is seen
 * before. It drops each write that would make its queue longer than
 * LOSSY_LIMIT (one longer write still goes into an empty queue), and says how
 * many lines that were when its reader reads again.
 */
#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "base/standard_fds.h"

enum {
	HANG_UP_US = 250 * 1000,
	LOSSY_LIMIT = 256 * 1024,
	STUCK_US = 50 * 1000,
};

static const char *
sink_name(const struct sink *s)
{
	return s->lossy ? "stderr" : "stdout";
}

static bool
sink_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) > 0;
}

/* Writes once without waiting; returns what write(2) returns. */
static ssize_t
write_some(struct sink *s, const char *data, size_t length)
{
	int fd = s->source.fd;
	ssize_t n;

	if (s->atomic) {
		if (!sink_writable(fd)) {
			errno = EAGAIN;
			return -1;
		}
		if (length > PIPE_BUF)
			length = PIPE_BUF;
	}
	if (!s->no_socket) {
		n = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
		s->no_socket = true;
	}
	return write(fd, data, length);
}

void
sink_break(struct sink *s)
{
	int error = errno;

	s->failed = s->lost = true;
	s->length = 0;
	s->awaited = false;
	loop_timer_cancel(s->loop, &s->hang_up);
	loop_del(s->loop, &s->source);
	errno = error;
	fail("%s", sink_name(s));
	if (s->on_fail)
		s->on_fail(s);
}

static int
sink_broken(struct sink *s)
{
	sink_break(s);
	return -1;
}

/* Waits for room; without the event no byte would ever go out. */
static int
sink_await_room(struct sink *s)
{
	return loop_watch(s->loop, &s->source, EPOLLOUT) < 0 ?
	    sink_broken(s) : 0;
}

/* Writes until all is out or it would wait; returns the bytes, or -1. */
static ssize_t
write_most(struct sink *s, const char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write_some(s, data + done, length - done);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			return sink_broken(s);
		done += n > 0 ? (size_t)n : 0;
	}
	if (done)
		s->wrote = loop_now();
	return (ssize_t)done;
}

/* Writes the queue in that way; returns the bytes left, or -1. */
static ssize_t
write_queued(struct sink *s)
{
	ssize_t n = write_most(s, s->queue + s->start, s->length);

	if (n < 0)
		return -1;
	s->start += (size_t)n;
	s->length -= (size_t)n;
	return (ssize_t)s->length;
}

static int
sink_enqueue(struct sink *s, const char *data, size_t length)
{
	if (s->start) {
		memmove(s->queue, s->queue + s->start, s->length);
		s->start = 0;
	}
	if (s->length + length > s->room) {
		size_t room = s->length + length + s->room / 2 + 4096;
		char *queue = realloc(s->queue, room);

		if (!queue)
			return sink_broken(s);
		s->queue = queue;
		s->room = room;
	}
	memcpy(s->queue + s->length, data, length);
	s->length += length;
	return s->corked ? 0 : sink_await_room(s);
}

static size_t
lines_in(const char *data, size_t length)
{
	const char *end = data + length;
	size_t lines = 0;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		data++;
		lines++;
	}
	return lines;
}

static void
sink_report_dropped(struct sink *s)
{
	char line[80];
	int n = snprintf(line, sizeof(line),
	    "rpnc: %zu line%s not shown: stderr was not read\n", s->dropped,
	    s->dropped == 1 ? " was" : "s were");

	s->dropped = 0;
	sink_write(s, line, (size_t)n);
}

int
sink_settle(struct sink *s)
{
	if (!s->failed && fd_settle(s->fd) < 0)
		sink_break(s);
	return s->failed ? -1 : 0;
}

static void
close_ended(struct sink *s)
{
	loop_timer_cancel(s->loop, &s->hang_up);
	loop_del(s->loop, &s->source);
	if (s->own)
		close(s->source.fd);
	s->own = false;
	s->source.fd = -1;
	sink_settle(s);
	standard_fds_close(s->fd);
}

static void
on_hang_up(struct timer *timer)
{
	errno = EPIPE;
	sink_break(container_of(timer, struct sink, hang_up));
}

static void
on_writable(struct source *source, uint32_t events)
{
	struct sink *s = container_of(source, struct sink, source);

	if (!s->length && events & (EPOLLERR | EPOLLHUP)) {
		loop_del(s->loop, source);
		if (s->awaited || loop_timer_set(s->loop, &s->hang_up,
		    loop_now() + HANG_UP_US) < 0)
			on_hang_up(&s->hang_up);
		return;
	}
	s->awaited = false;
	if (s->length && write_queued(s) != 0)
		return;
	free(s->queue);
	s->queue = NULL;
	s->start = s->room = 0;
	if (s->lossy)
		loop_del(s->loop, source);
	else
		loop_watch(s->loop, source, 0);
	if (s->ending) {
		close_ended(s);
		return;
	}
	if (s->dropped)
		sink_report_dropped(s);
	else if (s->on_drained)
		s->on_drained(s);
}

enum { REOPEN_FLAGS = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* /dev/tty may be opened even if the terminal's own name may not. */
static int
reopen_terminal(const struct stat *st)
{
	int fd = open("/dev/tty", REOPEN_FLAGS);
	unsigned device = 0;

	if (fd >= 0 && (ioctl(fd, TIOCGDEV, &device) < 0 ||
	    st->st_rdev != device)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Opens a pipe or terminal a second time, non-blocking; or -1. */
static int
sink_reopen(int fd)
{
	bool terminal = isatty(fd);
	struct stat st;
	char path[32];
	int again;

	if (fstat(fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !terminal))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, REOPEN_FLAGS);
	return again < 0 && terminal ? reopen_terminal(&st) : again;
}

static bool
may_block(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(fd)) &&
	    !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

int
sink_open(struct sink *s, struct loop *l, int fd, bool lossy)
{
	int again = sink_reopen(fd);

	*s = (struct sink){ .loop = l, .lossy = lossy, .fd = fd };
	s->own = again >= 0;
	s->atomic = !s->own && may_block(fd);
	s->source.fd = s->own ? again : fd;
	s->source.on_event = on_writable;
	s->hang_up.on_timer = on_hang_up;
	return lossy ? 0 : loop_watch(l, &s->source, 0);
}

void
sink_close(struct sink *s)
{
	loop_timer_cancel(s->loop, &s->hang_up);
	loop_del(s->loop, &s->source);
	if (s->own)
		close(s->source.fd);
	free(s->queue);
	s->queue = NULL;
}

int
sink_write(struct sink *s, const void *data, size_t length)
{
	ssize_t n = 0;

	if (s->failed)
		return -1;
	if (s->lossy && !s->keeps && s->length &&
	    s->length + length > LOSSY_LIMIT) {
		s->dropped += lines_in(data, length);
		s->lost = true;
		return 0;
	}
	if (!s->length && !s->corked)
		n = write_most(s, data, length);
	if (n < 0)
		return -1;
	if ((size_t)n == length)
		return 0;
	return sink_enqueue(s, (const char *)data + n, length - (size_t)n);
}

void
sink_end(struct sink *s)
{
	s->ending = true;
	if (!s->failed && !s->length && !s->awaited)
		close_ended(s);
}

void
sink_cork(struct sink *s)
{
	s->corked++;
}

void
sink_uncork(struct sink *s)
{
	if (--s->corked == 0 && s->length && write_queued(s) > 0)
		sink_await_room(s);
}

bool
sink_full(const struct sink *s)
{
	return s->awaited || (s->length > 0 && !s->corked) ||
	    (s->beside && sink_full(s->beside));
}

int
sink_wait(struct sink *s)
{
	s->awaited = true;
	return sink_await_room(s);
}

bool
sink_stuck(const struct sink *s)
{
	return !s->failed && s->source.fd >= 0 &&
	    !sink_writable(s->source.fd) &&
	    loop_now() - s->wrote > STUCK_US;
}

/* Waits until p[0] is writable. False: time is over, or p[1] is ready. */
static bool
sink_waited(struct pollfd p[2], int patience_ms)
{
	int n = poll(p, 2, patience_ms);

	return n < 0 ? errno == EINTR : n > 0 && !p[1].revents;
}

int
sink_flush(struct sink *s, int patience_ms, int stop_fd)
{
	struct pollfd p[] = {
		{ .fd = s->source.fd, .events = POLLOUT },
		{ .fd = stop_fd, .events = POLLIN },
	};

	while (s->length && !s->failed) {
		ssize_t left = write_queued(s);

		if (left < 0 || (left && !sink_waited(p, patience_ms)))
			break;
	}
	return s->failed || s->length ? -1 : 0;
}
