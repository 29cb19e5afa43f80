#ifndef PROBE_WHO_IDENTIFY_H
#define PROBE_WHO_IDENTIFY_H

#include "net/addr.h"
#include "probe/stats/tally.h"
#include "probe/stats/verdict.h"
#include "probe/who/prediction.h"

/*
 * Which process answered, asked of the kernel: for servers on this host.
 * See identify.c for how far each answer can be trusted.
 */
struct identify;

enum look {
	LOOK_FOUND,	/* accepted, by the process of *row */
	LOOK_HIDDEN,	/* accepted, by a process that we can't see (yet) */
	LOOK_QUEUED,	/* not accepted yet */
	LOOK_DEFERRED,	/* the server waits for data (TCP_DEFER_ACCEPT) */
	LOOK_GONE,	/* closed by the server, or never of this host */
};

/* NULL with a fault where sock_diag or /proc can't be had. */
struct identify *identify_new(struct tally *, const struct origin *);
void identify_free(struct identify *);

/*
 * Aims at an address: finds the group that takes its traffic and makes a row
 * of each member. Returns how many sockets there are, 0 included, or -1.
 */
int identify_aim(struct identify *, const struct addr *target);

/* Whether several processes of this host accept from the one socket there. */
bool identify_is_shared(const struct origin *, const struct addr *target);

/* Whether any socket there listens. */
bool identify_has_group(const struct identify *);

/*
 * Binds a socket that is not connected yet and asks which listener would get
 * it. ours is where it is to come from, each part of which may be left open,
 * and is filled in. Returns that listener's inode; 0 where that is
 * not known, len of ours being 0 if it was not even bound.
 */
uint64_t identify_predict(struct identify *, int fd, struct addr *ours);
/* The row of that listener; -1: shared, or not known. */
int identify_row(struct identify *, uint64_t inode);

/*
 * Whether it is time to see which listener gets connections in fact, as the
 * server closes before it could be seen who accepted them. Then the socket is
 * to be connected with TCP_DEFER_ACCEPT, by which the handshake's last
 * packet is held back, and identify_verify() to be called before it is sent.
 * Returns whether it could be seen, in inode.
 */
bool identify_wants_verifying(const struct identify *);
bool identify_verify(struct identify *, const struct addr *ours,
    uint64_t *inode);

/*
 * Finds the process that has the server's end of a connection, which did not
 * exist before since (clock_ns()). foreseen: the predicted listener, or 0. -1:
 * nothing can be asked.
 */
int identify_look(struct identify *, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *);
/* The same once a reply has come: who sent it. */
void identify_answer(struct identify *, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *);
/*
 * Whether the server is certain to wait for data before it accepts: its
 * listener is known to, or LOOK_DEFERRED has no other possible cause (a full
 * queue).
 */
bool identify_is_deferred(struct identify *, uint64_t predicted_inode);
/* Whether it pays to look again at what is LOOK_HIDDEN. */
bool identify_is_hopeful(const struct identify *);

/* Compares the prediction with the process that accepted, if known. */
void identify_learn(struct identify *, uint64_t predicted_inode,
    struct attempt_result *);

struct identified {
	bool known;		/* who is in the group, and each has a row */
	bool changed;		/* it is another group than it was */
	bool shared;		/* several accept from one and the same socket */
	bool handed;		/* another process answers than accepts */
	bool predicted;		/* datagrams: the members are only predicted */
	int sockets;		/* that there are in the group */
	bool hidden;		/* processes of other users */
	uid_t uid;		/* one of those */
	struct prediction_record record;	/* of predictions */
	uint64_t voided;	/* how many of them were taken back */
};

/* How far a verdict can rest on that. */
enum knowledge identified_knowledge(const struct identified *);

/*
 * Looks at the group again. Returns 1 if there are others in it than there
 * were, each of whom has a row, 0 if not, -1 if nothing can be asked. What was
 * predicted wrongly before a change is forgotten: the change was its cause.
 * With doubt it also looks for processes that came to hold the same sockets.
 */
int identify_follow(struct identify *, bool doubt);

/* Somebody is known to steer, so that nothing is as the hash has it. */
void identify_steered(struct identify *);

/*
 * Weighs rows by their sockets: its tally's, after the last attempt, or those
 * of a copy. Where predictions have been wrong, or too few of them are known to
 * be right, they are taken back: they count as unattributed, or as queued
 * somewhere.
 */
struct identified identify_end(struct identify *, struct tally *);

#endif
