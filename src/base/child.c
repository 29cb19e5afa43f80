#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/signals.h"

/*
 * Runs in the child. All our descriptors are close-on-exec; only the user's
 * remain, such as 3>log or the jobserver of make(1). posix_spawn(3) is not
 * used, because it could not restore a signal that was ignored.
 */
static void
child_become(char *const *argv, int report)
{
	int error;

	dup2(STDERR_FILENO, STDOUT_FILENO);
	unsetenv("NOTIFY_SOCKET");
	signals_restore();
	execvp(argv[0], argv);
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

int
child_start(struct child *c, char *const *argv)
{
	int report[2], error;

	*c = (struct child){ 0 };
	if (pipe2(report, O_CLOEXEC) < 0)
		return fail("pipe");
	c->pid = fork();
	if (c->pid == 0)
		child_become(argv, report[1]);
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
	errno = error;
	fail("%.200s", argv[0]);
	return fail_status_set(STATUS_USAGE);
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
