#include "relay/peer_gone.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/sock.h"

enum { KEEPALIVE_S = 10 };

bool
peer_is_tcp(const struct conn *c)
{
	return !c->ops->datagram && (c->peer.sa.sa_family == AF_INET ||
	    c->peer.sa.sa_family == AF_INET6);
}

void
peer_gone_open(struct peer_gone *p)
{
	if (p->diag || p->refused)
		return;
	p->diag = sock_diag_open();
	p->refused = !p->diag;
}

/*
 * If the peer's socket is not listed (it is on another host, or behind NAT),
 * the kernel may answer with a listener on that address.
 */
enum peer_state
peer_state(struct peer_gone *p, const struct conn *c)
{
	struct diag_sock end;
	struct addr own;
	int found;

	if (peer_is_tcp(c))
		peer_gone_open(p);
	if (!peer_is_tcp(c) || !p->diag ||
	    sock_name(c->source.fd, &own) < 0)
		return PEER_UNKNOWN;
	found = sock_diag_get(p->diag, IPPROTO_TCP, &c->peer, &own, &end);
	if (found < 0)
		return PEER_UNKNOWN;
	if (!found || end.state == TCP_LISTEN)
		return PEER_ABSENT;
	return end.inode ? PEER_THERE : PEER_ORPHAN;
}

void
peer_keepalive(const struct conn *c)
{
	int fd = c->source.fd;

	/* --sockopt keepalive has chosen other times */
	if (!peer_is_tcp(c) || sock_get_int(fd, SOL_SOCKET, SO_KEEPALIVE, 0))
		return;
	sock_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	sock_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
	sock_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S);
}

static struct tcp_info
tcp_info_of(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (peer_is_tcp(c))
		getsockopt(c->source.fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	return info;
}

bool
peer_was_probed(const struct conn *c)
{
	return tcp_info_of(c).tcpi_probes > 0;
}

bool
peer_is_cut_off(const struct conn *c)
{
	return tcp_info_of(c).tcpi_state == TCP_CLOSE;
}

void
peer_gone_close(struct peer_gone *p)
{
	sock_diag_close(p->diag);
	p->diag = NULL;
}
