#ifndef REPORT_REACH_H
#define REPORT_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/member.h"
#include "report/field.h"

/* What a probe of given members has reached, as plain data. */

/* One listening socket, and the member that accepts from it. */
struct reach_row {
	struct member who;
	int64_t attempts, answered;	/* those that came to it */
	int64_t stopped;		/* at the end: 1 if by a signal; or -1 */
};

struct reach_report {
	const char *to;			/* the member; NULL: each socket */
	int64_t each;			/* attempts for each socket; or -1 */
	const char *how;		/* NULL: no attempt was made */
	uint64_t missed;		/* connections that came elsewhere */
	uint64_t unseen;		/* attempts known by prediction alone */
	bool datagram;
	bool steered;			/* the kernel's hash does not choose */
	const char *reason;		/* why it is not predicted; or NULL */
	bool over;			/* too many came elsewhere: it ended */
	int64_t answered;		/* sockets that answered all; or -1 */
	const struct reach_row *sockets;
	size_t socket_count;
};

/* Writes it for people, each sentence on a new line. */
void reach_human(FILE *out, const struct reach_report *, bool colored);

extern const struct field reach_fields[];	/* for struct reach_report */

#endif
