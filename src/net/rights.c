/* A descriptor that passes to another process: SCM_RIGHTS, see unix(7). */
#include "net/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"

/* Room for one descriptor, aligned as cmsg(3) wants it. */
union rights {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void
rights_message(struct msghdr *m, struct iovec *byte, union rights *r)
{
	static char one[1];

	*byte = (struct iovec){ .iov_base = one, .iov_len = 1 };
	memset(r, 0, sizeof(*r));
	*m = (struct msghdr){
		.msg_iov = byte, .msg_iovlen = 1, .msg_control = r->room,
		.msg_controllen = sizeof(r->room),
	};
}

int
rights_send(int end, int fd)
{
	struct msghdr m;
	struct iovec byte;
	union rights r;
	struct cmsghdr *c;

	rights_message(&m, &byte, &r);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(end, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* Closes the descriptors of a control message. */
static void
rights_close(const struct cmsghdr *c)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		close(fd);
	}
}

/* The message's only descriptor; -1: it has none, or more than one. */
static int
rights_take(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	if (c->cmsg_len != CMSG_LEN(sizeof(fd)) || m->msg_flags & MSG_CTRUNC) {
		rights_close(c);
		return -1;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int
rights_receive(int end)
{
	struct msghdr m;
	struct iovec byte;
	union rights r;
	ssize_t n;
	int fd;

	rights_message(&m, &byte, &r);
	n = recvmsg(end, &m, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -1;
	if (n == 0) {
		errno = EPIPE;
		return -1;
	}
	fd = rights_take(&m);
	if (fd < 0) {
		fail_as(STATUS_NETWORK, "the system refuses the "
		    "descriptor of a connection");
		errno = ENOMSG;
	}
	return fd;
}
