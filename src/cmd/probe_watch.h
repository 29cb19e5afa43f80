#ifndef CMD_PROBE_WATCH_H
#define CMD_PROBE_WATCH_H

#include "app/live_screen.h"
#include "ops/watch.h"

/* rpnc probe --watch: shows what a load finds, while it runs. */
struct probe_watch {
	struct watch watch;
	struct app *app;
	struct timer timer;
	struct live_screen screen;
	int64_t interval;		/* us */
	bool drawn;			/* by the header */
	bool seen;			/* the first look is done */
	bool printed;			/* a block of lines */
};

/*
 * Starts to show the load. The caller has set the interval, and passes each
 * result to watch_count(). weights: --expect-weights. -1: a fault.
 */
int probe_watch_open(struct probe_watch *, struct app *, struct load *,
    const struct steering *weights);
/* Handles SIGWINCH and SIGTSTP; false: it is another signal. */
bool probe_watch_signal(struct probe_watch *, const struct signalfd_siginfo *);
/* Ends it; the last table stays on the terminal. */
void probe_watch_close(struct probe_watch *);

#endif
