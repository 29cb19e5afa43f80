#ifndef RELAY_RING_H
#define RELAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The last RING_SIZE bytes of a stream, for many readers, each at its own pace.
 * A position is a number of bytes from the stream's start. Bytes more than
 * RING_SIZE behind the head are overwritten.
 */
enum { RING_SIZE = 1024 * 1024 };

struct ring {
	char *room;
	uint64_t head;		/* bytes so far */
	bool after_cr;		/* the last byte was a CR: ring_add_crlf() */
};

int ring_open(struct ring *);
void ring_close(struct ring *);

/*
 * Adds length bytes, at most RING_SIZE. _crlf turns LF into CRLF, unless a CR
 * came before it: at most RING_SIZE / 2, because length may double.
 */
void ring_add(struct ring *, const char *data, size_t length);
void ring_add_crlf(struct ring *, const char *data, size_t length);

/*
 * Forgets all: the next byte is at position 0. Returns where up to RING_SIZE
 * bytes may be put, which saves a copy; ring_take() adds so many of them.
 */
char *ring_restart(struct ring *);
void ring_take(struct ring *, size_t length);

/* The bytes at a position: *length of them, up to the head or the wrap. */
const char *ring_at(const struct ring *, uint64_t position, size_t *length);

#endif
