/*
 * bare: prototypes of the ceiling, that is, of the fastest way known to do one
 * thing and nothing else. They don't look at faults: what goes wrong ends them.
 *
 *	bare echo [-r] HOST PORT	level-triggered epoll, no buffers held
 *	bare pump [-l] HOST PORT	standard input and output by splice
 *	bare reflect HOST PORT		one client's bytes back, by splice
 *	bare count HOST PORT		datagrams to standard output
 *	bare bounce [-g] HOST PORT	datagrams back, in batches; joined ones
 *
 * For HOST PORT there may be one word with a slash, a Unix socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BATCH = 512, PIPE = 1 << 20, BOTH_WAYS = 2 };
enum { DATAGRAMS = 64, JOINED = 64 << 10 };

struct membership {
	struct sockaddr_storage addr;
	socklen_t len;
};

static char buffer[64 << 10];

static int
need(int result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct membership
membership(char **argv)
{
	struct membership p = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&p.addr;
	struct sockaddr_un *un = (struct sockaddr_un *)&p.addr;

	if (argv[0] && strchr(argv[0], '/')) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", argv[0]);
		p.len = sizeof(*un);
	} else if (argv[0] && argv[1]) {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, argv[0], &in->sin_addr);
		in->sin_port = htons((uint16_t)atoi(argv[1]));
	}
	return p;
}

static int
listening(char **argv, int type, bool share)
{
	struct membership p = membership(argv);
	int fd = need(socket(p.addr.ss_family, type, 0), "socket"), on = 1;

	setsockopt(fd, SOL_SOCKET, share ? SO_REUSEPORT : SO_REUSEADDR, &on,
	    sizeof(on));
	need(bind(fd, (struct sockaddr *)&p.addr, p.len), "bind");
	if ((type & 0xf) == SOCK_STREAM)
		need(listen(fd, 4096), "listen");
	return fd;
}

static void
reply(int fd)
{
	ssize_t n = read(fd, buffer, sizeof(buffer)), done = 0;

	while (done < n) {
		ssize_t sent = send(fd, buffer + done, (size_t)(n - done), 0);

		if (sent > 0)
			done += sent;
		else if (errno != EAGAIN)
			n = 0;
		else
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1,
			    -1);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		close(fd);
}

static void __attribute__((noreturn))
echo(char **argv, bool share)
{
	int listener = listening(argv, SOCK_STREAM | SOCK_NONBLOCK, share);
	int epfd = need(epoll_create1(0), "epoll"), fd;
	struct epoll_event batch[BATCH], e = { .events = EPOLLIN };

	e.data.fd = listener;
	epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(epfd, batch, BATCH, -1);

		for (int i = 0; i < n; i++) {
			if (batch[i].data.fd != listener) {
				reply(batch[i].data.fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL,
			    SOCK_NONBLOCK)) >= 0) {
				e.data.fd = fd;
				epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e);
			}
		}
	}
}

/*
 * One direction. Without a pipe at either end there has to be one between,
 * which holds `held` bytes.
 */
struct way {
	int from, to, between[2];
	bool direct, ended;
	size_t held;
	struct pollfd wait;
};

static bool
is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void
way_init(struct way *w, int from, int to)
{
	*w = (struct way){ .from = from, .to = to };
	w->direct = is_pipe(from) || is_pipe(to);
	if (w->direct)
		fcntl(is_pipe(from) ? from : to, F_SETPIPE_SZ, PIPE);
	else
		need(pipe2(w->between, O_NONBLOCK), "pipe");
	if (!w->direct)
		fcntl(w->between[0], F_SETPIPE_SZ, PIPE);
}

static void
way_wait(struct way *w, int fd, short events)
{
	w->wait = (struct pollfd){ .fd = fd, .events = events };
}

static void
way_end(struct way *w)
{
	w->ended = true;
	w->wait.fd = -1;
	shutdown(w->to, SHUT_WR);
}

