#ifndef PROBE_WHO_PEER_NAME_H
#define PROBE_WHO_PEER_NAME_H

#include "probe/stats/tally.h"

/* Rows by names that peers give themselves: untrusted, of limited length. */

/* The row for "rpnc/1 name=A host=H pid=123 worker=0"; -1: none. */
int peer_of_greeting(struct tally *, const char *line, size_t length);

/* The row for what --match found; -1: none. */
int peer_of_reply(struct tally *, const char *name, size_t length);

#endif
