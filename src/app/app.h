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

/* What every command works with: the loop, its streams, signals, events. */
struct desk {
	const struct settings *settings;
	struct loop loop;
	struct sink out, err;
	bool color;
	struct source signals;
	sigset_t signal_set;
	/* Where lines for people go: stderr, or above a prompt. */
	void (*print)(struct desk *, const char *line, size_t length,
	    bool news);
	bool interactive;		/* everything is told */
	const char *worker;		/* whose connections are told, or NULL */
	uint64_t dumped;		/* bytes of input shown by desk_hex() */
	int ended_by;			/* the signal that ended us, or 0 */
	enum status status;
	void (*on_signal)(struct desk *, const struct signalfd_siginfo *);
	struct fold peers;		/* of datagrams */
};

/*
 * Opens all of it: signals are blocked and read in the loop from here on
 * (INT, TERM, HUP, CHLD), and SIGPIPE is ignored.
 */
int desk_open(struct desk *, const struct settings *);

/* Reads one more signal in the loop. */
int desk_catch(struct desk *, int number);

/*
 * Ends the loop because of a signal. From then on a further signal ends the
 * process at once, wherever it is.
 */
void desk_end_by(struct desk *, int number);

/*
 * Writes out what is queued and gives back the status of the command. Then
 * the caller raises ended_by again: see signals_end_by().
 */
int desk_close(struct desk *);
/* In a child: lets go of the parent's, which goes on with it. */
void desk_abandon(struct desk *);

/* One line on stderr for the last fault; its status becomes the command's. */
void desk_fault(struct desk *);
/* The same, and the loop ends. */
void desk_fatal(struct desk *);
/* A fault that service survives: an error event. */
void desk_error(struct desk *);

/* Shows an event in the form that was asked for. */
void desk_tell(struct desk *, struct event *);

/* One notice on stderr; not with -q. */
void desk_notice(struct desk *, const char *text);
/* The same for so many datagrams that came and had no room. */
void desk_lost(struct desk *, uint32_t datagrams);

/* Events of connections. */
void desk_connected(struct desk *, const struct conn *);
/* The same with what a member has of all that its group accepted. */
void desk_accepted(struct desk *, const struct conn *, const char *name,
    uint64_t own, uint64_t total);
void desk_closed(struct desk *, const struct conn *, enum reason);
/* What a peer sent: as it is, escaped for a terminal, or as data events. */
void desk_payload(struct desk *, struct conn *, const void *, size_t);
/* A hex dump of it on stderr; conn NULL: to the peers. */
void desk_hex(struct desk *, const struct conn *, const void *, size_t);

/* Tells --ready-fd and NOTIFY_SOCKET that all of set listens. */
void desk_ready(struct desk *, const struct sock_set *set);

/* "rpnc COMMAND: fault" in one line on stderr. */
void complain(const char *command);

#endif
