#include "net/congestion.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "net/sock.h"

static int
congestion_set(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
	    (socklen_t)strlen(name));
}

/* Sets the user's choice; returns whether there is one. */
static bool
congestion_as_asked(const struct congestion *c, int fd)
{
	if (c->asked && strcmp(c->asked, "keep") != 0)
		congestion_set(fd, c->asked);
	return c->asked;
}

/* The first line of a file of /proc/sys/net/ipv4, or "none". */
static const char *
congestion_names(const char *file, char text[static CONGESTION_TEXT])
{
	char path[128];
	FILE *list;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", file);
	list = fopen(path, "re");
	if (!list || !fgets(text, CONGESTION_TEXT, list))
		snprintf(text, CONGESTION_TEXT, "none");
	if (list)
		fclose(list);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

const char *
congestion_available(char text[static CONGESTION_TEXT])
{
	return congestion_names("tcp_available_congestion_control", text);
}

int
congestion_check(const struct congestion *c)
{
	char list[CONGESTION_TEXT];
	int fd, result, error;

	if (!c->asked || strcmp(c->asked, "keep") == 0)
		return 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	result = congestion_set(fd, c->asked);
	error = errno;
	close(fd);
	if (result == 0)
		return 0;
	if (error == EPERM)
		return fail_as(STATUS_USAGE, "%.16s: not without "
		    "privileges; you may have: %s", c->asked,
		    congestion_names("tcp_allowed_congestion_control", list));
	return fail_as(STATUS_USAGE, "%.40s: want one of: keep %s", c->asked,
	    congestion_available(list));
}

void
congestion_prepare(struct congestion *c, int fd, const struct addr *to)
{
	char now[sizeof(c->was)] = "";
	socklen_t size = sizeof(now) - 1;

	if (congestion_as_asked(c, fd) || getsockopt(fd, IPPROTO_TCP,
	    TCP_CONGESTION, now, &size) < 0 || strcmp(now, "bbr") != 0 ||
	    (to && !sock_is_local(to)))
		return;
	if (congestion_set(fd, "reno") == 0)
		memcpy(c->was, now, sizeof(c->was));
}

/* A client on this host has the address that it connected to, or loopback. */
static bool
is_client_here(int fd)
{
	struct addr here, there = { .len = sizeof(there.un) };

	if (sock_name(fd, &here) < 0 ||
	    getpeername(fd, &there.sa, &there.len) < 0)
		return true;	/* gone already */
	addr_set_port(&here, 0);
	addr_set_port(&there, 0);
	return addr_is_loopback(&there) || addr_equal(&here, &there);
}

void
congestion_settle(const struct congestion *c, int fd)
{
	if (!congestion_as_asked(c, fd) && *c->was && !is_client_here(fd))
		congestion_set(fd, c->was);
}
