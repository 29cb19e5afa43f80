/*
 * sendfile(2) and splice(2) between a descriptor and a connection. Neither call
 * tells by itself all that a relay must know: which end would wait, the end of
 * the file, urgent data, an error of the other end. This file finds it out, and
 * falls back to read(2) and write(2) (ZEROCOPY_BUFFER) if the kernel refuses.
 */
#include "relay/zerocopy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	MOST = 1024 * 1024,	/* bytes in one call */
	PIPE_SIZE = 1024 * 1024,	/* any user may ask for it (pipe(7)) */
	BULK = 16 * 1024,	/* if a call moves so much, enlarge the pipe */
};

static bool
is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

struct zerocopy
zerocopy_from(int fd)
{
	struct zerocopy p = { .kind = ZEROCOPY_BUFFER };
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		p.kind = ZEROCOPY_SENDFILE;
	else if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		p.kind = ZEROCOPY_SPLICE;
	return p;
}

struct zerocopy
zerocopy_to(int fd)
{
	struct zerocopy p = { .kind = ZEROCOPY_BUFFER };
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	/* a descriptor that can't be written to: write(2) gives the error */
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &st) < 0)
		return p;
	if (is_null_device(&st) && pipe2(p.between, O_CLOEXEC) == 0)
		p.kind = ZEROCOPY_DISCARD;
	else if (S_ISFIFO(st.st_mode))
		p.kind = ZEROCOPY_SPLICE;
	return p;
}

void
zerocopy_close(struct zerocopy *p)
{
	if (p->kind != ZEROCOPY_DISCARD)
		return;
	close(p->between[0]);
	close(p->between[1]);
	p->kind = ZEROCOPY_BUFFER;
}

static ssize_t
send_file(struct zerocopy *p, int from, int to)
{
	(void)p;
	return sendfile(to, from, NULL, MOST);
}

/* The flag, because other processes share the pipe, so O_NONBLOCK is theirs. */
static ssize_t
splice_some(struct zerocopy *p, int from, int to)
{
	(void)p;
	return splice(from, NULL, to, NULL, MOST, SPLICE_F_NONBLOCK);
}

/* By way of a pipe, because splice(2) needs one; nothing is copied. */
static ssize_t
splice_to_null(struct zerocopy *p, int from, int to)
{
	ssize_t n = splice_some(p, from, p->between[1]), left = n;

	while (left > 0) {
		ssize_t gone = splice_some(p, p->between[0], to);

		if (gone <= 0) {	/* close the pipe, and so the rest */
			zerocopy_close(p);
			break;
		}
		left -= gone;
	}
	return n;
}

static ssize_t
zerocopy_move(struct zerocopy *p, int from, int to)
{
	static ssize_t (*const ways[])(struct zerocopy *, int, int) = {
	    [ZEROCOPY_SENDFILE] = send_file,
	    [ZEROCOPY_SPLICE] = splice_some,
	    [ZEROCOPY_DISCARD] = splice_to_null,
	};
	ssize_t n;

	do
		n = ways[p->kind](p, from, to);
	while (n < 0 && errno == EINTR);
	return n;
}

/* May fail, if the user has many large pipes: it is only slower then. */
static void
zerocopy_grow(struct zerocopy *p, int pipe, ssize_t moved)
{
	if (p->kind == ZEROCOPY_DISCARD)
		pipe = p->between[0];
	else if (p->kind != ZEROCOPY_SPLICE)
		return;
	if (p->grown || moved < BULK)
		return;
	p->grown = true;
	if (fcntl(pipe, F_GETPIPE_SZ) < PIPE_SIZE)
		fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE);
}

static short
fd_events(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* splice(2) does not say which end it would wait for: poll(2) does. */
static enum zerocopy_result
zerocopy_would_wait(const struct zerocopy *p, int to)
{
	if (p->kind == ZEROCOPY_SPLICE)
		return fd_events(to, POLLOUT) ? ZEROCOPY_EMPTY : ZEROCOPY_FULL;
	return p->kind == ZEROCOPY_SENDFILE ? ZEROCOPY_FULL : ZEROCOPY_EMPTY;
}

/*
 * Whether urgent data is next. splice(2) stops there with 0 or EAGAIN, though
 * more data follows (kernel net/ipv4/tcp.c, tcp_splice_read()). Keeps errno.
 */
static bool
is_at_mark(int fd)
{
	int error = errno, at = 0;

	ioctl(fd, SIOCATMARK, &at);
	errno = error;
	return at;
}

bool
zerocopy_is_unfit(int error)
{
	switch (error) {
	case EINVAL: case ENOSYS: case EOPNOTSUPP: case EBADF: case EPERM:
	case EACCES: case EIO: case ESPIPE: case EOVERFLOW: case ENOMEM:
		return true;
	default:
		return false;
	}
}

static enum zerocopy_result
zerocopy_give_up(struct zerocopy *p)
{
	zerocopy_close(p);
	p->kind = ZEROCOPY_BUFFER;
	return ZEROCOPY_UNFIT;
}

enum zerocopy_result
zerocopy_in(struct zerocopy *p, int from, struct conn *to)
{
	ssize_t n = zerocopy_move(p, from, to->source.fd);

	if (n > 0) {
		conn_count(to, 0, (size_t)n);
		zerocopy_grow(p, from, n);
		return ZEROCOPY_MOVED;
	}
	/* sendfile(2) may return 0 before the end of a file: read(2) tells */
	if (n == 0)
		return p->kind == ZEROCOPY_SENDFILE ? zerocopy_give_up(p) :
		    ZEROCOPY_END;
	if (errno == EAGAIN)
		return zerocopy_would_wait(p, to->source.fd);
	if (conn_would_wait(to))
		return ZEROCOPY_FULL;
	return zerocopy_is_unfit(errno) ? zerocopy_give_up(p) :
	    ZEROCOPY_CONN_FAILED;
}

enum zerocopy_result
zerocopy_out(struct zerocopy *p, struct conn *from, int to)
{
	ssize_t n = zerocopy_move(p, from->source.fd, to);

	if (n > 0) {
		conn_count(from, (size_t)n, 0);
		zerocopy_grow(p, to, n);
		return ZEROCOPY_MOVED;
	}
	if ((n == 0 || errno == EAGAIN) && is_at_mark(from->source.fd))
		return ZEROCOPY_URGENT;
	if (n == 0)
		return ZEROCOPY_END;
	if (errno == EAGAIN)
		return zerocopy_would_wait(p, to);
	if (zerocopy_is_unfit(errno))
		return zerocopy_give_up(p);
	/*
	 * EPIPE has two causes. If the pipe has no reader, that is an error
	 * only if the connection has more data: the caller's read(2) finds out.
	 * Otherwise it is the connection, reset after its end.
	 */
	if (errno == EPIPE && fd_events(to, POLLOUT) & POLLERR)
		return zerocopy_give_up(p);
	return ZEROCOPY_CONN_FAILED;
}
