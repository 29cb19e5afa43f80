/* The files of /proc: all of them have these bytes. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "kernel/adopt_error.h"
#include "kernel/epoll_watched.h"
#include "kernel/proc.h"
#include "kernel/sock_owner.h"
#include "net/accept_queue.h"
#include "net/congestion.h"
#include "net/ephemeral_ports.h"

/* The bytes; -1: another target's turn. */
static int content = -1;

FILE *__wrap_fopen(const char *, const char *);
FILE *__real_fopen(const char *, const char *);
int __wrap_open(const char *, int, ...);
int __real_open(const char *, int, ...);

static bool
is_ours(const char *path)
{
	return content >= 0 && strncmp(path, "/proc/", 6) == 0;
}

static const char *
content_path(char path[static 40])
{
	snprintf(path, 40, "/proc/self/fd/%d", content);
	return path;
}

FILE *
__wrap_fopen(const char *path, const char *mode)
{
	char ours[40];

	return __real_fopen(is_ours(path) ? content_path(ours) : path, mode);
}

int
__wrap_open(const char *path, int flags, ...)
{
	char ours[40];
	va_list list;
	int mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, int) : 0;
	va_end(list);
	return __real_open(is_ours(path) ? content_path(ours) : path, flags,
	    mode);
}

static void
ask_process(pid_t pid)
{
	const uint64_t inodes[] = { 7, 9000 };
	char command[17], who[ADOPT_WHO], stat[PROC_STAT];
	bool watched[2];

	owner_state(pid);
	owner_parent(pid);
	owner_started_before(pid, clock_ns());
	owner_command(pid, command);
	HOLDS(strlen(command) < sizeof(command));
	HOLDS(strlen(adopt_who(pid, who)) < ADOPT_WHO);
	adopt_refused(pid);
	proc_stat(pid, 22, stat);
	epoll_watched(pid, inodes, 2, watched);
}

static void
ask_system(void)
{
	const uint64_t inodes[] = { 7, 9000 };
	const int own[] = { 1, 1 };
	struct congestion c = { .asked = "cubic" };
	struct ephemeral_ports ports;
	int references[2];

	listener_references(AF_INET, inodes, 2, references);
	listener_half_open(AF_INET6, inodes, own, 2);
	congestion_check(&c);
	ephemeral_ports_init(&ports);
	ephemeral_ports_next(&ports);
	ephemeral_ports_jump(&ports, true);
	ephemeral_ports_next(&ports);
	proc_sys("/proc/sys/kernel/yama/ptrace_scope", 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static int file = -1, epoll = -1;

	if (file < 0) {
		file = memfd_create("content", MFD_CLOEXEC);
		epoll = epoll_create1(EPOLL_CLOEXEC);
	}
	HOLDS(file >= 0 && epoll >= 0 && ftruncate(file, 0) == 0);
	HOLDS(pwrite(file, data, length, 0) == (ssize_t)length);
	content = file;
	ask_process(getpid());
	ask_system();
	content = -1;
	return 0;
}
