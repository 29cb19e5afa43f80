#ifndef PROBE_ROLL_H
#define PROBE_ROLL_H

#include "group/board.h"
#include "probe/tally.h"

/* The board of the port that is probed: names, and what members count. */

struct roll {
	struct board *board;		/* NULL: there is none */
	uint32_t serial;		/* of the steering at the beginning */
	bool counts;			/* rows are the board's: --by board */
	uint64_t order[BOARD_SLOTS];	/* of members at the beginning */
	uint64_t before[BOARD_SLOTS];	/* what they had accepted */
	int row[BOARD_SLOTS];
};

/* Returns how many members there are, or -1 where there is no board. */
int roll_open(struct roll *, bool datagram, uint16_t port);
void roll_close(struct roll *);

/* Gives the rows of members the names that the board has for their pids. */
void roll_name(struct roll *, struct tally *);

/* Makes a row of each member. */
void roll_begin(struct roll *, struct tally *);
/* What they have accepted since. */
uint64_t roll_sum(const struct roll *);
/* Fills the rows in; returns whether members came or went meanwhile. */
bool roll_end(struct roll *, struct tally *);

#endif
