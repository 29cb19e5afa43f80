#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/conn.h"
#include "net/path.h"
#include "net/ring.h"

struct relay;

/* A connection's part in a relay: what it is still owed, and how it ends. */
struct link {
	struct relay *relay;
	const struct ring *ring;
	struct conn *conn;
	struct timer timer;
	uint64_t sent;		/* position in the ring */
	bool shut_due;		/* half-close when up to date */
	bool ending;		/* the peer is done */
	bool blocked;		/* not read: out is full */
	bool stalled;		/* input waits for its socket's room */
	int broken;		/* errno of a failed write */
};

struct link *link_of(const struct conn *);

/* How much of the ring it is owed; a broken one nothing. */
uint64_t link_unsent(const struct link *);
/* The most that any is owed, or the least that one which isn't broken is. */
uint64_t links_unsent(const struct conn *list, bool most);
/* Whether nothing is owed to it, from the ring or else. */
bool link_is_up_to_date(const struct link *);

/* Waits for what can be done next: to read, to send. */
int link_watch(struct link *);

/* Sends what can be sent. Returns -1 if the link is broken by it. */
int link_send(struct link *);
/* A write failed (errno): nothing more is sent, but they are still read. */
int link_break(struct link *);

/* Sends what comes on fd, by a path, and notes what to wait for. */
enum path_result link_pump(struct link *, struct path *, int fd);

/* The peer has ended. */
void link_ended(struct link *);
/* Why there was an error or hang-up after the peer's end. */
int link_error(const struct link *);

/* Out is full: leaves the rest in the kernel, and a hang-up unheard. */
void link_block(struct link *, bool hung_up);

#endif
