#ifndef PROBE_INSPECT_INSPECT_H
#define PROBE_INSPECT_INSPECT_H

#include "net/addr.h"
#include "probe/inspect/snapshot.h"
#include "report/group.h"

/* The sockets on a port of this host, and their state; sends no packet. */

enum {
	INSPECT_SNAPSHOTS = 4,		/* judged together */
	INSPECT_GAP_US = 100 * 1000,	/* from one to the next */
};

struct inspect {
	bool datagram;
	uint16_t port;
	int family;			/* AF_UNSPEC: both */
	struct addr host;		/* only what takes its traffic */
	/* The rest is inspect.c's. */
	struct sockinfo sockinfo;
	struct snapshot snapshots[INSPECT_SNAPSHOTS];
	int taken;
	struct inspect_group *groups;
	int count;
};

/* The caller's fields are set. -1: the kernel can't be asked. */
int inspect_open(struct inspect *);
void inspect_close(struct inspect *);

/* Takes a snapshot; the last few are kept. */
int inspect_snapshot(struct inspect *);
/* Whether one more snapshot would not change the judgement. */
bool inspect_is_settled(const struct inspect *);

/* Judges the snapshots; the number of groups, or -1 without memory. */
int inspect_judge(struct inspect *);
/* One group, valid until the next judgement. */
struct group_report *inspect_group(struct inspect *, int index);
/* Adds to it whether a program chooses the members: 0, 1, or -1: not known. */
void inspect_steered(struct inspect *, int index, int steered);

#endif
