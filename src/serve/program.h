#ifndef SERVE_PROGRAM_H
#define SERVE_PROGRAM_H

#include "base/child.h"
#include "net/backoff.h"
#include "net/conn.h"

/*
 * A command of the user that serves each connection, in a process of its own.
 * program.c has the states of such a session.
 */
struct program_run;

struct program {
	/* The caller fills these in. */
	struct loop *loop;
	char *const *argv;		/* NULL: there is no command */
	const char *name;		/* this member's; or NULL */
	struct rlimit files;		/* the command's: ours may be raised */
	unsigned limit;			/* most processes at once */
	/*
	 * Callbacks. A process has ended: conn, pid, status as in waitpid(2),
	 * and how long it ran, in microseconds.
	 */
	void (*on_exit)(struct program *, unsigned conn,
	    const struct child *, int64_t time);
	/* Bytes passed through us: c is about to be freed. */
	void (*on_closed)(struct program *, struct conn *c, enum reason);
	/*
	 * A session is over. in and out are 0 if we saw none of the bytes;
	 * counted: the connection's.
	 */
	void (*on_over)(struct program *, uint64_t in, uint64_t out,
	    struct source_count *counted);
	/* Takes over c, which can't be served; fail_text() says why. */
	void (*on_failed)(struct program *, struct conn *c);
	void (*on_wait)(struct program *);	/* fork(2) fails: fail_text() */
	/* No process can be started any more: fail_text(). */
	void (*on_spawner_killed)(struct program *);
	/* program.c fills in the rest. */
	struct spawner spawner;		/* starts the processes */
	struct program_run *runs;	/* sessions */
	struct conn *waiting;		/* until a process may start */
	unsigned count, processes;	/* runs; groups with a process */
	struct backoff backoff;		/* after fork(2) failed */
	int64_t reported;		/* when on_wait() was last called */
	struct timer kill;
	bool ending, abandons;
};

/* The fields and callbacks are set. -1: a fault. */
int program_init(struct program *);
/*
 * Takes over a connection, whose id is set, and starts a process for it now or
 * later.
 */
void program_add(struct program *, struct conn *c);
/* On SIGCHLD. */
void program_reap(struct program *);
/* Whether there are sessions, or connections that wait. */
bool program_is_busy(const struct program *);
/*
 * Ends all sessions: SIGTERM to the process groups, then SIGKILL. Runs the loop
 * meanwhile, until all have ended or somebody stops it.
 */
void program_end(struct program *);

#endif
