#ifndef NET_RETRY_H
#define NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* The last try begins at the end of --wait, and may take so long. */
enum { RETRY_LAST_US = 250 * 1000 };

/* Trying again until `end` (loop_now()): each pause (us) is twice the last. */
struct retry {
	int64_t end;
	int64_t pause, most;
};

/* Sleeps until the next try. false: the end is over, the last try was made. */
bool retry_sleep(struct retry *);

#endif
