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

struct path
path_from(int fd)
{
	struct path p = { .kind = PATH_BUFFER };
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		p.kind = PATH_SENDFILE;
	else if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		p.kind = PATH_SPLICE;
	return p;
}

struct path
path_to(int fd)
{
	struct path p = { .kind = PATH_BUFFER };
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	/* what can't be written to is found out by a write */
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &st) < 0)
		return p;
	if (is_null_device(&st) && pipe2(p.between, O_CLOEXEC) == 0)
		p.kind = PATH_DISCARD;
	else if (S_ISFIFO(st.st_mode))
		p.kind = PATH_SPLICE;
	return p;
}

void
path_close(struct path *p)
{
	if (p->kind != PATH_DISCARD)
		return;
	close(p->between[0]);
	close(p->between[1]);
	p->kind = PATH_BUFFER;
}

static ssize_t
send_file(struct path *p, int from, int to)
{
	(void)p;
	return sendfile(to, from, NULL, MOST);
}

/* The pipe itself may be a blocking one: it is others' too. */
static ssize_t
splice_some(struct path *p, int from, int to)
{
	(void)p;
	return splice(from, NULL, to, NULL, MOST, SPLICE_F_NONBLOCK);
}

/* Nothing is copied on the way through the pipe. */
static ssize_t
discard(struct path *p, int from, int to)
{
	ssize_t n = splice_some(p, from, p->between[1]), left = n;

	while (left > 0) {
		ssize_t gone = splice_some(p, p->between[0], to);

		if (gone <= 0) {	/* the same as gone */
			path_close(p);
			break;
		}
		left -= gone;
	}
	return n;
}

static ssize_t
move(struct path *p, int from, int to)
{
	static ssize_t (*const ways[])(struct path *, int, int) = {
		[PATH_SENDFILE] = send_file, [PATH_SPLICE] = splice_some,
		[PATH_DISCARD] = discard,
	};
	ssize_t n;

	do
		n = ways[p->kind](p, from, to);
	while (n < 0 && errno == EINTR);
	return n;
}

/* It is allowed to fail, as when the user has many large pipes. */
static void
grow(struct path *p, int pipe, ssize_t moved)
{
	if (p->kind == PATH_DISCARD)
		pipe = p->between[0];
	else if (p->kind != PATH_SPLICE)
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
static enum path_result
would_wait(const struct path *p, int to)
{
	if (p->kind == PATH_SPLICE)
		return ready(to, POLLOUT) ? PATH_EMPTY : PATH_FULL;
	return p->kind == PATH_SENDFILE ? PATH_FULL : PATH_EMPTY;
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
path_is_unfit(int error)
{
	switch (error) {
	case EINVAL: case ENOSYS: case EOPNOTSUPP: case EBADF: case EPERM:
	case EACCES: case EIO: case ESPIPE: case EOVERFLOW: case ENOMEM:
		return true;
	default:
		return false;
	}
}

static enum path_result
give_up(struct path *p)
{
	path_close(p);
	p->kind = PATH_BUFFER;
	return PATH_UNFIT;
}

enum path_result
path_in(struct path *p, int from, struct conn *to)
{
	ssize_t n = move(p, from, to->source.fd);

	if (n > 0) {
		conn_count(to, 0, (size_t)n);
		grow(p, from, n);
		return PATH_MOVED;
	}
	/* of some files 0 is no end: read(2) knows */
	if (n == 0)
		return p->kind == PATH_SENDFILE ? give_up(p) : PATH_END;
	if (errno == EAGAIN)
		return would_wait(p, to->source.fd);
	if (conn_would_wait(to))
		return PATH_FULL;
	return path_is_unfit(errno) ? give_up(p) : PATH_CONN_FAILED;
}

enum path_result
path_out(struct path *p, struct conn *from, int to)
{
	ssize_t n = move(p, from->source.fd, to);

	if (n > 0) {
		conn_count(from, (size_t)n, 0);
		grow(p, to, n);
		return PATH_MOVED;
	}
	if ((n == 0 || errno == EAGAIN) && is_at_mark(from->source.fd))
		return PATH_URGENT;
	if (n == 0)
		return PATH_END;
	if (errno == EAGAIN)
		return would_wait(p, to);
	if (path_is_unfit(errno))
		return give_up(p);
	/*
	 * Nobody reads from the pipe, which is a fault only if there is
	 * something to read: a read of the connection tells. After its end a
	 * reset of the connection is EPIPE, too.
	 */
	if (errno == EPIPE && ready(to, POLLOUT) & POLLERR)
		return give_up(p);
	return PATH_CONN_FAILED;
}
