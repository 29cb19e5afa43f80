#include "probe/load/attempt_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/sock.h"
#include "net/sources.h"
#include "net/unix_name.h"
#include "probe/who/identify.h"
#include "tls/tls.h"

static int
socket_open(const struct attempt_shared *s)
{
	const struct plan *p = s->plan;
	int type = (p->datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK |
	    SOCK_CLOEXEC;
	int fd = socket(s->target.sa.sa_family, type, 0);

	if (fd < 0 || p->local)
		return fd;
	if (!p->datagram)
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

/* If no port is given, connect(2) chooses it: it finds more than bind(2). */
static int
socket_bind(const struct plan *p, int fd, const struct addr *from)
{
	if (p->local)
		return p->datagram ? unix_autobind(fd) : 0;
	if (!from->len)
		return 0;
	if (!addr_port(from))
		sock_set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	else if (!p->datagram)
		sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	return bind(fd, &from->sa, from->len);
}

/* identify_predict() binds the socket itself. */
static int
socket_prepare(struct attempt *a, int fd)
{
	const struct attempt_shared *s = a->shared;
	const struct plan *p = s->plan;
	struct addr from = { 0 };

	if (sockopts_set(p->sockopts, fd) < 0 || (!p->local &&
	    (sock_device(fd, p->interface) < 0 ||
	    sources_next(p->sources, s->target.sa.sa_family, &from) < 0)))
		return -1;
	if (s->identify && !a->unbound && (s->by == BY_DIAG ||
	    s->by == BY_AUTO || s->by == BY_REGISTRY)) {
		a->ours = from;
		a->predicted_inode = identify_predict(s->identify, fd,
		    &a->ours);
		if (a->ours.len)
			return 0;
	}
	return socket_bind(p, fd, &from);
}

int
attempt_socket(struct attempt *a)
{
	int fd = socket_open(a->shared), saved;

	a->predicted_inode = 0;
	a->ours.len = 0;
	if (fd < 0)
		return -1;
	if (socket_prepare(a, fd) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

ssize_t
attempt_read(struct attempt *a, void *room, size_t length)
{
	return a->tls ? tls_read(a->tls, room, length) :
	    recv(a->source.fd, room, length, MSG_DONTWAIT);
}

ssize_t
attempt_write(struct attempt *a, const void *data, size_t length)
{
	return a->tls ? tls_write(a->tls, data, length) :
	    send(a->source.fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The FIN follows the close_notify of TLS. */
int
attempt_shut(struct attempt *a)
{
	if (a->shut)
		return 0;
	if (a->tls && tls_shut(a->tls) < 0)
		return -1;
	a->shut = true;
	return shutdown(a->source.fd, SHUT_WR);
}

/* epoll knows nothing of bytes that OpenSSL has read and holds. */
void
attempt_watch(struct attempt *a, uint32_t events)
{
	struct loop *l = a->shared->loop;

	if (a->tls && a->tls->more && events & EPOLLIN)
		loop_timer_set(l, &a->more, loop_now());
	else
		loop_timer_cancel(l, &a->more);
	loop_watch(l, &a->source, a->tls ? tls_events(a->tls, events) : events);
}
