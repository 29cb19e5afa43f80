#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "group/registry/registry.h"
#include "relay/relay.h"
#include "report/scoreboard.h"
#include "terminal/prompt.h"

/* A session: a user at the prompt types to the connections of a relay. */

struct session;
struct prompt_command;

/* Functions of listen or connect for the slash commands; NULL: not offered. */
struct session_ops {
	void (*pause)(struct session *);
	void (*resume)(struct session *);
	int (*leave)(struct session *);		/* -1: see fail_text() */
	int (*join)(struct session *);
	void (*drain)(struct session *);
	void (*quit)(struct session *);
	int (*steer)(struct session *, const char *text);
	/* The members, valid until the next call; NULL: see fail_text(). */
	const struct scoreboard *(*group)(struct session *);
};

/* The start of a line from one connection, whose LF has not come yet. */
struct partial {
	unsigned conn;			/* the connection's id */
	size_t length;
	char text[1024];
};

struct session {
	struct prompt prompt;
	struct loop *loop;
	struct relay *relay;
	const struct session_ops *ops;
	const struct prompt_command *commands;
	void *user;
	bool server;			/* listen: many connections */
	bool crlf, hex, color;
	const char *name;		/* this member's, or "" */
	enum slot_state state;
	struct conn *focus;		/* gets what is typed; NULL: none */
	uint64_t accepted, total;	/* by us; by all, or 0: unknown */
	uint64_t denied;		/* of those by us */
	/* Events beyond ten a second are counted, and shown as a number. */
	struct timer fold;		/* ends this second */
	unsigned shown, folded;		/* in this second */
	struct partial partial;
	struct timer flush;		/* shows partial, if no LF comes */
};

/* Shows the prompt; the caller has filled in the fields from ops to name. */
int session_open(struct session *, struct loop *, struct relay *);
void session_close(struct session *);

/* Shows an event, one line, above the prompt; counts it if there are many. */
void session_print_event(struct session *, const char *line, size_t length);
/*
 * printf(3) above the prompt, for answers to the user: never counted. Lines
 * wider than the terminal are broken at blanks.
 */
void session_print(struct session *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void session_connected(struct session *, struct conn *);
/* The caller calls it just before the relay frees the connection. */
void session_closed(struct session *, const struct conn *);
/* Shows data of a connection, in whole lines if possible: see session.c. */
void session_data(struct session *, const struct conn *, const char *data,
    size_t length);
/* Shows the prompt again; the caller also calls it when the sink has room. */
void session_refresh(struct session *);

/* ^C: clears the line; quits if that is empty, or if end is true. */
void session_interrupt(struct session *, bool end);

/* The connection with that id, or NULL. */
struct conn *session_conn(struct session *, unsigned id);

/* A row of the table of slash commands, in commands.c. */
struct prompt_command {
	const char *name, *args, *help;		/* name NULL: the last row */
	bool server;				/* only for listen */
	void (*run)(struct session *, char *arg);
};
extern const struct prompt_command session_commands[];

#endif
