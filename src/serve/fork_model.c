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
	struct source_count *counted;	/* its connection's */
	UT_hash_handle hh;
};

/* Forks a process for c, and frees c; -1: c is still the caller's. */
static int
fork_model_begin(struct fork_model *f, struct conn *c)
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
		_exit(f->run(f, c->source.fd));
	}
	child->pid = pid;
	child->counted = c->counted;
	conn_free(c);
	HASH_ADD(hh, f->children, pid, sizeof(child->pid), child);
	f->counters->accepted++;
	backoff_worked(&f->backoff);
	return 0;
}

/* fork(2) has failed: c is pending, and the other clients stay queued. */
static void
fork_model_wait(struct fork_model *f, struct conn *c)
{
	f->pending = c;
	acceptor_pause(&f->acceptor);
	backoff_rest(&f->backoff, f->acceptor.loop);
	if (backoff_is_due(&f->reported))
		f->on_fault(f);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct fork_model *f = container_of(a, struct fork_model, acceptor);
	struct conn *c = conn_adopt(a->loop, fd, &conn_stream);

	if (!c) {
		f->on_fault(f);
		close(fd);
		acceptor_freed(a);
	} else if (f->admits(f, c) && fork_model_begin(f, c) < 0) {
		fork_model_wait(f, c);
	}
}

static void
fork_model_retry(struct backoff *b)
{
	struct fork_model *f = container_of(b, struct fork_model, backoff);
	struct conn *c = f->pending;

	if (!c)
		return;
	backoff_cancel(b, f->acceptor.loop);
	f->pending = NULL;
	if (fork_model_begin(f, c) < 0)
		fork_model_wait(f, c);
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
	f->backoff.on_end = fork_model_retry;
	f->acceptor.limit = limit;
	f->acceptor.on_accept = on_accept;
	f->acceptor.on_exhausted = on_exhausted;
	return acceptor_open(&f->acceptor, l, set);
}

void
fork_model_reap(struct fork_model *f)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct forked *child;

		HASH_FIND(hh, f->children, &pid, sizeof(pid), child);
		/* a child of the shell that then called exec(3) on rpnc */
		if (!child)
			continue;
		HASH_DEL(f->children, child);
		f->on_left(f, child->counted, status);
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
	if (f->pending)
		conn_free(f->pending);
	HASH_ITER(hh, f->children, child, next) {
		HASH_DEL(f->children, child);
		free(child);
	}
}
