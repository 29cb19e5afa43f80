#ifndef PROBE_WHO_PEER_NAME_H
#define PROBE_WHO_PEER_NAME_H

#include "probe/stats/tally.h"

/* Rows by what a peer said of itself: untrusted, and of limited length. */

/* "rpnc/1 name=A host=H pid=123 worker=0": its row, or -1. */
int peer_of_greeting(struct tally *, const char *line, size_t length);

/* What --match found. */
int peer_of_reply(struct tally *, const char *name, size_t length);

#endif
