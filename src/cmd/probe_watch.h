#ifndef CMD_PROBE_WATCH_H
#define CMD_PROBE_WATCH_H

#include "app/app.h"
#include "ops/watch.h"
#include "terminal/header.h"

/* rpnc probe --watch: what a run finds, while it goes on. */
struct probe_watch {
	struct watch watch;
	struct app *app;
	struct timer timer;
	struct header live;
	int64_t interval;
	bool drawn;			/* by live */
	bool seen, told;		/* a first look; a block of lines */
};

/*
 * From now on, until it is closed; the interval is set, and the run's results
 * are the monitor's. weights: --expect-weights. -1: a fault.
 */
int probe_watch_open(struct probe_watch *, struct app *, struct load *,
    const struct steering *weights);
/* Whether it was a signal of the terminal, and is done with. */
bool probe_watch_signal(struct probe_watch *, const struct signalfd_siginfo *);
/* What is shown stays. */
void probe_watch_close(struct probe_watch *);

#endif
