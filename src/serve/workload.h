#ifndef SERVE_WORKLOAD_H
#define SERVE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a request costs the process that serves it, so that a server which
 * only echoes behaves like one that has something to do.
 */
struct workload {
	int64_t work;			/* of CPU, each time, microseconds */
	int64_t stall;			/* asleep, microseconds */
	uint64_t every;			/* that many requests; 0: never */
	uint64_t requests;		/* of workers: not all at once */
};

/* "20ms:200" into stall and every; -1: usage. */
int workload_read(struct workload *, const char *text);

/* A request costs nothing but its answer. */
bool workload_is_light(const struct workload *);

/* One request: returns when all of it is borne. */
void workload_run(struct workload *);

#endif
