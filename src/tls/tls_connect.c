#include "tls/tls_connect.h"

#include <fcntl.h>
#include <poll.h>

#include "base/fail.h"
#include "base/loop.h"

/* Waits for what the handshake wants; -1: the deadline has passed. */
static int
tls_connect_wait(int fd, enum tls_step step, int64_t deadline)
{
	struct pollfd wanted = {
		.fd = fd, .events = step == TLS_WANTS_READ ? POLLIN : POLLOUT,
	};

	if (loop_now() >= deadline)
		return fail_as(STATUS_TIMEOUT, "TLS handshake: no answer in "
		    "time");
	return loop_poll(&wanted, 1, deadline);
}

static int
tls_connect_run(struct tls *t, int fd, int64_t deadline)
{
	enum tls_step step;

	while ((step = tls_handshake(t)) != TLS_DONE)
		if (step == TLS_FAILED || tls_connect_wait(fd, step, deadline) < 0)
			return -1;
	return 0;
}

struct tls *
tls_connect(struct tls_context *c, int fd, const char *name,
    int64_t deadline)
{
	struct tls *t;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		fail("TLS");
		return NULL;
	}
	t = tls_new(c, fd, name);
	if (t && tls_connect_run(t, fd, deadline) < 0) {
		tls_free(t);
		t = NULL;
	}
	return t;
}
