#ifndef GROUP_REACH_REACH_H
#define GROUP_REACH_REACH_H

#include "group/reach/member_choice.h"
#include "group/reach/port_group.h"
#include "group/reach/port_search.h"
#include "net/addr.h"

/*
 * Makes one connection that a given member of a port gets: see reach.c. The
 * caller connects; this chooses the source port, and finds out who has got the
 * connection.
 */

/* The way by which it is known that the member is reached. */
enum reach_how {
	REACH_PREDICTION,	/* the kernel's hash, asked before connecting */
	REACH_TRYING,		/* each connection was looked at */
	REACH_GREETING,		/* the same, by what the server sends first */
};
/* "prediction", "trying", "greeting" */
extern const char *const reach_names[];

struct reach {
	/* The caller's. */
	struct member_choice whom;
	const char *text;		/* the same, as the user typed it */
	bool datagram;
	const char *interface;		/* SO_BINDTODEVICE, or NULL */
	bool distant;			/* never ask this host's kernel */
	bool mute;			/* no greeting can be read */
	int64_t deadline;		/* loop_now() */
	/*
	 * Connects to target from source, whose port may be 0, or which may
	 * have len 0. -1: a fault; EADDRINUSE or EADDRNOTAVAIL in errno if that
	 * port can't be used.
	 */
	int (*connect)(struct reach *, const struct addr *target,
	    const struct addr *source);
	void *user;

	/* The result. */
	enum reach_how how;
	struct port_group_socket who;	/* the member, as far as it is known */
	bool seen;			/* it was seen to have accepted */
	int tries;			/* connections that were made */
	bool steered;			/* a program chooses, not the hash */
	const char *why;		/* the hash does not choose; or NULL */

	/* reach.c's. */
	struct sockinfo sockinfo;
	struct registry *registry;
	struct port_group group;
	struct port_search search;
	struct port_plan plan;
	int sharers;			/* of one socket, at most */
	bool shared;			/* the member shares its sockets */
};

/* Opens it for a port. reach_close() is called even after a failure. */
void reach_open(struct reach *, uint16_t port);
void reach_close(struct reach *);

/*
 * Whether the member can be looked for among the sockets that a client of
 * target meets: 1; 0: none is there, or target is another host's. -1: it is
 * none of these, and a fault says which they are. source: where the connection
 * comes from, its port 0; len 0: not given.
 */
int reach_aim(struct reach *, const struct addr *target,
    const struct addr *source);

/*
 * Connects to target until the member has got it. After reach_aim() has
 * returned 1, by the kernel; else by the greeting. Returns the descriptor; -1:
 * a fault.
 */
int reach_by_kernel(struct reach *, const struct addr *target);
int reach_by_greeting(struct reach *, const struct addr *target,
    const struct addr *source);

#endif
