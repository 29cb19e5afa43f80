#include "net/datagram_losses.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"
#include "base/loop.h"

enum {
	REPORT_US = 60 * 1000 * 1000,
	OTHER_US = 1000 * 1000,		/* wait for a second errno */
};

void
losses_count(struct losses *l, const struct addr *to, size_t length, int error)
{
	l->count++;
	l->total++;
	l->to = *to;
	l->length = length;
	l->error = error;
}

/* EAGAIN: the queue of a Unix peer is full, or our own. */
static const char *
losses_cause(int error)
{
	switch (error) {
	case EAGAIN: case ECOMM:
		return "the queue is full";
	case ELOOP:
		return "an echo server is there, and it would come back";
	default:
		return strerror(error);
	}
}

static bool
losses_report(struct losses *l)
{
	const char *verb = l->verb ? l->verb : "sent";
	char to[ADDR_TEXT];

	addr_text(&l->to, to);
	if (l->count == 1)
		fail_as(STATUS_NETWORK, "%s: a datagram of %zu B was not %s: "
		    "%s", to, l->length, verb, losses_cause(l->error));
	else
		fail_as(STATUS_NETWORK, "%llu%s datagrams were not %s, "
		    "the last to %s: %s", (unsigned long long)l->count,
		    l->reported ? " more" : "", verb, to,
		    losses_cause(l->error));
	l->reported = loop_now();
	l->reported_error = l->error;
	l->count = 0;
	return true;
}

bool
losses_due(struct losses *l)
{
	int64_t pause = l->error == l->reported_error ? REPORT_US : OTHER_US;

	if (!l->count || (l->reported && loop_now() < l->reported + pause))
		return false;
	return losses_report(l);
}

bool
losses_rest(struct losses *l)
{
	return l->count && losses_report(l);
}
