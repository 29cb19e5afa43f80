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
#include "base/standard_fds.h"

/* A request to the spawner. */
struct child_request {
	char *const *argv;
	bool limited;			/* files is its limit */
	struct rlimit files;
	/* "NAME=value", or "NAME" to unset it, each with its 0 */
	size_t length;
	char environment[SPAWN_REQUEST - 128];
};
_Static_assert(sizeof(struct child_request) <= SPAWN_REQUEST, "fits");

enum { FD_REPORT, FD_SOCKET };		/* the descriptors with it */

/* Its standard output: the socket, as its input is, or else standard error. */
static int
child_connect(int socket)
{
	if (socket < 0)
		return dup2(STDERR_FILENO, STDOUT_FILENO);
	return dup2(socket, STDIN_FILENO) < 0 ? -1 :
	    dup2(socket, STDOUT_FILENO);
}

/* The child serves a socket of its own, and is independent of us. */
static void
child_separate(void)
{
	setsid();	/* so it has no terminal to stop it, either */
	/* ours are close-on-exec anyway; those that we inherited are not */
	fds_close_from(STDERR_FILENO + 1, true);
	signals_reset();
}

/*
 * These variables are for one process alone (sd_notify(3)). The spawner was
 * forked before we took them.
 */
static void
child_unset_manager(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void
child_set_environment(char *at, const char *end)
{
	child_unset_manager();
	while (at < end) {
		size_t length = strlen(at);
		char *value = strchr(at, '=');

		if (value)
			*value++ = '\0';
		if (value)
			setenv(at, value, 1);
		else
			unsetenv(at);
		at += length + 1;
	}
}

/*
 * Runs in the child. All our descriptors are close-on-exec. posix_spawn(3) is
 * not used, because it could not restore a signal that was ignored.
 */
static void
child_become(void *request, size_t length, const int fds[SPAWN_FDS])
{
	struct child_request *r = request;
	int error;

	(void)length;
	if (r->limited)
		setrlimit(RLIMIT_NOFILE, &r->files);
	child_set_environment(r->environment, r->environment + r->length);
	if (child_connect(fds[FD_SOCKET]) >= 0) {
		if (fds[FD_SOCKET] >= 0)
			child_separate();
		else
			signals_restore();
		execvp(r->argv[0], r->argv);
	}
	error = errno;
	(void)!write(fds[FD_REPORT], &error, sizeof(error));
	_exit(127);
}

int
child_spawner_open(struct spawner *s)
{
	return spawner_open(s, child_become);
}

/* Adds the variables to the request; -1: they are too long. */
static int
request_add_environment(struct child_request *r, const struct child_variable *v)
{
	for (; v && v->name; v++) {
		size_t room = sizeof(r->environment) - r->length;
		int n = snprintf(r->environment + r->length, room, "%s%s%s",
		    v->name, v->value ? "=" : "", v->value ? v->value : "");

		if ((size_t)n >= room) {
			errno = E2BIG;
			return -1;
		}
		r->length += (size_t)n + 1;
	}
	return 0;
}

/* Returns the pid; -1: errno says why. */
static pid_t
child_spawn(const struct child_plan *plan, int report)
{
	struct child_request r = {
		.argv = plan->argv, .limited = plan->files,
	};
	int fds[SPAWN_FDS] = { report, plan->socket };

	if (plan->files)
		r.files = *plan->files;
	if (request_add_environment(&r, plan->environment) < 0)
		return -1;
	return spawner_start(plan->spawner, &r, sizeof(r), fds,
	    plan->socket ? 2 : 1);
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

int
child_fail_spawner(const char *command)
{
	return fail_as(STATUS_NETWORK, "%.200s: the process that starts it "
	    "(rpnc spawner) was killed", command);
}

/* Records why the command can't be run. */
static int
child_fail(const char *command, int error)
{
	errno = error;
	if (error == EPIPE)
		child_fail_spawner(command);
	else
		fail("%.200s", command);
	return fail_status_set(STATUS_USAGE);
}

int
child_start(struct child *c, const struct child_plan *plan)
{
	int report[2], error = 0;
	pid_t pid;

	*c = (struct child){ 0 };
	if (pipe2(report, O_CLOEXEC) < 0)
		return fail("pipe");
	pid = child_spawn(plan, report[1]);
	if (pid < 0)
		error = errno;
	close(report[1]);
	if (!error)
		error = child_await(report[0]);
	close(report[0]);
	if (!error) {
		c->pid = pid;
		return 0;
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
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
