#include "kernel/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

struct mnl_socket *
netlink_open(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG,
	    SOCK_CLOEXEC);
	int saved;

	if (!nl || connect(mnl_socket_get_fd(nl),
	    (const struct sockaddr *)&kernel, sizeof(kernel)) == 0)
		return nl;
	saved = errno;
	mnl_socket_close(nl);
	errno = saved;
	return NULL;
}

size_t
netlink_whole(const void *messages, size_t length)
{
	size_t at = 0;

	while (length - at >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)
		    ((const char *)messages + at);
		size_t padded = MNL_ALIGN((size_t)h->nlmsg_len);

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > length - at)
			break;
		at = padded < length - at ? at + padded : length;
	}
	return at;
}
