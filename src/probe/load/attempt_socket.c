#include "probe/load/attempt_socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/sock.h"
#include "net/sources.h"
#include "net/unix_name.h"
#include "probe/who/identify.h"

static int
open_socket(const struct ground *g)
{
	const struct plan *p = g->plan;
	int type = (p->datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK |
	    SOCK_CLOEXEC;
	int fd = socket(g->target.sa.sa_family, type, 0);

	if (fd < 0 || p->local)
		return fd;
	if (!p->datagram)
		sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

/* Where no port is given it is left to connect(2), which finds more. */
static int
bind_source(const struct plan *p, int fd, const struct addr *from)
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

static int
prepare(const struct ground *g, int fd, bool unbound, struct addr *ours,
    uint64_t *predicted_inode)
{
	const struct plan *p = g->plan;
	struct addr from = { 0 };

	if (!p->local && (sock_device(fd, p->interface) < 0 ||
	    sources_next(p->sources, g->target.sa.sa_family, &from) < 0))
		return -1;
	if (g->who && !unbound && (g->by == BY_DIAG || g->by == BY_AUTO)) {
		*ours = from;
		*predicted_inode = identify_predict(g->who, fd, ours);
		if (ours->len)
			return 0;
	}
	return bind_source(p, fd, &from);
}

int
attempt_socket(const struct ground *g, bool unbound, struct addr *ours,
    uint64_t *predicted_inode)
{
	int fd = open_socket(g), saved;

	*predicted_inode = 0;
	ours->len = 0;
	if (fd < 0)
		return -1;
	if (prepare(g, fd, unbound, ours, predicted_inode) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
