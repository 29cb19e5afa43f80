/*
 * The kernel's answers about sockets, sock_diag(7), as bytes: the reader must
 * take any. Before each batch are two bytes, its length.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/tcp.h>

#include "fuzz.h"
#include "kernel/sock_diag.h"
#include "kernel/unix_diag.h"

/* What is still to be received; NULL: another target's turn. */
static const uint8_t *answers;
static size_t left;
static uint32_t seq;

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *, void *, size_t);
ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *, void *, size_t);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *, const void *,
    size_t);
ssize_t __real_mnl_socket_sendto(const struct mnl_socket *, const void *,
    size_t);

/* The answers are to the last question, as the kernel's are. */
static void
number(uint8_t *batch, size_t length)
{
	struct nlmsghdr h;

	for (size_t at = 0; length - at >= sizeof(h);) {
		memcpy(&h, batch + at, sizeof(h));
		h.nlmsg_seq = seq;
		h.nlmsg_pid = 0;
		memcpy(batch + at, &h, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > length - at)
			break;
		at += MNL_ALIGN(h.nlmsg_len);
		if (at > length)
			break;
	}
}

ssize_t
__wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *room, size_t size)
{
	size_t n;

	if (!answers)
		return __real_mnl_socket_recvfrom(nl, room, size);
	if (left < 2) {
		errno = EAGAIN;
		return -1;
	}
	n = answers[0] | (size_t)answers[1] << 8;
	answers += 2;
	left -= 2;
	n = n < left ? n : left;
	n = n < size ? n : size;
	memcpy(room, answers, n);
	number(room, n);
	answers += n;
	left -= n;
	return (ssize_t)n;
}

ssize_t
__wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *request,
    size_t length)
{
	if (!answers)
		return __real_mnl_socket_sendto(nl, request, length);
	seq = ((const struct nlmsghdr *)request)->nlmsg_seq;
	return (ssize_t)length;
}

static int
take(const struct diag_sock *s, void *user)
{
	char text[ADDR_TEXT];

	HOLDS(strlen(addr_text(&s->local, text)) < ADDR_TEXT);
	HOLDS(strlen(addr_text(&s->remote, text)) < ADDR_TEXT);
	return ++*(int *)user == 1000;
}

static void
ask(struct sock_diag *d, unsigned flags)
{
	int protocol = flags & 1 ? IPPROTO_UDP : IPPROTO_TCP, count = 0;
	struct addr bound = { .in = { .sin_family = AF_INET } };
	struct diag_sock one, *list = NULL;
	uint16_t port = flags & 2 ? 9000 : 0;

	bound.len = sizeof(bound.in);
	bound.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bound.in.sin_port = htons(9000);
	if (flags & 4)
		sock_diag_dump(d, protocol, ~0u, port, take, &count);
	else if (flags & 8)
		sock_diag_get(d, protocol, &bound, &bound, &one);
	else if (flags & 16)
		sock_diag_group_with(d, protocol, 9000, 7, &list);
	else
		sock_diag_group(d, protocol, &bound, &list);
	free(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	unsigned flags = fuzz_byte(&data, &length);
	struct sock_diag *d = sock_diag_open();
	struct addr name;

	HOLDS(d && addr_unix(&name, "@x") > 0);
	answers = length ? data : (const uint8_t *)"";
	left = length;
	if (flags & 128)
		unix_diag_inode(&name);
	else
		ask(d, flags);
	answers = NULL;
	sock_diag_close(d);
	return 0;
}
