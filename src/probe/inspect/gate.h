#ifndef PROBE_INSPECT_GATE_H
#define PROBE_INSPECT_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/group_flag.h"

struct group_report;

/* The flags that --group finds, and those that attempts find. */
enum {
	GATE_OF_GROUP = (1 << GROUP_FLAGS) - 1 - (1 << GROUP_SILENT),
	GATE_OF_ATTEMPTS = 1 << GROUP_STEERED | 1 << GROUP_SILENT,
};

/* What is expected of the groups of a port. */
struct gate {
	int64_t members;		/* of each group; -1: any number */
	unsigned flags;			/* bits of enum group_flag: none of it */
};

/*
 * Reads the names of flags, with commas between; "": all that can be. Returns
 * their bits; -1: a fault says which word is no flag that can be.
 */
int gate_flags(const char *text, unsigned can_be);

/* Whether any of these names is one of the flags. */
bool gate_finds(unsigned flags, const char *const *names);

/*
 * Whether the groups are as expected. If not, why is set: "127.0.0.1:9000: 8
 * sockets, 6 processes: wanted 8; 127.0.0.1:9000: STUCK (pid 4242)".
 */
enum { GATE_TEXT = 800 };
bool gate_is_met(const struct gate *, const struct group_report *const *,
    size_t count, char why[static GATE_TEXT]);

#endif
