#include "probe/who/predict.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include "net/sock.h"
#include "net/sources.h"

enum {
	PORT_TRIES = 4096,	/* 40 ms of asking */
	TRIES_A_ROW = 32,	/* ports one after the other, then elsewhere */
	TRIES_EVEN = 1024,	/* before odd ones are tried, too */
	PORT_REST = 256,	/* attempts without a port, when there was none */
};

void
predict_init(struct predict_listener *p, struct sock_diag *diag,
    const struct origin *from)
{
	p->diag = diag;
	p->from = *from;
	p->protocol = from->datagram ? IPPROTO_UDP : IPPROTO_TCP;
	ephemeral_ports_init(&p->ports);
}

/* The address that a connection to target would come from. */
static void
find_source(struct predict_listener *p)
{
	int family = p->target.sa.sa_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sources_peek(p->from.sources, family, &p->source) < 0 ||
	    (p->source.len && addr_is_wildcard(&p->source)))
		p->source.len = 0;
	addr_set_port(&p->source, 0);
	if (!p->source.len && fd >= 0 &&
	    sock_device(fd, p->from.interface) == 0 &&
	    connect(fd, &p->target.sa, p->target.len) == 0) {
		p->source.len = sizeof(p->source.un);
		if (getsockname(fd, &p->source.sa, &p->source.len) < 0)
			p->source.len = 0;
	}
	if (fd >= 0)
		close(fd);
}

void
predict_aim(struct predict_listener *p, const struct addr *target)
{
	p->target = *target;
	find_source(p);
}

static int
bind_datagram(int fd, struct addr *ours)
{
	if (bind(fd, &ours->sa, ours->len) < 0)
		return -1;
	return getsockname(fd, &ours->sa, &ours->len);
}

/* A port serves every address once, and then comes the next. */
static uint16_t
choose_port(struct predict_listener *p, const struct addr *ours)
{
	struct addr from = *ours;

	addr_set_port(&from, 0);
	if (!p->port || addr_equal(&from, &p->begun)) {
		p->port = ephemeral_ports_next(&p->ports);
		p->begun = from;
	}
	return p->port;
}

/*
 * Binds to a port that has no connection to the target, not even one in
 * TIME_WAIT, and asks which listener it will meet. SO_REUSEADDR: connections
 * to other addresses don't matter.
 */
static int
bind_stream(struct predict_listener *p, int fd, struct addr *ours,
    uint64_t *inode)
{
	struct diag_sock s;

	if (p->tired && p->tired--)
		return -1;
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	for (int i = 0; i < PORT_TRIES; i++) {
		addr_set_port(ours, choose_port(p, ours));
		if (sock_diag_get(p->diag, IPPROTO_TCP, &p->target, ours, &s) <=
		    0)
			return -1;
		if (s.state == TCP_LISTEN &&
		    bind(fd, &ours->sa, ours->len) == 0) {
			*inode = s.inode;
			return 0;
		}
		/* connect(2) takes them in rows, and even ones only */
		if (i % TRIES_A_ROW == TRIES_A_ROW - 1)
			ephemeral_ports_jump(&p->ports, i > TRIES_EVEN);
		p->port = 0;
	}
	p->tired = PORT_REST;
	return -1;
}

/* A port that was asked for: what is left of its last connection may be. */
static int
bind_given(struct predict_listener *p, int fd, struct addr *ours,
    uint64_t *inode)
{
	struct diag_sock s;

	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (sock_diag_get(p->diag, IPPROTO_TCP, &p->target, ours, &s) > 0 &&
	    s.state == TCP_LISTEN)
		*inode = s.inode;
	return bind(fd, &ours->sa, ours->len);
}

static int
bind_any(struct predict_listener *p, int fd, struct addr *ours, uint64_t *inode)
{
	struct diag_sock s;

	if (p->protocol == IPPROTO_TCP)
		return addr_port(ours) ? bind_given(p, fd, ours, inode) :
		    bind_stream(p, fd, ours, inode);
	if (bind_datagram(fd, ours) < 0)
		return -1;
	if (sock_diag_get(p->diag, IPPROTO_UDP, &p->target, ours, &s) > 0)
		*inode = s.inode;
	return 0;
}

uint64_t
predict_listener(struct predict_listener *p, int fd, struct addr *ours)
{
	uint16_t port = ours->len ? addr_port(ours) : 0;
	uint64_t inode = 0;

	if (!ours->len || addr_is_wildcard(ours))
		*ours = p->source;
	addr_set_port(ours, port);
	if (ours->len && bind_any(p, fd, ours, &inode) == 0)
		return inode;
	ours->len = 0;
	return 0;
}
