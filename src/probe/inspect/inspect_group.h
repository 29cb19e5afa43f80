#ifndef PROBE_INSPECT_INSPECT_GROUP_H
#define PROBE_INSPECT_INSPECT_GROUP_H

#include <net/if.h>

#include "group/diagnose/port_sockets.h"
#include "group/steer/reconcile.h"
#include "report/group.h"

struct sample;

/* All that is known of one group of a survey, and the room for it. */
struct group_found {
	struct group_report report;
	struct addr address;
	struct group_member *members;
	struct member_found *texts;
	struct group_loss *losses;
	struct loss_found *loss_texts;
	struct group_flags flags;
	struct finding_list findings;
	char place[RIVAL_TEXT], interface[IF_NAMESIZE];
	char steering[STEERING_TEXT];
	int at;				/* its first one among the listening */
};

/*
 * Finds out about the group, or the bound sockets, of which like is one, by
 * the last so many samples. What listens in the last one is in the rivals,
 * too, with a lookout and maybe a registry. -1: no memory; found_free() is due
 * even then.
 */
int found_fill(struct group_found *g, const struct sample *samples, int taken,
    struct rivals *r, const struct diag_sock *like);
void found_free(struct group_found *);

#endif
