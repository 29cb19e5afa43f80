#include "net/multicast.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/fail.h"
#include "net/sockopt.h"

bool
multicast_is_of_link(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MC_LINKLOCAL(a) || IN6_IS_ADDR_MC_NODELOCAL(a);
}

bool
multicast_is_group(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return IN_MULTICAST(ntohl(a->in.sin_addr.s_addr));
	return a->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

/* RFC 3678: the same structs for both families. */
static int
group_join(int fd, const struct addr *group, const char *interface,
    const struct addr *source)
{
	struct group_source_req r = { 0 };
	struct group_req any = { 0 };
	int level = group->sa.sa_family == AF_INET6 ? IPPROTO_IPV6 :
	    IPPROTO_IP;

	r.gsr_interface = interface ? if_nametoindex(interface) :
	    level == IPPROTO_IPV6 ? group->in6.sin6_scope_id : 0;
	memcpy(&r.gsr_group, &group->sa, group->len);
	memcpy(&r.gsr_source, &source->sa, source->len);
	any.gr_interface = r.gsr_interface;
	any.gr_group = r.gsr_group;
	if (source->len)
		return setsockopt(fd, level, MCAST_JOIN_SOURCE_GROUP, &r,
		    sizeof(r));
	return setsockopt(fd, level, MCAST_JOIN_GROUP, &any, sizeof(any));
}

/* Only what this socket has joined, not what others of the host have. */
static void
exclude_others(int fd, const struct addr *group)
{
	if (group->sa.sa_family == AF_INET6)
		sock_set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	else
		sock_set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

int
multicast_join(int fd, const struct addr *group, const char *interface,
    const struct addr *source)
{
	char text[ADDR_TEXT];

	exclude_others(fd, group);
	if (group_join(fd, group, interface, source) == 0)
		return 0;
	fail("join %s", addr_text(group, text));
	if (errno == ENODEV && !interface) {
		fail_add("no route says on which interface");
		fail_advise(ADVICE_INTERFACE);
	}
	return fail_status_set(STATUS_BIND);
}
