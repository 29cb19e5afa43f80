#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

#include "base/fail.h"
#include "base/loop.h"
#include "net/retry.h"

enum { RETRY_FIRST_US = 50 * 1000, RETRY_MAX_US = 1000 * 1000 };

/* The addresses of this host: IPv4 first, in the order that listen shows. */
static int
put_ipv4_first(struct addr_list *list)
{
	struct addr_list all = *list;
	int result = 0;

	*list = (struct addr_list){ 0 };
	for (int v6 = 0; v6 <= 1; v6++)
		for (int i = 0; i < all.count && result == 0; i++)
			if ((all.at[i].sa.sa_family == AF_INET6) == v6)
				result = addr_list_add(list, &all.at[i]);
	addr_list_free(&all);
	return result;
}

static int
take_known(const struct endpoint *e, int flags, struct addr_list *out)
{
	struct addr a;
	int code;

	if (e->local)
		return addr_unix(&a, e->path) < 0 ? -1 :
		    addr_list_add(out, &a);
	code = addr_ask(e, e->family, flags, out);
	if (code)
		return fail_as(STATUS_RESOLVE, "%.200s: %s",
		    e->host[0] ? e->host : "localhost",
		    code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	return flags & AI_PASSIVE ? 0 : put_ipv4_first(out);
}

/* Waits until the list is enough to begin with. */
static int
resolve_await(struct lookup *l, int64_t deadline, struct addr_list *out)
{
	struct pollfd p[LOOKUP_QUERIES];
	int64_t when;

	while (lookup_take(l, out) == 0) {
		int n = lookup_poll(l, p);

		if (lookup_is_ready(l, out, &when))
			return out->count ? out->count : lookup_fail(l);
		if (deadline && when > deadline)
			when = deadline;
		if (deadline && loop_now() >= deadline)
			return out->count ? out->count : lookup_fail(l);
		if (loop_poll(p, (size_t)n, when) < 0)
			return -1;
	}
	return -1;
}

static int
resolve_look_up(const struct endpoint *e, int flags, int64_t deadline,
    struct lookup *rest, struct addr_list *out)
{
	struct lookup l;
	int result;

	*out = (struct addr_list){ 0 };
	if (endpoint_is_known(e, flags))
		return take_known(e, flags, out) < 0 ? -1 : out->count;
	if (lookup_start(&l, e, flags) < 0)
		return -1;
	result = resolve_await(&l, deadline, out);
	if (rest && result > 0)
		*rest = l;
	else
		lookup_end(&l);
	if (result < 0)
		addr_list_free(out);
	return result;
}

int
resolve(const struct endpoint *e, int64_t deadline, struct addr_list *out)
{
	return resolve_look_up(e, 0, deadline, NULL, out);
}

int
resolve_passive(const struct endpoint *e, struct addr_list *out)
{
	return resolve_look_up(e, AI_PASSIVE, 0, NULL, out);
}

int
resolve_wait(const struct endpoint *e, int64_t deadline, int64_t wait,
    struct lookup *rest, struct addr_list *out)
{
	struct retry retry = {
		.end = loop_now() + wait,
		.pause = RETRY_FIRST_US, .most = RETRY_MAX_US,
	};
	int64_t last = wait ? retry.end + RETRY_LAST_US : 0;
	int n, tries = 1;

	if (rest)
		*rest = LOOKUP_NONE;
	while ((n = resolve_look_up(e, 0, deadline > last ? deadline : last,
	    rest, out)) < 0 && fail_status() == STATUS_RESOLVE &&
	    retry_sleep(&retry))
		tries++;
	if (n < 0 && tries > 1)
		fail_add("tried %d times within %g s", tries,
		    (double)wait / 1e6);
	return n;
}
