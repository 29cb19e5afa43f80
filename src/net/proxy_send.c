/*
 * Sends the PROXY header of a connection that was just made. Its addresses are
 * the socket's own two, so only a connected socket has a header.
 */
#include "net/proxy_send.h"

#include <errno.h>

#include "net/sock.h"

/* The send buffer is empty, so it takes the header whole. */
int
proxy_send(int fd, enum proxy_version version)
{
	struct addr own, peer = { .len = sizeof(peer.un) };
	char header[PROXY_WRITE];
	ssize_t length, n;

	if (version == PROXY_NONE)
		return 0;
	if (sock_name(fd, &own) < 0)
		return -1;
	if (getpeername(fd, &peer.sa, &peer.len) < 0) {
		errno = errno == ENOTCONN ? ECONNRESET : errno;
		return -1;
	}
	length = (ssize_t)proxy_header_write(version, &own, &peer, header);
	n = send(fd, header, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0 && n < length)
		errno = ENOBUFS;
	return n == length ? 0 : -1;
}
