#include "base/child.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"

/* What we ignore is not for others to ignore, too. */
static int
attributes(posix_spawnattr_t *attr, const sigset_t *ours)
{
	sigset_t mask, defaults;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(ours, i) == 1)
			sigdelset(&mask, i);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_setsigmask(attr, &mask);
	posix_spawnattr_setsigdefault(attr, &defaults);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF);
}

int
child_start(struct child *c, char *const *argv, const sigset_t *ours)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error;

	*c = (struct child){ 0 };
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	error = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO,
	    STDOUT_FILENO);
	if (!error)
		error = attributes(&attr, ours);
	if (!error)
		error = posix_spawnp(&c->pid, argv[0], &files, &attr, argv,
		    environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (!error)
		return 0;
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
