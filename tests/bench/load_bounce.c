/*
 * A batch of datagrams at a time, from one socket, and what comes back of it.
 * With -G the kernel parts what is sent (UDP_SEGMENT), and joins what comes
 * (UDP_GRO), as HTTP/3 servers do.
 *
 * What has not come after a while is lost; what comes later counts for the
 * batch after.
 */
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, JOINED = 32, ROOM = 64 << 10, PATIENCE = 100 };

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static char inbox[BATCH][ROOM];

static void
messages_set(size_t n, size_t size, char *data, size_t step)
{
	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct iovec){ data + i * step, size };
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &parts[i], .msg_iovlen = 1,
		};
	}
}

static void
send_batch(const struct args *a, int fd)
{
	size_t each = a->joined ? JOINED : 1, n = a->conns / each;

	messages_set(n, a->size * each, chunk, 0);
	if (sendmmsg(fd, messages, (unsigned)n, 0) < 0)
		die("sendmmsg");
}

/* How many datagrams came, at least one; 0: none in time. */
static size_t
receive_some(const struct args *a, int fd)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	size_t bytes = 0;
	int n;

	messages_set(BATCH, ROOM, inbox[0], ROOM);
	n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN)
		die("recvmmsg");
	if (n < 0)
		return poll(&in, 1, PATIENCE) > 0 ? receive_some(a, fd) : 0;
	for (int i = 0; i < n; i++)
		bytes += messages[i].msg_len;
	return bytes / a->size;
}

int
load_bounce(const struct args *a)
{
	int fd = source_socket(a, 0, 0), size = (int)a->size, on = 1;
	uint64_t sent = 0, came = 0, end;
	double began = now();

	if (a->conns > BATCH || a->size * JOINED > ROOM ||
	    (a->joined && a->conns % JOINED))
		return 2;
	if (connect(fd, (const struct sockaddr *)&a->addr, a->len) < 0)
		die("connect");
	if (a->joined && (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size,
	    sizeof(size)) < 0 || setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on,
	    sizeof(on)) < 0))
		die("setsockopt");
	end = now_ns() + (uint64_t)(a->seconds * 1e9);
	while (now_ns() < end) {
		size_t n = 1;

		send_batch(a, fd);
		sent += a->conns;
		for (size_t back = 0; back < a->conns && n; back += n) {
			n = receive_some(a, fd);
			came += n;
		}
	}
	printf("{\"sent\":%llu,\"came\":%llu,\"seconds\":%.6f}\n",
	    (unsigned long long)sent, (unsigned long long)came,
	    now() - began);
	return fflush(stdout) ? 1 : 0;
}
