/*
 * Code for a member, by LD_PRELOAD, that leaks: make soak must find it. LEAK
 * says what: "descriptors", one for 4 connections, or "memory", 16 KiB a
 * connection.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EACH = 4, PIECE = 16384 };

int
accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	typedef int accept4_function(int, struct sockaddr *, socklen_t *, int);
	static accept4_function *next;
	static unsigned count;
	const char *what = getenv("LEAK");
	int got;

	if (!next)
		next = (accept4_function *)dlsym(RTLD_NEXT, "accept4");
	got = next(fd, address, length, flags);
	if (got < 0 || !what)
		return got;
	if (strcmp(what, "memory") == 0)
		memset(malloc(PIECE), 1, PIECE);
	else if (count++ % EACH == 0)
		epoll_create1(0);	/* the sandbox allows it, not dup(2) */
	return got;
}