static ssize_t
splice_some(int from, int to)
{
	return splice(from, NULL, to, NULL, PIPE,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* A pipe at one end: which of the two is not ready, poll has to say. */
static bool
straight(struct way *w)
{
	struct pollfd in = { .fd = w->from, .events = POLLIN };
	ssize_t n = splice_some(w->from, w->to);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		way_end(w);
	else if (n < 0 && poll(&in, 1, 0) > 0)
		way_wait(w, w->to, POLLOUT);
	else if (n < 0)
		way_wait(w, w->from, POLLIN);
	return n > 0;
}

static bool
through(struct way *w)
{
	ssize_t n;

	if (!w->held) {
		n = splice_some(w->from, w->between[1]);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			way_end(w);
		else if (n < 0)
			way_wait(w, w->from, POLLIN);
		if (n <= 0)
			return false;
		w->held = (size_t)n;
	}
	n = splice_some(w->between[0], w->to);
	if (n < 0 && errno == EAGAIN)
		way_wait(w, w->to, POLLOUT);
	else if (n < 0)
		way_end(w);
	w->held -= n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void
pump(struct way *ways, int n)
{
	struct pollfd wait[BOTH_WAYS];
	bool moved;

	for (;;) {
		bool ended = true;

		moved = false;
		for (int i = 0; i < n; i++) {
			struct way *w = &ways[i];

			if (!w->ended)
				moved |= w->direct ? straight(w) : through(w);
			wait[i] = w->wait;
			ended &= w->ended;
		}
		if (ended)
			return;
		if (!moved)
			poll(wait, (nfds_t)n, -1);
	}
}

static int
met(char **argv, bool server)
{
	struct membership p = membership(argv);
	int fd;

	if (server) {
		fd = listening(argv, SOCK_STREAM, false);
		return need(accept4(fd, NULL, NULL, SOCK_NONBLOCK), "accept");
	}
	fd = need(socket(p.addr.ss_family, SOCK_STREAM, 0), "socket");
	need(connect(fd, (struct sockaddr *)&p.addr, p.len), "connect");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int
streams(char **argv, bool server)
{
	struct way ways[BOTH_WAYS];
	int fd = met(argv, server);

	way_init(&ways[0], STDIN_FILENO, fd);
	way_init(&ways[1], fd, STDOUT_FILENO);
	pump(ways, 2);
	return 0;
}

static int
reflect(char **argv)
{
	struct way way;
	int fd = met(argv, true);

	way_init(&way, fd, fd);
	pump(&way, 1);
	return 0;
}

static int
count(char **argv)
{
	int fd = listening(argv, SOCK_DGRAM, false);
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		need(write(STDOUT_FILENO, buffer, (size_t)n) == n ? 0 : -1,
		    "write");
	return 0;
}

/* What was joined when it came (UDP_GRO) leaves in the same pieces. */
static void __attribute__((noreturn))
bounce_joined(int fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct sockaddr_storage from;
	struct iovec part = { .iov_base = buffer };
	int piece;

	for (;;) {
		struct msghdr m = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &part, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		struct cmsghdr *c;

		part.iov_len = sizeof(buffer);
		part.iov_len = (size_t)need((int)recvmsg(fd, &m, 0), "recvmsg");
		c = CMSG_FIRSTHDR(&m);
		if (c) {
			memcpy(&piece, CMSG_DATA(c), sizeof(piece));
			c->cmsg_type = UDP_SEGMENT;
			c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
			m.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
			*(uint16_t *)CMSG_DATA(c) = (uint16_t)piece;
		}
		sendmsg(fd, &m, 0);
	}
}

static void __attribute__((noreturn))
bounce(char **argv, bool joined)
{
	static char room[DATAGRAMS][JOINED];
	static struct mmsghdr m[DATAGRAMS];
	struct sockaddr_storage from[DATAGRAMS];
	struct iovec part[DATAGRAMS];
	int fd = listening(argv, SOCK_DGRAM, false), on = 1, n;

	if (joined && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0)
		bounce_joined(fd);
	for (;;) {
		for (int i = 0; i < DATAGRAMS; i++) {
			part[i] = (struct iovec){ room[i], JOINED };
			m[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &part[i], .msg_iovlen = 1,
			};
		}
		n = need(recvmmsg(fd, m, DATAGRAMS, MSG_WAITFORONE, NULL),
		    "recvmmsg");
		for (int i = 0; i < n; i++)
			part[i].iov_len = m[i].msg_len;
		sendmmsg(fd, m, (unsigned)n, 0);
	}
}

int
main(int argc, char **argv)
{
	bool flag = argc > 2 && argv[2][0] == '-';
	char **rest = argv + 2 + flag;
	struct rlimit files;

	if (argc < 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (!strcmp(argv[1], "echo"))
		echo(rest, flag);
	if (!strcmp(argv[1], "pump"))
		return streams(rest, flag);
	if (!strcmp(argv[1], "reflect"))
		return reflect(rest);
	if (!strcmp(argv[1], "count"))
		return count(rest);
	if (!strcmp(argv[1], "bounce"))
		bounce(rest, flag);
	return 2;
}
