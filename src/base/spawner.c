/*
 * How it works: the socket pair carries a request with its descriptors one way,
 * and a pid, or a negated errno, the other way. One request is open at a time.
 * The spawner ends when the other end of the pair is closed, so also if rpnc is
 * killed. Signals that end rpnc do not end it: a program may still be started
 * while rpnc drains.
 */
#include "base/spawner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * SPAWN_FDS)];
};

enum {
	OURS_MOST = 1 << 16,		/* ours have the lowest numbers */
	TRIES = 1000,		/* of a call that fails for a moment */
};

static void
close_if_ours(int fd)
{
	if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == FD_CLOEXEC)
		close(fd);
}

/* Closes what execve(2) would close, but fd. */
static void
close_ours(int fd)
{
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		int one = atoi(entry->d_name);

		if (one != fd && one != dirfd(list))
			close_if_ours(one);
	}
	/* in a root directory without /proc */
	for (int one = 0; !list && one < OURS_MOST; one++)
		if (one != fd)
			close_if_ours(one);
	if (list)
		closedir(list);
}

/*
 * Signals of the terminal, and those to rpnc's process group, pass by. rpnc may
 * go on after ^Z when only it gets SIGCONT.
 */
static void
ignore_signals(void)
{
	static const int numbers[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU,
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_IGN);
}

/* Returns the length of a request; <= 0: the socket has ended. */
static ssize_t
request_receive(int fd, char *request, int fds[SPAWN_FDS])
{
	union control control;
	struct iovec part = { request, SPAWN_REQUEST };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	const struct cmsghdr *c;
	ssize_t n = -1;

	for (int i = 0; i < SPAWN_FDS; i++)
		fds[i] = -1;
	for (int i = 0; n < 0 && i < TRIES; i++)
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n;
}

/*
 * The new process is a sibling of this one. glibc has no function for that; its
 * fork(3) would only run handlers that nobody has registered.
 */
static pid_t
fork_sibling(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
}

static ssize_t
answer_send(int fd, pid_t pid)
{
	ssize_t n = -1;

	for (int i = 0; n < 0 && i < TRIES; i++)
		n = send(fd, &pid, sizeof(pid), MSG_NOSIGNAL);
	return n;
}

static void
spawner_serve(int fd, spawn_run *run)
{
	/* the caller reads its own struct from it */
	static _Alignas(max_align_t) char request[SPAWN_REQUEST];
	int fds[SPAWN_FDS];
	ssize_t n;

	while ((n = request_receive(fd, request, fds)) > 0) {
		pid_t pid = fork_sibling();

		if (pid == 0) {
			close(fd);
			run(request, (size_t)n, fds);
		}
		if (pid < 0)
			pid = -errno;
		for (int i = 0; i < SPAWN_FDS; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (answer_send(fd, pid) < 0)
			break;
	}
}

int
spawner_open(struct spawner *s, spawn_run *run)
{
	int ends[2];

	*s = (struct spawner){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail("socketpair");
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_NAME, "rpnc spawner");
		ignore_signals();
		close_ours(ends[1]);
		spawner_serve(ends[1], run);
		_exit(0);
	}
	close(ends[1]);
	if (s->pid > 0) {
		s->fd = ends[0];
		return 0;
	}
	s->pid = 0;
	close(ends[0]);
	return fail("fork");
}

static int
request_send(int fd, const void *request, size_t length, const int *fds,
    int count)
{
	union control control = { .room = { 0 } };
	size_t bytes = sizeof(*fds) * (size_t)count;
	struct iovec part = { (void *)request, length };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = count ? &control : NULL,
		.msg_controllen = count ? CMSG_SPACE(bytes) : 0,
	};

	if (count) {
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(bytes), .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.header), fds, bytes);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/*
 * A program may have been started, so the answer must not be lost, nor be taken
 * for that of a later request: after many failures there is no later one.
 */
static ssize_t
answer_receive(const struct spawner *s, pid_t *answer)
{
	ssize_t n = -1;
	int error;

	for (int i = 0; n < 0 && i < TRIES; i++)
		n = recv(s->fd, answer, sizeof(*answer), 0);
	error = errno;
	if (n < 0)
		shutdown(s->fd, SHUT_RDWR);
	errno = error;
	return n;
}

pid_t
spawner_start(struct spawner *s, const void *request, size_t length,
    const int *fds, int count)
{
	pid_t answer;
	ssize_t n;

	if (request_send(s->fd, request, length, fds, count) < 0)
		return -1;
	n = answer_receive(s, &answer);
	if (n == sizeof(answer) && answer > 0)
		return answer;
	if (n >= 0)
		errno = n ? -answer : EPIPE;
	return -1;
}

void
spawner_close(struct spawner *s)
{
	if (!s->pid)
		return;
	close(s->fd);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*s = (struct spawner){ .fd = -1 };
}
