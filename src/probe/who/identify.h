#ifndef PROBE_WHO_IDENTIFY_H
#define PROBE_WHO_IDENTIFY_H

#include "net/addr.h"
#include "probe/stats/tally.h"
#include "probe/stats/verdict.h"
#include "probe/who/prediction.h"

/*
 * Asks the kernel which process answered; for servers on this host. See
 * identify.c for how reliable each answer is.
 */
struct identify;

enum observed {
	OBSERVED_FOUND,		/* accepted, by the process of *row */
	OBSERVED_HIDDEN,	/* accepted, by one that can't be seen (yet) */
	OBSERVED_QUEUED,	/* not accepted yet */
	OBSERVED_DEFERRED,	/* the server waits for data: see tcp(7) */
	OBSERVED_GONE,		/* closed, or not on this host */
};

/* NULL and a fault if sock_diag or /proc is not available. */
struct identify *identify_new(struct tally *, const struct origin *);
void identify_free(struct identify *);

/*
 * Aims at an address: finds the group that takes its traffic, and makes a row
 * for each member. Returns the number of sockets, which may be 0, or -1.
 */
int identify_aim(struct identify *, const struct addr *target);

/* Whether several processes of this host accept from one socket there. */
bool identify_is_shared(const struct origin *, const struct addr *target);

/* Whether any socket there listens. */
bool identify_has_group(const struct identify *);
/* Whether several do. */
bool identify_has_several(const struct identify *);

/*
 * Binds a socket that is not connected yet, and asks which listener will get
 * the connection. ours is its source: address and port may be left open, and
 * are filled in. Returns the inode of the listener, or 0 if it is not known;
 * ours->len is 0 if the socket could not be bound.
 */
uint64_t identify_predict(struct identify *, int fd, struct addr *ours);
/*
 * Wants connections for the sockets of a plan only: identify_predict() chooses
 * source ports that lead to these. NULL: for any. In either case each
 * prediction is verified, if it can be.
 */
struct port_plan;
void identify_want(struct identify *, struct port_plan *);
/*
 * Takes a predicted connection from the plan, and returns whether it has one;
 * or puts it back.
 */
bool identify_take(struct identify *, uint64_t inode);
void identify_give_back(struct identify *, uint64_t inode);
/* The row of that listener's process; -1: shared, or not known. */
int identify_row(struct identify *, uint64_t inode);

/*
 * Whether predictions should be verified on half-open connections, because the
 * server closes before its process can be looked up. If so, the caller connects
 * with TCP_DEFER_ACCEPT, which holds back the last packet of the handshake, and
 * calls identify_verify() before that packet is sent. It returns whether the
 * listener was seen, and sets inode to it.
 */
bool identify_wants_verifying(const struct identify *);
bool identify_verify(struct identify *, const struct addr *ours,
    uint64_t *inode);

/*
 * Finds the process that has the server's end of a connection. since
 * (clock_ns()) is before the connection began. Returns enum observed, or -1 if
 * nothing can be asked.
 */
int identify_observe(struct identify *, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *);
/* The same once a reply has come: finds the process that sent it. */
void identify_answer(struct identify *, const struct addr *ours,
    uint64_t predicted_inode, int64_t since, struct attempt_result *);
/*
 * Whether the server certainly waits for data before it accepts: its listener
 * has TCP_DEFER_ACCEPT, or that is unknown and its queue is not full, which
 * would be the only other cause of OBSERVED_DEFERRED.
 */
bool identify_is_deferred(struct identify *, uint64_t predicted_inode);
/* Whether a later call may find a process that is OBSERVED_HIDDEN. */
bool identify_is_hopeful(const struct identify *);

/* Compares the prediction with the process that accepted, if known. */
void identify_compare(struct identify *, uint64_t predicted_inode,
    struct attempt_result *);

struct identified {
	bool known;		/* every member of the group has a row */
	bool changed;		/* members came or went */
	bool shared;		/* several processes accept from one socket */
	bool handed;		/* the process that accepts hands on */
	bool predicted;		/* datagrams: the members are only predicted */
	int sockets;		/* in the group */
	bool apart;		/* no process has two of them */
	bool reliable;		/* the predictions, as far as they can be */
	bool hidden;		/* processes of other users */
	uid_t uid;		/* one of those */
	struct prediction_record record;	/* right and wrong ones */
	uint64_t voided;	/* predictions that were taken back */
};

/* The knowledge that a verdict can rest on. */
enum knowledge identified_knowledge(const struct identified *);

/* How far the hash says whose an attempt was that nobody answered. */
enum predicted identified_predicted(const struct identified *);
/*
 * Whether a program chooses the members: 1 if some connection went to another
 * one than the hash gives; 0 if enough went where it says, each socket being
 * another process's; -1 if that is not known.
 */
int identified_steered(const struct identified *);

/*
 * Looks at the group again. Returns 1 if members came (each has a row then) or
 * went, 0 if not, -1 if nothing can be asked. After a change, earlier
 * mispredictions are discarded: the change caused them. doubt: re-scan /proc,
 * for processes that came to hold the same sockets.
 */
int identify_follow(struct identify *, bool doubt);

/* The group is known to be steered: predictions by the hash are void. */
void identify_steered(struct identify *);

/*
 * Sets the weights of the rows to their numbers of sockets. The tally is the
 * one of identify_new(), after the last attempt, or a copy of it. Unreliable
 * predictions are taken back: see prediction_void().
 */
struct identified identify_end(struct identify *, struct tally *);

#endif
