#ifndef PROBE_INSPECT_INSPECT_GROUP_H
#define PROBE_INSPECT_INSPECT_GROUP_H

#include <net/if.h>

#include "group/diagnose/port_sockets.h"
#include "group/steer/reconcile.h"
#include "report/group.h"

struct snapshot;

/* All that is known about one group, and the room for it. */
struct inspect_group {
	struct group_report report;
	struct addr address;
	struct group_member *members;
	struct member_found *texts;
	struct group_loss *losses;
	struct loss_found *loss_texts;
	struct group_flags flags;
	struct finding_list findings;
	char place[PORT_SOCKET_TEXT], interface[IF_NAMESIZE];
	char steering[MODE_TEXT];
	int at;				/* index of its first listening socket */
};

/*
 * Fills in the group, or the bound sockets, that `like` is one of. There are
 * `taken` snapshots; r has the listening sockets of the last one, with handles
 * to ask by, and maybe a registry. -1 without memory: call
 * inspect_group_free() even then.
 */
int inspect_group_fill(struct inspect_group *g, const struct snapshot *snapshots,
    int taken, struct port_sockets *p, const struct diag_sock *like);
/* Whether a program chooses the members: 0, 1, or -1: not known. */
void inspect_group_steered(struct inspect_group *, int steered);
void inspect_group_free(struct inspect_group *);

#endif
