#ifndef SERVE_MEMBERSHIP_H
#define SERVE_MEMBERSHIP_H

#include "app/app.h"
#include "group/group_stats.h"
#include "group/registry/registry_events.h"
#include "group/steer/reconcile.h"
#include "net/unix_name.h"

/* Where a server listens, and its slot on the registry of that port. */
struct membership {
	struct sock_set set;
	struct registry *registry;
	int slot;
	char name[REGISTRY_NAME];
	bool named;			/* by the user or the registry */
	struct unix_name local;	/* to remove at the end */
	pid_t owner;			/* who removes it */
	char notice[600];		/* why there is no registry, or "" */
	struct sockinfo sockinfo;
	struct group_stats stats;
	struct registry_events watch;
	struct reconcile reconcile;
	struct app *app;		/* while the registry is watched */
	const struct sock_set *live;	/* sockets to mend the group by */
	void (*on_change)(struct membership *);	/* members came or went */
	/* A new member has come in our place: we are to leave. */
	void (*on_replaced)(struct membership *, const char *why);
	bool replaced, lost;
	const struct settings *settings;
};

/* What a server can't be asked for; -1: usage. */
int membership_check(const struct settings *, const struct endpoint *e);
/*
 * Whether --name is free, and slots enough: the registry is asked, if there is
 * one. That is before anything is joined, as who joins and ends at once resets
 * what it was given.
 */
int membership_check_registry(const struct settings *, uint16_t port);
/* Whether whom --replace means is there. */
int membership_check_replace(const struct settings *, const struct endpoint *e);
/* And once it is known whether it is a group's member. */
int membership_check_member(const struct settings *, const struct endpoint *e);

/*
 * Opens the sockets of e and takes a slot of that kind (-r: on the registry of
 * the port; else, or where there can be no registry, a private one).
 */
int membership_open(struct membership *, const struct settings *,
    const struct endpoint *e, enum slot_kind kind);
struct slot *membership_slot(struct membership *);
/* How many members there are with the own ones of this process. */
int membership_count(struct membership *, int own);
/* The listening events. */
void membership_tell(struct membership *, struct app *, int own, int members);
/*
 * Has the member that --replace names leave, now that this one serves and
 * watches the registry: so its leaving is seen.
 */
void membership_replace(struct membership *, struct app *);
/* Who still has adopted sockets that are about to be closed. */
void membership_tell_holder(struct app *, const struct sock_set *live);
/*
 * Tells who comes and goes, on the desk, and mends what a dead one left
 * behind by the sockets of live (or NULL); closed with the place.
 */
int membership_watch(struct membership *, struct app *,
    const struct sock_set *live);
/*
 * The members now, this process's and foreign ones included, in
 * place->score; -1: see fail_text().
 */
int membership_look(struct membership *);
/* Listens again where the sockets were closed, on the same addresses. */
int membership_join(struct membership *);
/* The group's steering from now on, as --steer has it; -1: usage. */
int membership_steer(struct membership *, const char *text);
/* Takes -m's limit to the registry: others get what would wait here. */
void membership_full(struct registry *, int slot, bool full);
/* What a member's sockets and slot need to be steered by the registry. */
void membership_equip(struct registry *, const struct settings *, int slot,
    const struct sock_set *);
/*
 * What all living members, this one included, have accepted. 0: this one has
 * left the group, and has no share.
 */
uint64_t membership_total(struct membership *);

/* Closes the registry and removes a Unix socket's name; not the sockets. */
void membership_close(struct membership *);
/* In a child: lets go of what only the parent watches. */
void membership_abandon(struct membership *);

/* What the sockets of a place are opened with. */
struct sock_options membership_options(const struct settings *);
/* "tcp", "udp", "unix", "unix datagram" */
const char *membership_protocol(const struct settings *, const struct addr *);
/* sock_listen(), but a fault also tells its cause. */
int membership_listen(struct sock_set *, const struct addr_list *want,
    const struct sock_options *);

#endif
