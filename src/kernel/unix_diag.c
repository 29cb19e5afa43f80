#include "kernel/unix_diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/netlink.h"

enum {
	BUFFER = 32768,		/* the most that the kernel dumps at once */
	KERNEL_MINOR_BITS = 20,	/* in its dev_t: <linux/kdev_t.h> */
};

struct search {
	const struct addr *bound;
	uint64_t inode;		/* the file's inode, and its device */
	uint32_t device;
	uint64_t found;
	bool listens;
};

static bool
is_same_name(const struct search *s, const struct nlattr *attr)
{
	size_t length = s->bound->len - offsetof(struct sockaddr_un, sun_path);

	return !s->bound->un.sun_path[0] &&
	    mnl_attr_get_payload_len(attr) == length &&
	    memcmp(mnl_attr_get_payload(attr), s->bound->un.sun_path,
	    length) == 0;
}

static bool
is_same_file(const struct search *s, const struct nlattr *attr)
{
	struct unix_diag_vfs file;

	if (!s->inode || mnl_attr_get_payload_len(attr) < sizeof(file))
		return false;
	memcpy(&file, mnl_attr_get_payload(attr), sizeof(file));
	return file.udiag_vfs_ino == (uint32_t)s->inode &&
	    file.udiag_vfs_dev == s->device;
}

static int
unix_diag_on_socket(const struct nlmsghdr *h, void *user)
{
	const struct unix_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct search *s = user;
	const struct nlattr *attr;
	bool same = false;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, h, sizeof(*m)) {
		int type = mnl_attr_get_type(attr);

		same |= (type == UNIX_DIAG_NAME && is_same_name(s, attr)) ||
		    (type == UNIX_DIAG_VFS && is_same_file(s, attr));
	}
	if (same && !s->listens) {
		s->found = m->udiag_ino;
		s->listens = m->udiag_state == TCP_LISTEN;
	}
	return MNL_CB_OK;
}

static int
unix_diag_ask(struct mnl_socket *nl)
{
	static const struct unix_diag_req req = {
		.sdiag_family = AF_UNIX, .udiag_states = ~0u,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS,
	};
	char room[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(req))]
	    __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(h, sizeof(req)), &req, sizeof(req));
	return mnl_socket_sendto(nl, h, h->nlmsg_len) < 0 ? -1 : 0;
}

static void
read_answers(struct mnl_socket *nl, struct search *s)
{
	char buffer[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			n = MNL_CB_OK;
		else if (n >= 0)
			n = mnl_cb_run(buffer, netlink_whole(buffer,
			    (size_t)n), 0, 0, unix_diag_on_socket, s);
	} while (n >= MNL_CB_OK);
}

uint64_t
unix_diag_inode(const struct addr *bound)
{
	struct search s = { .bound = bound };
	struct mnl_socket *nl;
	struct stat st;

	if (bound->un.sun_path[0] && lstat(bound->un.sun_path, &st) == 0) {
		s.inode = st.st_ino;
		s.device = major(st.st_dev) << KERNEL_MINOR_BITS |
		    minor(st.st_dev);
	}
	nl = netlink_open();
	if (!nl)
		return 0;
	if (unix_diag_ask(nl) == 0)
		read_answers(nl, &s);
	mnl_socket_close(nl);
	return s.found;
}
