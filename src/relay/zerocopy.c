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
	MOST = 1024 * 1024,	/* moved at once */
	PIPE_SIZE = 1024 * 1024,	/* what anybody may ask for (pipe(7)) */
	BULK = 16 * 1024,	/* moved at once: worth a larger pipe */
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

	/* what can't be written to is found out by a write */
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

/* The pipe itself may be a blocking one: it is others' too. */
static ssize_t
splice_some(struct zerocopy *p, int from, int to)
{
	(void)p;
	return splice(from, NULL, to, NULL, MOST, SPLICE_F_NONBLOCK);
}

/* Nothing is copied on the way through the pipe. */
static ssize_t
discard(struct zerocopy *p, int from, int to)
{
	ssize_t n = splice_some(p, from, p->between[1]), left = n;

	while (left > 0) {
		ssize_t gone = splice_some(p, p->between[0], to);

		if (gone <= 0) {	/* the same as gone */
			zerocopy_close(p);
			break;
		}
		left -= gone;
	}
	return n;
}

static ssize_t
move(struct zerocopy *p, int from, int to)
{
	static ssize_t (*const ways[])(struct zerocopy *, int, int) = {
	    [ZEROCOPY_SENDFILE] = send_file,
	    [ZEROCOPY_SPLICE] = splice_some,
	    [ZEROCOPY_DISCARD] = discard,
	};
	ssize_t n;

	do
		n = ways[p->kind](p, from, to);
	while (n < 0 && errno == EINTR);
	return n;
}

/* It is allowed to fail, as when the user has many large pipes. */
static void
grow(struct zerocopy *p, int pipe, ssize_t moved)
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
ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* Why nothing moves: splice(2) does not say which end it would wait for. */
static enum zerocopy_result
would_wait(const struct zerocopy *p, int to)
{
	if (p->kind == ZEROCOPY_SPLICE)
		return ready(to, POLLOUT) ? ZEROCOPY_EMPTY : ZEROCOPY_FULL;
	return p->kind == ZEROCOPY_SENDFILE ? ZEROCOPY_FULL : ZEROCOPY_EMPTY;
}

/*
 * Urgent data is next, where splice(2) says that there is nothing, or that it
 * would wait (kernel net/ipv4/tcp.c, tcp_splice_read()). Leaves errno alone.
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
give_up(struct zerocopy *p)
{
	zerocopy_close(p);
	p->kind = ZEROCOPY_BUFFER;
	return ZEROCOPY_UNFIT;
}

enum zerocopy_result
zerocopy_in(struct zerocopy *p, int from, struct conn *to)
{
	ssize_t n = move(p, from, to->source.fd);

	if (n > 0) {
		conn_count(to, 0, (size_t)n);
		grow(p, from, n);
		return ZEROCOPY_MOVED;
	}
	/* of some files 0 is no end: read(2) knows */
	if (n == 0)
		return p->kind == ZEROCOPY_SENDFILE ? give_up(p) : ZEROCOPY_END;
	if (errno == EAGAIN)
		return would_wait(p, to->source.fd);
	if (conn_would_wait(to))
		return ZEROCOPY_FULL;
	return zerocopy_is_unfit(errno) ? give_up(p) : ZEROCOPY_CONN_FAILED;
}

enum zerocopy_result
zerocopy_out(struct zerocopy *p, struct conn *from, int to)
{
	ssize_t n = move(p, from->source.fd, to);

	if (n > 0) {
		conn_count(from, (size_t)n, 0);
		grow(p, to, n);
		return ZEROCOPY_MOVED;
	}
	if ((n == 0 || errno == EAGAIN) && is_at_mark(from->source.fd))
		return ZEROCOPY_URGENT;
	if (n == 0)
		return ZEROCOPY_END;
	if (errno == EAGAIN)
		return would_wait(p, to);
	if (zerocopy_is_unfit(errno))
		return give_up(p);
	/*
	 * Nobody reads from the pipe, which is a fault only if there is
	 * something to read: a read of the connection tells. After its end a
	 * reset of the connection is EPIPE, too.
	 */
	if (errno == EPIPE && ready(to, POLLOUT) & POLLERR)
		return give_up(p);
	return ZEROCOPY_CONN_FAILED;
}
