#ifndef RELAY_RING_H
#define RELAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The last RING_SIZE bytes of a stream that many read at their own pace:
 * positions count from the stream's start, and what lies more than a ring
 * behind the head is gone.
 */
enum { RING_SIZE = 1024 * 1024 };

struct ring {
	char *room;
	uint64_t head;		/* bytes so far */
	bool after_cr;		/* the last byte was a CR: ring_add_crlf() */
};

int ring_open(struct ring *);
void ring_close(struct ring *);

/* At most RING_SIZE bytes; _crlf makes CRLF of LF, so twice as many. */
void ring_add(struct ring *, const char *data, size_t length);
void ring_add_crlf(struct ring *, const char *data, size_t length);

/* What stands at a position, in one piece of *length bytes. */
const char *ring_at(const struct ring *, uint64_t position, size_t *length);

#endif
