#ifndef RELAY_PIPE_POOL_H
#define RELAY_PIPE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Bytes of connections that this process passes on without seeing them
 * (splice(2)): only of those whose ops are direct.
 */
struct conn;

struct pipe {
	int in, out;
	size_t held;
};

enum { PIPE_BYTES = 256 * 1024 };

/* At most so many at once, which take descriptors from the connections. */
enum { PIPES_MAX = 64 };
struct pipe_pool {
	struct pipe *spare;		/* empty */
	int count;
	bool refused;			/* splice(2): there are none then */
};

/* An empty pipe, or NULL: there is none to be had, or only a small one. */
struct pipe *pipe_get(struct pipe_pool *);
/* p may be NULL; what it holds is lost. */
void pipe_put(struct pipe_pool *, struct pipe *p);
/* When all are put back. */
void pipe_pool_close(struct pipe_pool *);

/*
 * As conn_read() into an empty pipe. 0, EAGAIN and the errors of
 * zerocopy_is_unfit() say nothing about the connection: splice(2) may be unable
 * to move its data (urgent data, or a filter). Then conn_read() gives the
 * answer.
 */
ssize_t pipe_fill(struct pipe_pool *, struct pipe *, struct conn *from);
/*
 * As conn_flush(): writes what the pipe holds, or as much as goes now. Where
 * splice(2) is refused, the rest moves to the connection's queue.
 */
int pipe_drain(struct pipe_pool *, struct pipe *, struct conn *to);

#endif
