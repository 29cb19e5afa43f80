#ifndef SERVE_MEMBERSHIP_H
#define SERVE_MEMBERSHIP_H

#include "app/app.h"
#include "group/group_stats.h"
#include "group/registry/registry_events.h"
#include "group/steer/balance.h"
#include "net/unix_name.h"

/* A server's sockets, and its slot on the registry of their port. */
struct membership {
	struct sock_set set;
	struct registry *registry;
	int slot;
	char name[REGISTRY_NAME];	/* the slot's */
	bool named;			/* events show the name */
	struct unix_name unix_name;	/* a Unix socket's file, to remove */
	pid_t owner;			/* the process that removes it */
	char notice[600];		/* to emit, of opening; "": none */
	struct sockinfo sockinfo;
	struct group_stats stats;
	int64_t observed;		/* loop_now() of the stats */
	struct registry_events watch;	/* membership_events.c */
	struct balance balance;
	struct app *app;		/* while the registry is watched */
	/* to mend programs with; or NULL */
	const struct sock_set *listening;
	void (*on_change)(struct membership *);	/* members came or went */
	/* A new member replaces this one, which has to leave. */
	void (*on_replaced)(struct membership *, const char *why);
	bool replaced, lost;		/* reported; lost: the registry */
	const struct settings *settings;
	/* The caller's: access_hash(), and the sockets if settings inherit. */
	uint64_t access;
	struct activation *activation;
};

/*
 * Checks in the registry, if there is one, that --name and enough slots are
 * free. Called before joining: a member that exits at once resets the
 * connections it was given.
 */
int membership_check_registry(const struct settings *, uint16_t port);
/* Checks that the member that --replace names exists. */
int membership_check_replace(const struct settings *, const struct endpoint *e);

/*
 * Opens the sockets of e and claims a slot of that kind: with -r on the
 * registry of the port; without, or if that can't be opened, on a private one.
 * -1: see fail_text().
 */
int membership_open(struct membership *, const struct settings *,
    const struct endpoint *e, enum slot_kind kind);
struct slot *membership_slot(struct membership *);
/* Members of the group; own: how many of them are this server's workers. */
int membership_count(struct membership *, int own);
/* Emits the listening events, and notices about sockets that overlap. */
void membership_emit_start(struct membership *, struct app *, int own,
    int members);
/*
 * Asks the member that --replace names to leave. Called when this one serves
 * and watches the registry, so that it sees the other leave.
 */
void membership_replace(struct membership *, struct app *);
/* Before adopted sockets close: emits which process still has them. */
void membership_emit_holder(struct app *, const struct sock_set *listening);
/*
 * Watches the registry: emits events for members that come, go and change, and
 * with the set listening (or NULL) mends the program of a dead member. Ends
 * with membership_close().
 */
int membership_watch(struct membership *, struct app *,
    const struct sock_set *listening);
/*
 * Keeps the programs of the groups of these sockets right by balance_apply(),
 * and where the fewest connections decide by itself; slot has the counts.
 */
void membership_balance(struct membership *, struct app *,
    const struct sock_set *listening, int slot);
/*
 * Lists the group's members into p->stats, foreign ones (not rpnc's) included;
 * -1: see fail_text().
 */
int membership_observe(struct membership *);
/*
 * Waits until the programs of the group follow its steering, a second at most:
 * a server says only then that it is ready. It attaches them to the sockets of
 * set, or, if that is NULL, leaves it to the workers.
 */
void membership_settle(struct membership *, const struct sock_set *set);
/* After a leave: listens again on the same addresses. -1: see fail_text(). */
int membership_join(struct membership *);
/* Sets the group's steering from a text like --steer's; -1: a usage error. */
int membership_steer(struct membership *, const char *text);
/* Shows in the slot that -m's limit is reached: others steer around it. */
void membership_full(struct registry *, int slot, bool full);
/*
 * Fills a slot with what others see: weight and sockets, so that programs can
 * steer them, and which clients it admits.
 */
void membership_equip(struct membership *, int slot, const struct sock_set *);
/*
 * Connections accepted by all living members, this one included; 0: this one
 * has left the group.
 */
uint64_t membership_total(struct membership *);

/* Closes the registry and removes a Unix socket's name; not the sockets. */
void membership_close(struct membership *);
/* In a child: closes the descriptors that only the parent uses. */
void membership_abandon(struct membership *);

/* The options to open a server's sockets with. */
struct sock_options membership_options(const struct settings *);
/* "tcp", "mptcp", "udp", "unix", "unix seqpacket",
 * "unix datagram" */
const char *membership_protocol(const struct settings *, const struct addr *);
/* sock_listen(), but fail_text() also has the cause (bind_error.h). */
int membership_listen(struct sock_set *, const struct addr_list *want,
    const struct sock_options *);

#endif
