#ifndef CMD_PROBE_AT_H
#define CMD_PROBE_AT_H

struct app;
struct settings;

/*
 * Waits until the time of --at, if it is given, by the time of day: a clock
 * that is set meanwhile counts. 0; 1: a signal came; -1: fault. The loop has
 * nothing else to do yet.
 */
int probe_at_wait(struct app *);

/*
 * Checks --at, before anything is opened; -1: usage, also if the time was over a
 * minute ago. A later one that has passed is waited for no longer.
 */
int probe_at_check(const struct settings *);

#endif
