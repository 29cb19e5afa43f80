#include "app/ready.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

void
ready_write(int fd, const struct sock_set *set)
{
	char all[ADDR_MAX * (ADDR_TEXT + 1)], one[ADDR_TEXT];
	size_t used = 0;

	for (int i = 0; i < set->count; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used,
		    "%s\n", addr_text(&set->bound[i], one));
	/* the reader may have gone, which is no reason to fail */
	while (write(fd, all, used) < 0 && errno == EINTR)
		continue;
	close(fd);
}

/* A number from a variable, which is then unset; 0: there is none. */
static int64_t
variable_take(const char *name)
{
	const char *text = secure_getenv(name);
	int64_t n = 0;

	if (text)
		(void)!num_parse(text, 1, INT64_MAX, &n);
	unsetenv(name);
	return n;
}

void
manager_find(struct manager *m)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");
	int64_t pid = variable_take("WATCHDOG_PID");

	*m = (struct manager){
		.fd = -1, .watchdog = variable_take("WATCHDOG_USEC"),
	};
	if (pid && pid != getpid())
		m->watchdog = 0;
	if (path && (*path == '/' || *path == '@') &&
	    addr_unix(&m->to, path) >= 0)
		m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsetenv("NOTIFY_SOCKET");
}

void
manager_close(struct manager *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

void
manager_notify(const struct manager *m, const char *state)
{
	if (m->fd >= 0)
		sendto(m->fd, state, strlen(state), MSG_NOSIGNAL |
		    MSG_DONTWAIT, &m->to.sa, m->to.len);
}

void
manager_notify_ready(const struct manager *m, const struct sock_set *set)
{
	char text[32 + ADDR_MAX * (ADDR_TEXT + 2)], one[ADDR_TEXT];
	size_t used = (size_t)snprintf(text, sizeof(text), "READY=1\nSTATUS=%s",
	    set->count ? "listening on" : "serving one connection");

	for (int i = 0; i < set->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s %s", i ? "," : "", addr_text(&set->bound[i], one));
	manager_notify(m, text);
}
