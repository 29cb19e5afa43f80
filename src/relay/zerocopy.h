#ifndef RELAY_ZEROCOPY_H
#define RELAY_ZEROCOPY_H

#include "net/conn.h"

/*
 * How the kernel carries bytes between a descriptor and a connection whose
 * bytes nobody here has to see. Which way it is depends on the descriptor.
 */
enum zerocopy_kind {
	ZEROCOPY_BUFFER,		/* none: it takes a read and a write */
	ZEROCOPY_SENDFILE,		/* from a regular file */
	ZEROCOPY_SPLICE,		/* from a pipe, or into one */
	ZEROCOPY_DISCARD,	/* into the null device, by a pipe of our own */
};

enum zerocopy_result {
	ZEROCOPY_MOVED,		/* some bytes; there may be more */
	ZEROCOPY_END,		/* there will be no more */
	ZEROCOPY_EMPTY,		/* none now: wait for where they come from */
	ZEROCOPY_FULL,		/* wait for where they go to */
	ZEROCOPY_URGENT, /* urgent data is in the way: a read passes it */
	ZEROCOPY_CONN_FAILED,	/* errno */
	ZEROCOPY_UNFIT,	/* ZEROCOPY_BUFFER from now on; nothing was lost */
};

struct zerocopy {
	enum zerocopy_kind kind;
	bool grown;		/* the pipe */
	int between[2];		/* ZEROCOPY_DISCARD's */
};

/* The way from a descriptor to any connection, or from any to a descriptor. */
struct zerocopy zerocopy_from(int fd);
struct zerocopy zerocopy_to(int fd);

void zerocopy_close(struct zerocopy *);

/* Moves what can be moved now, one large piece at most. */
enum zerocopy_result zerocopy_in(struct zerocopy *, int from, struct conn *to);
enum zerocopy_result zerocopy_out(struct zerocopy *, struct conn *from, int to);

/*
 * Whether an errno of splice(2) or sendfile(2) only means that this call is not
 * possible here (a filter refuses it, a descriptor is unfit). It says nothing
 * about the connection: read(2) and write(2) work, or give the true error.
 */
bool zerocopy_is_unfit(int error);

#endif
