#ifndef RELAY_PIPE_POOL_H
#define RELAY_PIPE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Pipes by which splice(2) returns a connection's bytes without copying them to
 * this process. Only for connections whose ops are direct.
 */
struct conn;

struct pipe {
	int in, out;
	size_t held;			/* bytes in the pipe */
};

enum { PIPE_BYTES = 256 * 1024 };

/* Each pipe takes two descriptors, which connections then can't have. */
enum { PIPES_MAX = 64 };
struct pipe_pool {
	struct pipe *spare;		/* empty */
	int count;
	bool refused;			/* splice(2) failed: use no pipes */
};

/* An empty pipe, or NULL: none is free, or only a small one, or refused. */
struct pipe *pipe_get(struct pipe_pool *);
/* p may be NULL; bytes in it are lost. */
void pipe_put(struct pipe_pool *, struct pipe *p);
/* Frees the spare pipe; all others must have been put back. */
void pipe_pool_close(struct pipe_pool *);

/*
 * Like conn_read(), into an empty pipe. After 0, EAGAIN or an error of
 * zerocopy_is_unfit() the caller must call conn_read(): splice(2) may be unable
 * to move the data (urgent data, or a seccomp filter), and the connection may
 * still have some. After EINTR the connection is as before: the next event
 * reads it again.
 */
ssize_t pipe_fill(struct pipe_pool *, struct pipe *, struct conn *from);
/*
 * Like conn_flush(): writes what the pipe holds, as far as the socket takes it.
 * If splice(2) is refused, the rest moves to the connection's queue.
 */
int pipe_drain(struct pipe_pool *, struct pipe *, struct conn *to);

#endif
