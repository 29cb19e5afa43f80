#include "net/sockopt.h"

#include <sys/socket.h>

int
sock_set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

int
sock_get_int(int fd, int level, int option, int otherwise)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, level, option, &value, &size) < 0 ? otherwise :
	    value;
}

void
sock_reset_at_close(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}
