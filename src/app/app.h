#ifndef APP_APP_H
#define APP_APP_H

#include <sys/signalfd.h>

#include "app/fold.h"
#include "app/settings.h"
#include "base/fail.h"
#include "base/loop.h"
#include "base/sink.h"
#include "net/conn.h"
#include "net/sock.h"
#include "report/event.h"

/* What every running command has: the loop, its streams and its signals. */
struct app {
	const struct settings *settings;
	struct loop loop;
	struct sink out, err;
	bool color;
	struct source signals;
	sigset_t signal_set;
	/* Where lines for people go: stderr, or above a prompt. */
	void (*print)(struct app *, const char *line, size_t length,
	    bool news);
	bool interactive;		/* everything is told */
	const char *worker;		/* whose connections are told, or NULL */
	uint64_t dumped;		/* bytes of input shown by emit_hex() */
	int ended_by;			/* the signal that ended us, or 0 */
	enum status status;
	void (*on_signal)(struct app *, const struct signalfd_siginfo *);
	struct fold peers;		/* of datagrams */
};

/*
 * Opens all of it: signals are blocked and read in the loop from here on
 * (INT, TERM, HUP, CHLD), and SIGPIPE is ignored.
 */
int app_open(struct app *, const struct settings *);

/* Reads one more signal in the loop. */
int app_catch(struct app *, int number);

/*
 * Ends the loop because of a signal. From then on a further signal ends the
 * process at once, wherever it is.
 */
void app_end_by(struct app *, int number);

/*
 * Writes out what is queued and gives back the status of the command. Then
 * the caller raises ended_by again: see signals_end_by().
 */
int app_close(struct app *);
/* In a child: lets go of the parent's, which goes on with it. */
void app_abandon(struct app *);

/* One line on stderr for the last fault; its status becomes the command's. */
void app_fault(struct app *);
/* The same, and the loop ends. */
void app_fatal(struct app *);
/* Tells --ready-fd and NOTIFY_SOCKET that all of set listens. */
void app_ready(struct app *, const struct sock_set *set);

/* "rpnc COMMAND: fault" in one line on stderr. */
void report_error(const char *command);

#endif
