#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/signals.h"

enum { FIRST_OTHER = STDERR_FILENO + 1 };

/*
 * From execve(2) on the child has no descriptor above 2. All of ours are
 * close-on-exec anyway; those that we inherited are not.
 */
static void
close_others(void)
{
	struct rlimit limit;

	if (close_range(FIRST_OTHER, ~0U, CLOSE_RANGE_CLOEXEC) == 0 ||
	    getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	for (rlim_t fd = FIRST_OTHER; fd < limit.rlim_cur; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

/* The child serves a socket of its own, and is independent of us. */
static void
child_separate(int socket)
{
	setsid();	/* so it has no terminal to stop it, either */
	dup2(socket, STDIN_FILENO);
	dup2(socket, STDOUT_FILENO);
	close_others();
	signals_reset();
}

static void
child_set_environment(const struct child_variable *v)
{
	unsetenv("NOTIFY_SOCKET");
	for (; v && v->name; v++)
		if (v->value)
			setenv(v->name, v->value, 1);
		else
			unsetenv(v->name);
}

/*
 * Runs in the child. All our descriptors are close-on-exec. posix_spawn(3) is
 * not used, because it could not restore a signal that was ignored.
 */
static void
child_become(const struct child_plan *plan, int report)
{
	int error;

	if (plan->files)
		setrlimit(RLIMIT_NOFILE, plan->files);
	child_set_environment(plan->environment);
	if (plan->socket) {
		child_separate(plan->socket);
	} else {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		signals_restore();
	}
	execvp(plan->argv[0], plan->argv);
	error = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(127);
}

/* Waits until the child runs its program: 0, or the errno why it can't. */
static int
child_await(int report)
{
	int error = 0;
	ssize_t n;

	do
		n = read(report, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

/* Records why the command can't be run. */
static int
child_fail(const char *command, int error)
{
	errno = error;
	fail("%.200s", command);
	return fail_status_set(STATUS_USAGE);
}

int
child_start(struct child *c, const struct child_plan *plan)
{
	int report[2], error;

	*c = (struct child){ 0 };
	if (pipe2(report, O_CLOEXEC) < 0)
		return fail("pipe");
	c->pid = fork();
	if (c->pid == 0)
		child_become(plan, report[1]);
	error = c->pid < 0 ? errno : 0;
	close(report[1]);
	if (!error)
		error = child_await(report[0]);
	close(report[0]);
	if (!error)
		return 0;
	if (c->pid > 0)
		waitpid(c->pid, NULL, 0);
	c->pid = 0;
	return child_fail(plan->argv[0], error);
}

/* Whether it is a program that we may run: 0, or an errno. */
static int
program_error(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* Looks for the command in the directories of path: 0, or an errno. */
static int
search_error(const char *path, const char *command)
{
	int error = ENOENT;
	char file[PATH_MAX];

	for (;; path++) {
		int length = (int)strcspn(path, ":"), one;

		snprintf(file, sizeof(file), "%.*s/%s", length ? length : 1,
		    length ? path : ".", command);
		one = program_error(file);
		if (!one)
			return 0;
		if (one == EACCES)
			error = one;
		path += length;
		if (!*path)
			return error;
	}
}

int
child_check(const char *command)
{
	const char *path = getenv("PATH");
	int error;

	if (!*command)
		error = ENOENT;
	else if (strchr(command, '/'))
		error = program_error(command);
	else	/* without PATH, execvp(3) looks in these */
		error = search_error(path ? path : "/bin:/usr/bin", command);
	return error ? child_fail(command, error) : 0;
}

bool
child_reap(struct child *c)
{
	if (c->pid && !c->ended)
		c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
	return c->ended;
}

void
child_signal(const struct child *c, int number)
{
	if (c->pid && !c->ended)
		kill(c->pid, number);
}
