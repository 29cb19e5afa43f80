#ifndef APP_APP_H
#define APP_APP_H

#include <sys/signalfd.h>

#include "app/event_file.h"
#include "app/rate_limit.h"
#include "app/ready.h"
#include "app/settings.h"
#include "base/fail.h"
#include "base/loop.h"
#include "base/sink.h"
#include "net/conn.h"
#include "net/sock.h"
#include "report/event.h"
#include "report/table.h"

/* A running command: its loop, its streams and its signals. */
struct app {
	const struct settings *settings;
	struct loop loop;
	struct sink out, err;
	bool color;			/* of lines on stderr */
	struct table_style style;	/* of reports on stdout; emit measures
					 * its columns */
	struct source signals;
	sigset_t signal_set;
	/*
	 * Prints lines for people: on stderr, or above a prompt. news: if too
	 * many come, a prompt may only count them.
	 */
	void (*print)(struct app *, const char *line, size_t length,
	    bool news);
	bool interactive;		/* at a prompt: shows every event */
	const char *worker;		/* name in connection events, or NULL */
	uint64_t dumped;		/* bytes of input shown by emit_hex() */
	int ended_by;			/* the signal that ended us, or 0 */
	enum status status;
	int output_error;		/* why stdout took no more, or 0 */
	bool forked;			/* the parent reports that instead */
	void (*on_signal)(struct app *, const struct signalfd_siginfo *);
	struct event_file events;
	struct manager manager;		/* of a server */
	struct timer watchdog;		/* for the manager */
	struct rate_limit peers;	/* limits lines of many clients */
};

/*
 * Opens the loop and the streams. From here on INT, TERM, HUP and CHLD are
 * blocked and read in the loop, and PIPE is ignored.
 */
int app_open(struct app *, const struct settings *);

/* Reads one more signal in the loop. */
int app_catch(struct app *, int number);

/*
 * Ends the loop because of a signal. After that, a further signal ends the
 * process at once, whatever it is doing.
 */
void app_end_by(struct app *, int number);

/* Whether a signal has come that the loop has not read yet. */
bool app_has_signal(const struct app *);

/*
 * Writes out what is queued, closes everything and returns the command's
 * status. The caller then passes ended_by to signals_end_by().
 */
int app_close(struct app *);
/*
 * In the parent, for each child that app_close() has ended: status is that of
 * waitpid(2). True if the child ended because stdout takes no more, which then
 * is reported once, as the fault of this process.
 */
bool app_child_lost_output(struct app *, int status);
/* In a forked child: closes its copies of what the parent goes on using. */
void app_abandon(struct app *);

/* Prints the last fault on stderr; its status becomes the command's. */
void app_fault(struct app *);
/* Prints a line of ours; at a prompt broken at blanks if it is too wide. */
void app_print(struct app *, const char *line, bool news);
/* The same, and ends the loop. */
void app_fatal(struct app *);
/*
 * Reports to --ready-fd and to the service manager that all of set listens.
 * From here on the manager gets signs of life, if it wants them.
 */
void app_ready(struct app *, const struct sock_set *set);
/* Reports to the manager that the server ends; only the first call counts. */
void app_stopping(struct app *);

/* Prints "rpnc COMMAND: fault", one line on stderr. */
void report_error(const char *command);

#endif
