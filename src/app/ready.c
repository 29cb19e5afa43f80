#include "app/ready.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
ready_write(int fd, const struct sock_set *set)
{
	char all[ADDR_MAX * (ADDR_TEXT + 1)], one[ADDR_TEXT];
	size_t used = 0;

	for (int i = 0; i < set->count; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used,
		    "%s\n", addr_text(&set->bound[i], one));
	/* the reader may have gone, which is no reason to fail */
	(void)!write(fd, all, used);
	close(fd);
}

static void
notify(const char *path)
{
	struct addr a;
	int fd;

	if ((*path != '/' && *path != '@') || addr_unix(&a, path) < 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, "READY=1", 7, MSG_NOSIGNAL | MSG_DONTWAIT, &a.sa, a.len);
	close(fd);
}

void
ready_notify(void)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");

	if (path)
		notify(path);
	unsetenv("NOTIFY_SOCKET");
}
