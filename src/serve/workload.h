#ifndef SERVE_WORKLOAD_H
#define SERVE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Synthetic work for each request (a read, or a datagram), so that an echo
 * server behaves like one that computes (--work) or stalls (--stall).
 */
struct workload {
	int64_t work;			/* CPU time of each request, us */
	int64_t stall;			/* sleep, us */
	uint64_t every;			/* a stall after so many; 0: never */
	uint64_t requests;		/* so far; workers start apart */
};

/* Parses "20ms:200" into stall and every; -1: a usage error. */
int workload_read(struct workload *, const char *text);

/* Whether there is no synthetic work at all. */
bool workload_is_light(const struct workload *);

/* Does the work of one request: uses CPU, or sleeps. */
void workload_run(struct workload *);

#endif
