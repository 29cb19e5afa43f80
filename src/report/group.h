#ifndef REPORT_GROUP_H
#define REPORT_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/member.h"
#include "net/addr.h"
#include "report/field.h"
#include "report/finding.h"
#include "report/group_flag.h"
#include "report/table.h"

/* A group of a port, as plain data. Unknown values are NULL, -1 or NAN. */

/* A socket. */
struct group_member {
	int64_t index;
	struct member who;
	const char *user;
	int64_t holders;		/* processes that hold it */
	int64_t queue, limit;		/* connections; datagrams: bytes */
	int64_t half_open, drops;
	double oldest_wait;
	const char *state;
	int64_t reuseport, reuseaddr;
	int64_t mptcp;			/* it is an MPTCP socket's */
	const char *const *flags;
};

struct group_loss {
	const char *traffic, *to;
};

struct group_report {
	const char *protocol;
	const struct addr *address;
	const char *interface;
	int64_t v6only;
	const struct group_member *members;
	size_t member_count;
	int64_t sockets;		/* those that listen */
	int64_t processes;		/* that may accept from them */
	double oldest_wait;		/* in any member's queue */
	const char *steering;
	int64_t steered;		/* a program chooses, not the hash */
	const struct group_loss *losses;
	size_t loss_count;
	const char *const *flags;	/* the group's and its members' */
	const struct finding *finding;	/* the first of these; NULL: none */
	const char *verdict;		/* the kind of finding, or NULL */
	/* for people only */
	const struct finding_list *findings;
	const char *place;
	bool further;			/* another group stands above it */
};

extern const struct field group_fields[];	/* for struct group_report */

/*
 * Writes the group for people, in lines of this width if possible, without the
 * last newline.
 */
void group_human(FILE *out, const struct group_report *,
    const struct table_style *);

#endif
