#ifndef GROUP_REACH_PORT_GROUP_H
#define GROUP_REACH_PORT_GROUP_H

#include "group/reach/member_choice.h"
#include "group/reach/port_plan.h"
#include "group/registry/registry.h"
#include "kernel/sockinfo.h"

/*
 * The group of sockets that a client of an address meets, and which member
 * accepts from each of them.
 */
struct port_group_socket {
	uint64_t inode;
	pid_t pid;		/* that accepts; 0: not known, or several may */
	char name[REGISTRY_NAME];	/* "A"; "": not rpnc's */
	int worker;		/* of rpnc's; -1: none */
	char command[16 + 1];	/* the process chose it: any bytes */
	bool shared;		/* several processes accept from it */
	uint32_t weight;	/* its share of connections, relative */
	uint32_t uid;		/* the user that called socket(2) */
};

struct port_group {
	struct port_group_socket *at;
	int count;
	struct addr source;	/* clients on this host come from it; port 0 */
	bool steered;		/* a program of rpnc's chooses, not the hash */
	bool leaving;		/* only because a member is leaving */
};

/*
 * The address that this host connects to target from; len 0: it can't.
 * interface: SO_BINDTODEVICE, or NULL. It sends nothing.
 */
void port_group_source(const struct addr *target, const char *interface,
    struct addr *source);

/*
 * Lists the sockets that a client of the target would meet, where client is an
 * address that it could come from. Returns their count, or -1; the caller frees
 * list.
 */
int port_group_list(struct sock_diag *, int protocol, const struct addr *target,
    const struct addr *client, struct diag_sock **list);

/*
 * Finds the group of target, which is an address of this host, as a client that
 * comes from source (len 0: from where it connects) meets it. registry: the
 * port's, or NULL. Returns the number of its sockets, which may be 0, or -1: a
 * fault.
 */
int port_group_find(struct port_group *, struct sockinfo *, struct registry *,
    int protocol, const struct addr *target, const struct addr *source,
    const char *interface);
void port_group_free(struct port_group *);

/*
 * Whether a program of rpnc's chooses the members, as far as the registry
 * knows. One that a dead member has left behind is not known.
 */
bool port_group_is_steered(struct registry *);
/* Whether it does so only until a member has left. */
bool port_group_is_leaving(struct registry *);
/* Why the hash does not choose, as far as it was known; NULL: it does. */
const char *port_group_why_steered(const struct port_group *);
/*
 * Why the hash has not chosen. registry: the port's, or NULL; changed: whether
 * the group has other sockets now; steered: whether a program is left as the
 * only reason.
 */
const char *port_group_why_wrong(struct registry *, bool changed,
    bool *steered);
bool port_group_has_changed(const struct port_group *, struct sock_diag *,
    int protocol, const struct addr *target);

/* Whether the chosen member, and no other process, accepts from it. */
bool port_group_is_chosen(const struct port_group_socket *,
    const struct member_choice *);
/*
 * Of the sockets from which several processes accept: how many hold one, at
 * most; 0: there are no such sockets. chosen: whether the member is among them.
 */
int port_group_sharers(const struct port_group *, struct owners *,
    const struct member_choice *, bool *chosen);
/* Whether the processes of some sockets can't be seen: of another user. */
bool port_group_is_hidden(const struct port_group *);
/*
 * How many connections to make until a wanted socket must have had one: see
 * port_plan_tries(). each: every one of them.
 */
int port_group_tries(const struct port_group *, const struct port_plan *,
    bool each);
/* Whether a process that shares a socket is the chosen member. */
bool port_group_is_sharer(const struct member_choice *, pid_t pid);
/*
 * Records that no socket of target is the member's, which the user called text,
 * and whose they are. Returns -1.
 */
int port_group_fail_absent(const struct port_group *, const struct addr *target,
    const char *text);

#endif
