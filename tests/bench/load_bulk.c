/* Many bytes: sent, read, or both at once. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char inbox[CHUNK];

static int
told(uint64_t bytes, double seconds)
{
	printf("{\"bytes\":%llu,\"seconds\":%.6f}\n",
	    (unsigned long long)bytes, seconds);
	return fflush(stdout) ? 1 : 0;
}

/* Reads to the end; the time is that from the first byte on. */
static uint64_t
swallow(int fd, double *began)
{
	uint64_t bytes = 0;
	ssize_t n;

	while ((n = read(fd, inbox, sizeof(inbox))) > 0 ||
	    (n < 0 && errno == EINTR)) {
		if (!bytes)
			*began = now();
		bytes += n > 0 ? (uint64_t)n : 0;
	}
	if (n < 0)
		die("read");
	return bytes;
}

static void
spew(int fd, uint64_t left)
{
	while (left) {
		size_t want = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		ssize_t n = write(fd, chunk, want);

		if (n < 0 && errno != EINTR)
			die("write");
		left -= n > 0 ? (uint64_t)n : 0;
	}
}

static int
dialled(const struct args *a)
{
	int fd = source_socket(a, 0, 0);

	if (connect(fd, (const struct sockaddr *)&a->addr, a->len) < 0)
		die("connect");
	return fd;
}

int
load_consume(const struct args *a)
{
	double began = now();
	uint64_t bytes = swallow(STDIN_FILENO, &began);

	(void)a;
	return told(bytes, now() - began);
}

int
load_produce(const struct args *a)
{
	spew(STDOUT_FILENO, a->bytes);
	return 0;
}

int
load_sink(const struct args *a)
{
	int fd = source_socket(a, 0, 0), on = 1, client;
	double began;
	uint64_t bytes;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->addr, a->len) < 0 ||
	    listen(fd, 16) < 0)
		die("listen");
	client = accept(fd, NULL, NULL);
	if (client < 0)
		die("accept");
	began = now();
	bytes = swallow(client, &began);
	return told(bytes, now() - began);
}

int
load_source(const struct args *a)
{
	int fd = dialled(a);
	double began = now();

	spew(fd, a->bytes);
	shutdown(fd, SHUT_WR);
	swallow(fd, &(double){ 0 });
	return told(a->bytes, now() - began);
}

/* One direction of load_both: as much as goes at once. */
static uint64_t
step(int fd, bool out, uint64_t left)
{
	size_t want = left < CHUNK ? (size_t)left : CHUNK;
	ssize_t n = out ? send(fd, chunk, want, MSG_DONTWAIT) :
	    recv(fd, inbox, want, MSG_DONTWAIT);

	if (n == 0 && !out)
		errno = ECONNRESET;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		die(out ? "send" : "recv");
	return n > 0 ? (uint64_t)n : 0;
}

int
load_both(const struct args *a)
{
	uint64_t out = a->bytes, in = a->bytes;
	struct pollfd p = { .fd = dialled(a) };
	double began = now();

	while (out || in) {
		p.events = (short)((out ? POLLOUT : 0) | (in ? POLLIN : 0));
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			die("poll");
		if (in && p.revents & (POLLIN | POLLHUP | POLLERR))
			in -= step(p.fd, false, in);
		if (out && p.revents & POLLOUT)
			out -= step(p.fd, true, out);
	}
	return told(a->bytes, now() - began);
}
