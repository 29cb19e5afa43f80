/*
 * The clients of make soak, which share no code with rpnc: they alone say what
 * is lost.
 *
 * clients [-4] [-t SECONDS] TARGET...
 *
 * A target is NAME:KIND:PORT:COUNT. KIND is tcp, tls or udp; with a + (tcp+)
 * the server greets (--identify). Some clients use IPv6, unless -4 is given. A
 * client is lost if it has no answer after SECONDS (20).
 *
 * Each target has COUNT clients at any time. A client is new each time: its own
 * socket, a message that no other one sends, all of the answer read and
 * compared. TCP: connect, send, half-close, read to the end of file. UDP: one
 * datagram, which is sent once.
 *
 *	state		what moves it on
 *	connecting	connect(2) has succeeded
 *	shaking		TLS only: the handshake is done
 *	talking		all is sent, and the end of file is there; UDP: a datagram
 *
 * Each second, a line "sum TARGET OK SLOW" for each target (slow: over half a
 * second). A lost one is a line at once, "lost TARGET CLASS BEGAN ENDED ADDRESS
 * PORT STATE GOT SIZE PID". Times are nanoseconds of CLOCK_MONOTONIC; PID is by
 * the greeting, or 0. When standard input ends, open clients finish, and the
 * last line is "end".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	TARGETS = 16,
	CLIENTS = 512,		/* in all targets */
	BATCH = 64,
	HEAD = 16,		/* bytes of a message that name its client */
	SMALL = 200,
	DATAGRAM = 1200,
	LARGE = 60000,		/* more than a socket's buffer at first */
	GREETING = 128,
	IPV6_EACH = 8,		/* one of so many uses IPv6 */
	LARGE_EACH = 64,	/* one of so many sends a large message */
};

static const uint64_t second = 1000000000;

enum state { CONNECTING, SHAKING, TALKING };
static const char *const state_names[] = { "connecting", "shaking", "talking" };

/* What a read or a write can give instead of a count. */
enum { IO_AGAIN = -1, IO_ERROR = -2, IO_BROKEN_TLS = -3 };

struct target {
	char name[16];
	bool datagram, tls, greets;
	uint16_t port;
	unsigned count;
	uint64_t ok, slow;
};

struct client {
	struct target *target;
	int fd;			/* -1: none */
	SSL *ssl;
	enum state state;
	int error;		/* what connect(2) gave at once, or 0 */
	bool shut;		/* its side is closed */
	uint64_t number, began;
	size_t size, sent, got;
	size_t greeting;	/* bytes of it so far */
	bool greeted;
	int pid;
	char head[HEAD + 1], line[GREETING];
};

static struct target targets[TARGETS];
static struct client clients[CLIENTS];
static unsigned target_count, client_count, busy;
static char table[LARGE * 2];		/* messages are parts of it */
static uint64_t started, seed = 1;
static uint64_t limit = 20;		/* seconds */
static int epfd;
static bool ending, only_ipv4;
static SSL_CTX *tls;

static void
die(const char *what)
{
	fprintf(stderr, "clients: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

/* xorshift64: the same numbers in each run. */
static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 16) % below);
}

/* The bytes of a client's message from a position; *n of them, at most. */
static const char *
message(const struct client *c, size_t from, size_t *n)
{
	size_t left = (from < HEAD ? HEAD : c->size) - from;

	if (*n > left)
		*n = left;
	if (from < HEAD)
		return c->head + from;
	return table + c->number % LARGE + from;
}

static void start(struct client *c);

static void
client_end(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
	busy--;
	if (!ending)
		start(c);
}

static void
client_well(struct client *c)
{
	c->target->ok++;
	c->target->slow += now() - c->began > second / 2;
	client_end(c);
}

static void
client_lost(struct client *c, const char *class)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	socklen_t length = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "::1";

	getsockname(c->fd, (struct sockaddr *)&a, &length);
	if (a.ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	printf("lost %s %s %llu %llu %s %u %s %zu %zu %d\n", c->target->name,
	    class, (unsigned long long)c->began, (unsigned long long)now(),
	    text, ntohs(v4->sin_port), state_names[c->state], c->got, c->size,
	    c->pid);
	fflush(stdout);
	client_end(c);
}

static const char *
class_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case ETIMEDOUT:
		return "timeout";
	default:
		return "other";
	}
}

static ssize_t
io_result(const struct client *c, ssize_t n)
{
	if (!c->ssl)
		return n >= 0 ? n : errno == EAGAIN ? IO_AGAIN : IO_ERROR;
	switch (SSL_get_error(c->ssl, (int)n)) {
	case SSL_ERROR_NONE:
		return n;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return IO_ERROR;
	default:
		/* an end of file without TLS's own end is one that is cut */
		return ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING ? 0 : IO_BROKEN_TLS;
	}
}

