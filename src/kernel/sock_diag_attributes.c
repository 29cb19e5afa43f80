#include "kernel/sock_diag_attributes.h"

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

/* Copies an attribute; an older kernel's may be shorter, which leaves zeros. */
static void
attr_copy(const struct nlattr *attr, void *to, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memset(to, 0, size);
	memcpy(to, mnl_attr_get_payload(attr), len < size ? len : size);
}

static int
ulp_take(const struct nlattr *attr, void *sock)
{
	struct diag_sock *s = sock;
	char name[16];

	if (mnl_attr_get_type(attr) != INET_ULP_INFO_NAME)
		return MNL_CB_OK;
	attr_copy(attr, name, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	s->mptcp = strcmp(name, "mptcp") == 0;
	return MNL_CB_OK;
}

static int
attr_take(const struct nlattr *attr, void *sock)
{
	struct diag_sock *s = sock;
	uint32_t memory[SK_MEMINFO_VARS];
	struct tcp_info info;
	uint8_t flag;

	switch (mnl_attr_get_type(attr)) {
	case INET_DIAG_SKMEMINFO:
		attr_copy(attr, memory, sizeof(memory));
		s->rcvbuf = memory[SK_MEMINFO_RCVBUF];
		s->drops = memory[SK_MEMINFO_DROPS];
		break;
	case INET_DIAG_INFO:
		attr_copy(attr, &info, sizeof(info));
		s->age_ms = info.tcpi_last_data_sent;
		break;
	case INET_DIAG_ULP_INFO:
		mnl_attr_parse_nested(attr, ulp_take, s);
		break;
	case INET_DIAG_SKV6ONLY:
		attr_copy(attr, &flag, sizeof(flag));
		s->v6only = flag;
		break;
	}
	return MNL_CB_OK;
}

void
sock_diag_attributes(const struct nlmsghdr *h, unsigned offset,
    struct diag_sock *s)
{
	mnl_attr_parse(h, offset, attr_take, s);
}
