#ifndef RELAY_ZEROCOPY_H
#define RELAY_ZEROCOPY_H

#include "net/conn.h"

/*
 * Moves bytes between a descriptor and a connection in the kernel, if nothing
 * in this process has to see them. The descriptor's file type decides how.
 */
enum zerocopy_kind {
	ZEROCOPY_BUFFER,	/* not possible: read(2) and write(2) */
	ZEROCOPY_SENDFILE,	/* sendfile(2) from a regular file */
	ZEROCOPY_SPLICE,	/* splice(2) from a pipe, or into one */
	ZEROCOPY_DISCARD,	/* into the null device, by our own pipe */
};

enum zerocopy_result {
	ZEROCOPY_MOVED,		/* some bytes; there may be more */
	ZEROCOPY_END,		/* there will be no more */
	ZEROCOPY_EMPTY,		/* none now: wait for the source */
	ZEROCOPY_FULL,		/* wait for the destination's room */
	ZEROCOPY_URGENT,	/* urgent data is next: a read(2) skips it */
	ZEROCOPY_CONN_FAILED,	/* errno */
	ZEROCOPY_UNFIT,		/* kind is now BUFFER; no byte is lost */
};

struct zerocopy {
	enum zerocopy_kind kind;
	bool grown;		/* the pipe has been enlarged */
	int between[2];		/* ZEROCOPY_DISCARD's pipe */
};

/* How to move from fd to any connection, or from any connection to fd. */
struct zerocopy zerocopy_from(int fd);
struct zerocopy zerocopy_to(int fd);

void zerocopy_close(struct zerocopy *);

/* Moves what can be moved now, at most 1 MB; counts it in the connection. */
enum zerocopy_result zerocopy_in(struct zerocopy *, int from, struct conn *to);
enum zerocopy_result zerocopy_out(struct zerocopy *, struct conn *from, int to);

/*
 * Whether an errno of splice(2) or sendfile(2) only means that this call is not
 * possible here (a seccomp filter refuses it, or the file type does). The
 * connection may be well: read(2) and write(2) work, or give the true error.
 */
bool zerocopy_is_unfit(int error);

#endif
