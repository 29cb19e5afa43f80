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
