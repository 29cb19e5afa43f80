/*
 * Forks a process for each connection. The child serves it and exits; the
 * parent keeps only its pid. If fork(2) fails, the connection is pending, and
 * no other is accepted, until a child ends or the pause of backoff.h is over.
 */
#include "serve/fork_model.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#include "base/container.h"
#include "base/fail.h"

enum { LIMIT_MAX = 1024 };

struct forked {
	pid_t pid;
	UT_hash_handle hh;
};

/* Forks a process for fd, and closes fd; -1: fd is still the caller's. */
static int
fork_model_begin(struct fork_model *f, int fd)
{
	struct forked *child = malloc(sizeof(*child));
	pid_t parent = getpid(), pid = child ? fork() : -1;

	if (pid < 0) {
		fail("fork for a connection");
		free(child);
		return -1;
	}
	f->begun++;
	if (pid == 0) {
		/* then check: the parent may have died before this call */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		_exit(f->run(f, fd));
	}
	close(fd);
	child->pid = pid;
	HASH_ADD(hh, f->children, pid, sizeof(child->pid), child);
	f->counters->accepted++;
	backoff_worked(&f->backoff);
	return 0;
}

/* fork(2) has failed: fd is pending, and the other clients stay queued. */
static void
fork_model_wait(struct fork_model *f, int fd)
{
	f->pending = fd;
	acceptor_pause(&f->acceptor);
	backoff_rest(&f->backoff, f->acceptor.loop);
	if (backoff_is_news(&f->reported))
		f->on_fault(f);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct fork_model *f = container_of(a, struct fork_model, acceptor);

	if (fork_model_begin(f, fd) < 0)
		fork_model_wait(f, fd);
}

static void
fork_model_retry(struct backoff *b)
{
	struct fork_model *f = container_of(b, struct fork_model, backoff);
	int fd = f->pending;

	if (fd < 0)
		return;
	backoff_cancel(b, f->acceptor.loop);
	f->pending = -1;
	if (fork_model_begin(f, fd) < 0)
		fork_model_wait(f, fd);
	else
		acceptor_resume(&f->acceptor);
}

static void
on_exhausted(struct acceptor *a)
{
	struct fork_model *f = container_of(a, struct fork_model, acceptor);

	f->on_fault(f);
}

unsigned
fork_model_limit(void)
{
	struct rlimit processes;

	if (getrlimit(RLIMIT_NPROC, &processes) < 0 ||
	    processes.rlim_cur / 2 > LIMIT_MAX)
		return LIMIT_MAX;
	return processes.rlim_cur < 4 ? 1 : (unsigned)processes.rlim_cur / 2;
}

int
fork_model_open(struct fork_model *f, struct loop *l,
    const struct sock_set *set, unsigned limit)
{
	f->pending = -1;
	f->backoff.on_end = fork_model_retry;
	f->acceptor.limit = limit;
	f->acceptor.on_accept = on_accept;
	f->acceptor.on_exhausted = on_exhausted;
	return acceptor_open(&f->acceptor, l, set);
}

void
fork_model_reap(struct fork_model *f)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		struct forked *child;

		HASH_FIND(hh, f->children, &pid, sizeof(pid), child);
		/* a child of the shell that then called exec(3) on rpnc */
		if (!child)
			continue;
		HASH_DEL(f->children, child);
		free(child);
		f->counters->closed++;
		acceptor_freed(&f->acceptor);
		fork_model_retry(&f->backoff);
	}
}

void
fork_model_close(struct fork_model *f)
{
	struct forked *child, *next;

	if (!f->acceptor.loop)
		return;
	backoff_cancel(&f->backoff, f->acceptor.loop);
	acceptor_close(&f->acceptor);
	if (f->pending >= 0)
		close(f->pending);
	HASH_ITER(hh, f->children, child, next) {
		HASH_DEL(f->children, child);
		free(child);
	}
}
