#include "probe/launch.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/local.h"
#include "net/sock.h"
#include "probe/identify.h"

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

/* -s, where the port is left to connect(2). */
static int
bind_source(const struct ground *g, int fd)
{
	const struct plan *p = g->plan;
	int family = g->target.sa.sa_family;

	if (p->local)
		return p->datagram ? local_autobind(fd) : 0;
	for (int i = 0; i < p->source.count; i++) {
		const struct addr *from = &p->source.at[i];

		if (from->sa.sa_family != family)
			continue;
		sock_set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		return bind(fd, &from->sa, from->len);
	}
	errno = EADDRNOTAVAIL;
	return p->source.count ? -1 : 0;
}

static int
prepare(const struct ground *g, int fd, bool unbound, struct addr *ours,
    uint64_t *foreseen)
{
	if (!g->plan->local && sock_device(fd, g->plan->interface) < 0)
		return -1;
	if (g->who && !unbound && (g->by == BY_DIAG || g->by == BY_AUTO)) {
		*foreseen = identify_predict(g->who, fd, ours);
		if (ours->len)
			return 0;
	}
	return bind_source(g, fd);
}

int
launch(const struct ground *g, bool unbound, struct addr *ours,
    uint64_t *foreseen)
{
	int fd = open_socket(g), saved;

	*foreseen = 0;
	ours->len = 0;
	if (fd < 0)
		return -1;
	if (prepare(g, fd, unbound, ours, foreseen) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