static ssize_t
io_write(struct client *c, const char *data, size_t n)
{
	ERR_clear_error();
	errno = 0;
	return io_result(c, c->ssl ? SSL_write(c->ssl, data, (int)n) :
	    send(c->fd, data, n, MSG_NOSIGNAL));
}

static ssize_t
io_read(struct client *c, char *data, size_t n)
{
	ERR_clear_error();
	errno = 0;
	return io_result(c, c->ssl ? SSL_read(c->ssl, data, (int)n) :
	    recv(c->fd, data, n, 0));
}

/* Ends a client that has failed, by what its last read or write gave. */
static void
io_failed(struct client *c, ssize_t n)
{
	client_lost(c, n == IO_BROKEN_TLS ? "tls" : class_of(errno));
}

/* 0: go on. 1: not now. -1: the client has ended. */
static int
connected(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	int error = c->error;
	socklen_t length = sizeof(error);

	if (c->state != CONNECTING)
		return 0;
	if (poll(&p, 1, 0) == 0)
		return 1;
	if (!error)
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		client_lost(c, class_of(error));
		return -1;
	}
	c->state = c->ssl ? SHAKING : TALKING;
	return 0;
}

static int
shaken(struct client *c)
{
	ssize_t n;

	if (c->state != SHAKING)
		return 0;
	ERR_clear_error();
	errno = 0;
	n = SSL_connect(c->ssl);
	if (n == 1) {
		c->state = TALKING;
		return 0;
	}
	n = io_result(c, n);
	if (n == IO_AGAIN)
		return 1;
	if (n == 0 || (n == IO_ERROR && errno == 0))
		client_lost(c, "short");
	else
		io_failed(c, n);
	return -1;
}

/* Sends what there is room for, then its end of file. */
static int
tell(struct client *c)
{
	ssize_t n = 0;

	while (c->sent < c->size) {
		size_t most = c->size;
		const char *data = message(c, c->sent, &most);

		n = io_write(c, data, most);
		if (n == IO_AGAIN)
			return 0;
		if (n < 0) {
			io_failed(c, n);
			return -1;
		}
		c->sent += (size_t)n;
	}
	if (c->shut)
		return 0;
	c->shut = true;
	if (c->ssl)
		SSL_shutdown(c->ssl);
	else
		shutdown(c->fd, SHUT_WR);
	return 0;
}

/* Takes the greeting from what came; returns how many bytes that were. */
static size_t
greeting(struct client *c, const char *data, size_t n)
{
	const char *pid;
	size_t i = 0;

	while (i < n && !c->greeted && c->greeting < GREETING - 1) {
		c->line[c->greeting++] = data[i];
		c->greeted = data[i++] == '\n';
	}
	c->line[c->greeting] = '\0';
	pid = strstr(c->line, " pid=");
	if (c->greeted && pid)
		c->pid = atoi(pid + 5);
	return i;
}

/* Whether that is what comes next of an answer. */
static bool
right(struct client *c, const char *data, size_t n)
{
	while (n) {
		size_t most = n;
		const char *wanted = message(c, c->got, &most);

		if (most == 0 || memcmp(wanted, data, most) != 0)
			return false;
		c->got += most;
		data += most;
		n -= most;
	}
	return true;
}

static void
hear(struct client *c)
{
	static char inbox[LARGE + GREETING];
	size_t from;
	ssize_t n;

	while ((n = io_read(c, inbox, sizeof(inbox))) > 0) {
		from = c->target->greets && !c->greeted ?
		    greeting(c, inbox, (size_t)n) : 0;
		if (!right(c, inbox + from, (size_t)n - from)) {
			client_lost(c, "wrong");
			return;
		}
	}
	if (n == IO_AGAIN)
		return;
	if (n == IO_ERROR && errno == 0)
		n = 0;
	if (n < 0)
		io_failed(c, n);
	else if (c->got < c->size)
		client_lost(c, "short");
	else
		client_well(c);
}

static void
datagram(struct client *c)
{
	char inbox[DATAGRAM + 1];
	ssize_t n = io_read(c, inbox, sizeof(inbox));

	if (n == IO_AGAIN)
		return;
	if (n < 0)
		io_failed(c, n);
	else if (!right(c, inbox, (size_t)n) || c->got != c->size)
		client_lost(c, "wrong");
	else
		client_well(c);
}

static void
on_event(struct client *c)
{
	if (c->fd < 0)
		return;
	if (c->target->datagram) {
		datagram(c);
		return;
	}
	if (connected(c) || shaken(c) || tell(c) < 0)
		return;
	hear(c);
}

