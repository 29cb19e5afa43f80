#include "serve/forks.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"

static void
on_accept(struct acceptor *a, int fd)
{
	struct forks *f = (struct forks *)a;
	pid_t parent = getpid(), pid;

	f->begun++;
	pid = fork();
	if (pid == 0) {
		/* the parent may have died before this took effect */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		_exit(f->run(f, fd));
	}
	close(fd);
	if (pid > 0) {
		f->counters->accepted++;
		return;
	}
	fail("fork for a connection");
	f->on_fault(f);
	acceptor_freed(a);
}

static void
on_exhausted(struct acceptor *a)
{
	struct forks *f = (struct forks *)a;

	f->on_fault(f);
}

int
forks_open(struct forks *f, struct loop *l, const struct sock_set *set,
    unsigned limit)
{
	f->acceptor.limit = limit;
	f->acceptor.on_accept = on_accept;
	f->acceptor.on_exhausted = on_exhausted;
	return acceptor_open(&f->acceptor, l, set);
}

void
forks_reap(struct forks *f)
{
	while (waitpid(-1, NULL, WNOHANG) > 0) {
		f->counters->closed++;
		acceptor_freed(&f->acceptor);
	}
}

void
forks_close(struct forks *f)
{
	if (f->acceptor.loop)
		acceptor_close(&f->acceptor);
}
