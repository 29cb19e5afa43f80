#include "relay/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

int
ring_open(struct ring *r)
{
	*r = (struct ring){ .room = malloc(RING_SIZE) };
	return r->room ? 0 : fail("buffer");
}

void
ring_close(struct ring *r)
{
	free(r->room);
	r->room = NULL;
}

void
ring_add(struct ring *r, const char *data, size_t length)
{
	size_t at = r->head % RING_SIZE;
	size_t piece = length < RING_SIZE - at ? length : RING_SIZE - at;

	memcpy(r->room + at, data, piece);
	memcpy(r->room, data + piece, length - piece);
	r->head += length;
}

/* The CR may have been the last byte of the piece before: after_cr. */
void
ring_add_crlf(struct ring *r, const char *data, size_t length)
{
	while (length) {
		const char *lf = memchr(data, '\n', length);
		size_t n = lf ? (size_t)(lf - data) : length;

		ring_add(r, data, n);
		if (n)
			r->after_cr = data[n - 1] == '\r';
		if (lf) {
			ring_add(r, r->after_cr ? "\n" : "\r\n",
			    r->after_cr ? 1 : 2);
			r->after_cr = false;
			n++;
		}
		data += n;
		length -= n;
	}
}

char *
ring_restart(struct ring *r)
{
	r->head = 0;
	return r->room;
}

void
ring_take(struct ring *r, size_t length)
{
	r->head += length;
}

const char *
ring_at(const struct ring *r, uint64_t position, size_t *length)
{
	size_t at = position % RING_SIZE, left = RING_SIZE - at;

	*length = r->head - position < left ? (size_t)(r->head - position) :
	    left;
	return r->room + at;
}
