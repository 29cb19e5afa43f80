#ifndef GROUP_MEMBERS_H
#define GROUP_MEMBERS_H

#include "group/registry/registry.h"
#include "kernel/sockinfo.h"
#include "net/sock.h"

/* One port's members: the registry's, and those that only the kernel knows. */
struct port_member {
	int slot;			/* in the registry; -1: not rpnc's */
	char name[REGISTRY_NAME];		/* "" if slot is -1 */
	pid_t pid;			/* 0: we may not see it */
	uid_t uid;
	char command[17];		/* the process chose it: any bytes */
	int process_state;		/* letter of /proc/PID/stat; -1 unknown */
	enum slot_state state;
	struct counters counters;	/* if it has a slot */
	int sockets;			/* that listen here, by sock_diag(7) */
	uint32_t queue, limit;		/* accept queues, summed */
	uint64_t drops, inode;		/* inode: its first socket's */
	uint32_t open;			/* connections, if it is foreign */
};

struct members {
	int count;
	struct port_member *list;
};

/*
 * The pid of a slot's process in our PID namespace. If the process is in a
 * child namespace, /proc gives its pid in ours. 0: we can't see it.
 */
pid_t member_pid(struct sockinfo *, const struct slot *);

/*
 * Lists the members of the groups that set's sockets are in, joiners last. -1
 * if memory is short; the caller frees out->list.
 */
int members_list(struct sockinfo *, struct registry *, bool datagram,
    const struct sock_set *set, struct members *out);

#endif
