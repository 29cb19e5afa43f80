#include "cmd/sockopt_options.h"

#include <unistd.h>

#include "app/emit.h"
#include "base/fail.h"

static int
socket_family(const struct settings *s, const struct endpoint *e)
{
	return e->local ? AF_UNIX : s->family == AF_INET6 ? AF_INET6 :
	    AF_INET;
}

int
sockopt_options_check(const struct settings *s, const struct endpoint *e,
    unsigned side)
{
	unsigned protocol = e->local ? SOCKOPT_UNIX :
	    s->udp ? SOCKOPT_UDP : SOCKOPT_TCP;

	return sockopts_check(&s->sockopts, side | protocol,
	    socket_family(s, e)) < 0 ? fail_option("--sockopt") : 0;
}

void
sockopt_options_emit(struct app *a, const struct endpoint *e)
{
	const struct settings *s = a->settings;
	int fd;

	if (!s->sockopts.count)
		return;
	fd = socket(socket_family(s, e), (s->udp ? SOCK_DGRAM : SOCK_STREAM) |
	    SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sockopts_set(&s->sockopts, fd) == 0)
		emit_sockopts(a, fd);
	close(fd);
}
