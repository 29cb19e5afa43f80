/*
 * The environment of a program for a connection: the variables of UCSPI, those
 * that systemd sets for a service with Accept=yes, and ours. A variable that
 * does not fit this connection is unset, because rpnc itself may run under such
 * a server.
 */
#include "serve/program_environment.h"

#include <stdio.h>
#include <string.h>

#include "net/sock.h"

static const char *const names[ENV_COUNT] = {
	[ENV_PROTO] = "PROTO",
	[ENV_LOCAL_IP] = "TCPLOCALIP", [ENV_LOCAL_PORT] = "TCPLOCALPORT",
	[ENV_REMOTE_IP] = "TCPREMOTEIP", [ENV_REMOTE_PORT] = "TCPREMOTEPORT",
	[ENV_LOCAL_PATH] = "UNIXLOCALPATH",
	[ENV_REMOTE_PID] = "UNIXREMOTEPID",
	[ENV_REMOTE_UID] = "UNIXREMOTEEUID",
	[ENV_REMOTE_GID] = "UNIXREMOTEEGID",
	[ENV_SYSTEMD_ADDR] = "REMOTE_ADDR", [ENV_SYSTEMD_PORT] = "REMOTE_PORT",
	[ENV_CONN] = "RPNC_CONN", [ENV_NAME] = "RPNC_NAME",
};

static void
set_number(struct program_environment *e, int which, unsigned value)
{
	snprintf(e->numbers[which], ENV_NUMBER, "%u", value);
	e->variables[which].value = e->numbers[which];
}

/* addr_host() without its "unix:", or NULL if the socket has no name. */
static const char *
path_of(const struct addr *a, char text[static ADDR_TEXT])
{
	if (a->len <= sizeof(a->un.sun_family))
		return NULL;
	return addr_host(a, text) + strlen("unix:");
}

static void
set_local(struct program_environment *e, const struct conn *c)
{
	struct addr bound = { .len = 0 }, a;
	bool known = sock_name(c->source.fd, &bound) == 0;

	if (known && bound.sa.sa_family == AF_UNIX) {
		e->variables[ENV_PROTO].value = "UNIX";
		e->variables[ENV_LOCAL_PATH].value = path_of(&bound, e->local);
		return;
	}
	e->variables[ENV_PROTO].value = "TCP";
	if (!known)
		return;
	a = addr_unmapped(&bound);
	e->variables[ENV_LOCAL_IP].value = addr_host(&a, e->local);
	set_number(e, ENV_LOCAL_PORT, addr_port(&a));
}

/* The process that called connect(2). */
static void
set_credentials(struct program_environment *e, const struct conn *c)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (c->peer.sa.sa_family != AF_UNIX || getsockopt(c->source.fd,
	    SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return;
	set_number(e, ENV_REMOTE_PID, (unsigned)peer.pid);
	set_number(e, ENV_REMOTE_UID, peer.uid);
	set_number(e, ENV_REMOTE_GID, peer.gid);
}

/* The client's address, if there is a PROXY header by that. */
static void
set_remote(struct program_environment *e, const struct conn *c)
{
	const struct addr *origin = conn_origin(c);
	struct addr a = addr_unmapped(origin);

	if (!a.len)
		return;		/* the client has gone already */
	if (a.sa.sa_family == AF_UNIX) {
		e->variables[ENV_SYSTEMD_ADDR].value = path_of(&a, e->remote);
		return;
	}
	addr_host(&a, e->remote);
	e->variables[ENV_REMOTE_IP].value = e->remote;
	e->variables[ENV_SYSTEMD_ADDR].value = e->remote;
	set_number(e, ENV_REMOTE_PORT, addr_port(&a));
	set_number(e, ENV_SYSTEMD_PORT, addr_port(&a));
}

void
program_environment_make(struct program_environment *e, const struct conn *c,
    const char *member)
{
	for (int i = 0; i < ENV_COUNT; i++)
		e->variables[i] = (struct child_variable){ .name = names[i] };
	e->variables[ENV_COUNT].name = NULL;
	set_local(e, c);
	set_remote(e, c);
	set_credentials(e, c);
	set_number(e, ENV_CONN, c->id);
	e->variables[ENV_NAME].value = member;
}
