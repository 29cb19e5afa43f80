#ifndef RELAY_ZEROCOPY_H
#define RELAY_ZEROCOPY_H

#include "net/conn.h"

/*
 * How the kernel carries bytes between a descriptor and a connection whose
 * bytes nobody here has to see. Which way it is depends on the descriptor.
 */
enum path_kind {
	PATH_BUFFER,		/* none: it takes a read and a write */
	PATH_SENDFILE,		/* from a regular file */
	PATH_SPLICE,		/* from a pipe, or into one */
	PATH_DISCARD,		/* into the null device, by a pipe of our own */
};

enum path_result {
	PATH_MOVED,		/* some bytes; there may be more */
	PATH_END,		/* there will be no more */
	PATH_EMPTY,		/* none now: wait for where they come from */
	PATH_FULL,		/* wait for where they go to */
	PATH_URGENT,		/* urgent data is in the way: a read passes it */
	PATH_CONN_FAILED,	/* errno */
	PATH_UNFIT,		/* PATH_BUFFER from now on; nothing was lost */
};

struct path {
	enum path_kind kind;
	bool grown;		/* the pipe */
	int between[2];		/* PATH_DISCARD's */
};

/* The way from a descriptor to any connection, or from any to a descriptor. */
struct path path_from(int fd);
struct path path_to(int fd);

void path_close(struct path *);

/* Moves what can be moved now, one large piece at most. */
enum path_result path_in(struct path *, int from, struct conn *to);
enum path_result path_out(struct path *, struct conn *from, int to);

/*
 * Whether an errno of splice(2) or sendfile(2) only means that this call is not
 * possible here (a filter refuses it, a descriptor is unfit). It says nothing
 * about the connection: read(2) and write(2) work, or give the true error.
 */
bool path_is_unfit(int error);

#endif
