/*
 * tests/sandbox.bats loads this into rpnc (LD_PRELOAD): code of a stranger that
 * runs in the process. When the descriptor ORDERS is readable after
 * epoll_wait(2), it reads a letter from it and makes that call; RESULTS gets
 * "allowed", "ENOSYS", or another error's text.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ORDERS = 200, RESULTS = 201 };

static long
open_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long
create_file(void)
{
	return open("intruded", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

/* To the port of the environment, which somebody listens on. */
static long
connect_elsewhere(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(getenv("ELSEWHERE"))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static long
map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : 0;
}

static long
type_for_user(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static long
execute(void)
{
	char *words[] = { (char *)"true", NULL };

	return execve("/bin/true", words, words + 1);
}

static long
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
load_program(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static const struct {
	char letter;
	long (*call)(void);
} calls[] = {
	{ 'o', open_file }, { 'w', create_file }, { 'c', connect_elsewhere },
	{ 'x', map_code }, { 't', type_for_user }, { 'e', execute },
	{ 'p', trace }, { 'b', load_program },
};

static void
obey(void)
{
	struct pollfd p = { .fd = ORDERS, .events = POLLIN };
	char letter;

	if (poll(&p, 1, 0) != 1 || read(ORDERS, &letter, 1) != 1)
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].letter == letter)
			dprintf(RESULTS, "%s\n", calls[i].call() >= 0 ?
			    "allowed" : errno == ENOSYS ? "ENOSYS" :
			    strerror(errno));
}

int
epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	static int (*next)(int, struct epoll_event *, int, int);
	int n, saved;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "epoll_wait");
	n = next(fd, events, count, timeout);
	saved = errno;
	obey();
	errno = saved;
	return n;
}