/* Connects a socket to the target's port; from one of many addresses, by IPv4. */
static void
dial(struct client *c)
{
	int type = (c->target->datagram ? SOCK_DGRAM : SOCK_STREAM) |
	    SOCK_NONBLOCK | SOCK_CLOEXEC, one = 1;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(c->target->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f010000 + draw(0x10000)) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(c->target->port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool six = !only_ipv4 && draw(IPV6_EACH) == 0;
	int r;

	c->fd = socket(six ? AF_INET6 : AF_INET, type, 0);
	if (c->fd < 0)
		die("socket");
	if (six) {
		r = connect(c->fd, (struct sockaddr *)&to6, sizeof(to6));
	} else {
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		    sizeof(one));
		if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
			die("bind");
		r = connect(c->fd, (struct sockaddr *)&to, sizeof(to));
	}
	if (r < 0 && (errno == ECONNREFUSED || errno == ECONNRESET))
		c->error = errno;
	/* out of ports, say: that is no connection that a server lost */
	else if (r < 0 && errno != EINPROGRESS)
		die("connect");
}

static void
start(struct client *c)
{
	struct target *target = c->target;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c };

	*c = (struct client){ .target = target, .number = started++,
		.began = now() };
	snprintf(c->head, sizeof(c->head), "%0*llx", HEAD,
	    (unsigned long long)c->number);
	c->size = HEAD + draw(draw(LARGE_EACH) ? SMALL :
	    target->datagram ? DATAGRAM - HEAD : LARGE - HEAD);
	busy++;
	dial(c);
	if (target->datagram) {
		static char outbox[DATAGRAM];

		memcpy(outbox, c->head, HEAD);
		memcpy(outbox + HEAD, table + c->number % LARGE + HEAD,
		    c->size - HEAD);
		if (send(c->fd, outbox, c->size, 0) < 0)
			die("send");
		e.events = EPOLLIN | EPOLLET;
	}
	if (target->tls) {
		c->ssl = SSL_new(tls);
		if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
			die("SSL_new");
	}
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void
lane_read(const char *text)
{
	struct target *l = &targets[target_count];
	char kind[8];
	unsigned port = 0;

	if (target_count == TARGETS ||
	    sscanf(text, "%15[^:]:%7[^:]:%u:%u", l->name, kind, &port,
		&l->count) != 4 || client_count + l->count > CLIENTS) {
		errno = EINVAL;
		die(text);
	}
	l->port = (uint16_t)port;
	l->datagram = strncmp(kind, "udp", 3) == 0;
	l->tls = strncmp(kind, "tls", 3) == 0;
	l->greets = strchr(kind, '+') != NULL;
	for (unsigned i = 0; i < l->count; i++)
		clients[client_count++].target = l;
	target_count++;
}

static void
prepare(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(table); i++)
		table[i] = (char)draw(256);
	seed = now() | 1;
	started = now(); /* so messages differ between runs, too */
	tls = SSL_CTX_new(TLS_client_method());
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!tls || epfd < 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, STDIN_FILENO, &e) < 0)
		die("start");
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void
on_input(void)
{
	char some[64];

	if (read(STDIN_FILENO, some, sizeof(some)) > 0)
		return;
	ending = true;
	epoll_ctl(epfd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static void
sums(void)
{
	for (unsigned i = 0; i < target_count; i++)
		printf("sum %s %llu %llu\n", targets[i].name,
		    (unsigned long long)targets[i].ok,
		    (unsigned long long)targets[i].slow);
	fflush(stdout);
}

static void
look_at_clock(void)
{
	static uint64_t last;
	uint64_t t = now();

	if (t - last < second)
		return;
	last = t;
	for (unsigned i = 0; i < client_count; i++) {
		struct client *c = &clients[i];

		if (c->fd >= 0 && t > c->began + limit * second)
			client_lost(c, "timeout");
	}
	sums();
}

int
main(int argc, char **argv)
{
	struct epoll_event batch[BATCH];
	int option;

	while ((option = getopt(argc, argv, "4t:")) != -1) {
		if (option == 't')
			limit = (uint64_t)atoi(optarg);
		only_ipv4 |= option == '4';
	}
	for (int i = optind; i < argc; i++)
		lane_read(argv[i]);
	prepare();
	for (unsigned i = 0; i < client_count; i++)
		start(&clients[i]);
	while (busy || !ending) {
		int n = epoll_wait(epfd, batch, BATCH, 200);

		for (int i = 0; i < n; i++) {
			if (batch[i].data.ptr)
				on_event(batch[i].data.ptr);
			else
				on_input();
		}
		look_at_clock();
	}
	sums();
	puts("end");
	return fflush(stdout) ? 1 : 0;
}
