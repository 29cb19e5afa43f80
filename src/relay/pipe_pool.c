#include "relay/pipe_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/conn.h"
#include "relay/zerocopy.h"

enum { PIPE_LEAST = 64 * 1024, PART = 16 * 1024 };

static void
pipe_free(struct pipe *p)
{
	close(p->in);
	close(p->out);
	free(p);
}

static struct pipe *
pipe_new(void)
{
	struct pipe *p;
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return NULL;
	p = malloc(sizeof(*p));
	if (!p) {
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}
	*p = (struct pipe){ .out = ends[0], .in = ends[1] };
	/* above pipe-user-pages-soft a user's pipes are small (pipe(7)) */
	if (fcntl(p->in, F_SETPIPE_SZ, PIPE_BYTES) >= 0 ||
	    fcntl(p->in, F_GETPIPE_SZ) >= PIPE_LEAST)
		return p;
	pipe_free(p);
	return NULL;
}

struct pipe *
pipe_get(struct pipe_pool *all)
{
	struct pipe *p = all->spare;

	if (all->refused)
		return NULL;
	all->spare = NULL;
	if (p || all->count == PIPES_MAX)
		return p;
	p = pipe_new();
	all->count += p != NULL;
	return p;
}

void
pipe_put(struct pipe_pool *all, struct pipe *p)
{
	if (!p)
		return;
	if (!p->held && !all->spare) {
		all->spare = p;
		return;
	}
	pipe_free(p);
	all->count--;
}

void
pipe_pool_close(struct pipe_pool *all)
{
	if (all->spare)
		pipe_free(all->spare);
	*all = (struct pipe_pool){ 0 };
}

ssize_t
pipe_fill(struct pipe_pool *all, struct pipe *p, struct conn *from)
{
	ssize_t n = splice(from->source.fd, NULL, p->in, NULL, PIPE_BYTES,
	    SPLICE_F_NONBLOCK);

	if (n > 0) {
		p->held = (size_t)n;
		conn_count(from, (size_t)n, 0);
	} else if (n < 0 && zerocopy_is_unfit(errno)) {
		all->refused = true;
	}
	return n;
}

/* splice(2) is refused: read(2) and send(2) move what the pipe holds. */
static int
pipe_unload(struct pipe *p, struct conn *to)
{
	char part[PART];

	while (p->held) {
		ssize_t n = read(p->out, part, sizeof(part));

		if (n <= 0)
			return -1;
		p->held -= (size_t)n;
		if (conn_send(to, part, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

int
pipe_drain(struct pipe_pool *all, struct pipe *p, struct conn *to)
{
	while (p->held) {
		ssize_t n = splice(p->out, NULL, to->source.fd, NULL, p->held,
		    SPLICE_F_NONBLOCK);

		if (n < 0 && zerocopy_is_unfit(errno)) {
			all->refused = true;
			return pipe_unload(p, to);
		}
		if (n < 0)
			return conn_would_wait(to) ? 0 : -1;
		p->held -= (size_t)n;
		conn_count(to, 0, (size_t)n);
	}
	return 0;
}
