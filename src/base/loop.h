#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/*
 * A descriptor that waits for events (epoll(7) masks). A regular file, which
 * epoll refuses, counts as always ready. It is embedded in its owner's struct;
 * the loop never owns it.
 */
struct source {
	int fd;
	uint32_t events;	/* watched; 0 and !watched: none */
	bool watched, unpollable;
	bool late;		/* epoll had no room: the loop tries again */
	bool urgent;		/* of events at one time its own come first */
	void (*on_event)(struct source *, uint32_t events);
	struct source *next;	/* in the list of ready or late ones */
};

/* A call at a time of loop_now(); it may set the timer again. */
struct timer {
	int64_t when;
	size_t at;		/* index in the heap, from 1; 0: not set */
	void (*on_timer)(struct timer *);
};

/* A call after each turn, when no event is left to handle. */
struct turn {
	void (*on_turn)(struct turn *);
};

struct loop {
	int epfd, next, count;
	bool stopped;
	bool busy;			/* never sleeps */
	int64_t spin;			/* polls this long before sleeping */
	int64_t last_event;		/* if it spins */
	struct epoll_event batch[128];
	struct source *ready, *ready_next, *late, *late_next;
	struct turn *turn;		/* NULL: none */
	struct timer **heap;
	size_t timers, room;
};

/* Microseconds: clock_ns() / 1000. */
int64_t loop_now(void);
/* The timeout for poll(2) until then; INT64_MAX: for ever (-1). */
int loop_ms_until(int64_t when);
/* poll(2) until then; a signal ends it, too. -1: it failed. */
int loop_poll(struct pollfd *, size_t n, int64_t deadline);

int loop_open(struct loop *);
void loop_close(struct loop *);
/*
 * In a forked child, before it removes anything: the epoll instance is shared,
 * and the parent goes on using it. Only loop_del(), loop_timer_cancel() and
 * loop_close() may follow.
 */
void loop_leave(struct loop *);

/*
 * Watches s for events; errors and hang-ups are always reported. If the kernel
 * has no memory for it now, the loop tries again until it has.
 */
int loop_watch(struct loop *, struct source *s, uint32_t events);
/* Forgets s: it is not called again, not even for events already read. */
void loop_del(struct loop *, struct source *s);
/*
 * The same, and closes s->fd, which may be -1. No other descriptor, here or in
 * another process, may be of the same open file: only then does epoll forget it
 * by itself (epoll(7), question 6).
 */
void loop_del_and_close(struct loop *, struct source *s);

int loop_timer_set(struct loop *, struct timer *, int64_t when);
void loop_timer_cancel(struct loop *, struct timer *);

/* Runs until loop_stop(). Returns -1 only if epoll itself fails. */
int loop_run(struct loop *);
void loop_stop(struct loop *);

#endif
