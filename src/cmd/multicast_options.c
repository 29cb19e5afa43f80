#include "cmd/multicast_options.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/fail.h"
#include "net/multicast.h"

/* Reads an address without a port; a scope, as in ff02::1%eth0, may follow. */
static int
group_read(const char *text, struct addr *out)
{
	char host[sizeof(((struct endpoint *)0)->host)];
	size_t length = strcspn(text, "%");

	*out = (struct addr){ .len = sizeof(out->in) };
	out->sa.sa_family = AF_INET;
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1)
		return 0;
	memcpy(host, text, length);
	host[length] = '\0';
	out->len = sizeof(out->in6);
	out->sa.sa_family = AF_INET6;
	return inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1 ? 0 : -1;
}

/* SRC@GROUP: splits the host. */
static int
source_read(struct settings *s, struct endpoint *e, char *at)
{
	struct addr group;

	*at = '\0';
	if (group_read(e->host, &s->multicast_source) < 0 ||
	    group_read(at + 1, &group) < 0 || !multicast_is_group(&group) ||
	    group.sa.sa_family != s->multicast_source.sa.sa_family)
		return fail_as(STATUS_USAGE, "%s@%s: want the address of a "
		    "sender and of a multicast group, both IPv4 or both IPv6, "
		    "as in 10.0.0.1@232.1.2.3", e->host, at + 1);
	memmove(e->host, at + 1, strlen(at + 1) + 1);
	return 0;
}

int
multicast_options_client(const struct settings *s, const struct endpoint *e)
{
	if (!s->udp || e->local || !strchr(e->host, '@'))
		return 0;
	return fail_as(STATUS_USAGE, "%s: SRC@GROUP is for listen -u: a sender "
	    "names the group alone", e->host);
}

int
multicast_options(struct settings *s, struct endpoint *e)
{
	char *at = e->local ? NULL : strchr(e->host, '@');
	struct addr group;

	if (at && source_read(s, e, at) < 0)
		return -1;
	if (e->local || group_read(e->host, &group) < 0 ||
	    !multicast_is_group(&group))
		return 0;
	if (!s->udp)
		return fail_as(STATUS_USAGE, "%s: a multicast group is for "
		    "datagrams: say -u", e->host);
	if (s->steer || s->weight >= 0)
		return fail_as(STATUS_USAGE, "--%s: each member gets every "
		    "datagram of a multicast group", s->steer ? "steer" :
		    "weight");
	return 0;
}
