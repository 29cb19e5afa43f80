#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "group/registry/registry.h"
#include "relay/relay.h"
#include "report/scoreboard.h"
#include "terminal/prompt.h"

/* A person at the prompt, talking to the connections of a relay. */

struct session;
struct prompt_command;

/* What the command does for the session; NULL where it can't. */
struct session_ops {
	void (*pause)(struct session *);
	void (*resume)(struct session *);
	int (*leave)(struct session *);		/* -1: see fail_text() */
	int (*join)(struct session *);
	void (*drain)(struct session *);
	void (*quit)(struct session *);
	int (*steer)(struct session *, const char *text);
	/* The group's members, until it is asked again; NULL: a fault. */
	const struct scoreboard *(*group)(struct session *);
};

/* Text without a line's end yet, of one connection. */
struct partial {
	unsigned conn;
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
	bool server;			/* listen: many, with a focus */
	bool crlf, hex, color;
	const char *name;		/* of the member, or "" */
	enum slot_state state;
	struct conn *focus;		/* NULL: none */
	uint64_t accepted, total;	/* by us; by all members */
	/* What comes too fast to be read is counted instead. */
	struct timer fold;
	int64_t second;
	unsigned shown, folded;
	struct partial partial;
	struct timer flush;
};

/* Shows the prompt, by the relay's sink; what is above has been filled in. */
int session_open(struct session *, struct loop *, struct relay *);
void session_close(struct session *);

/* One line of news above the prompt; folded when there are too many. */
void session_news(struct session *, const char *line, size_t length);
/* printf of lines that were asked for. */
void session_say(struct session *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void session_connected(struct session *, struct conn *);
void session_closed(struct session *, const struct conn *);
void session_data(struct session *, const struct conn *, const char *data,
    size_t length);
/* Shows the prompt as it is now; to call when the sink has room again, too. */
void session_refresh(struct session *);

/* ^C: clears the line, else, or to end for certain, quits. */
void session_interrupt(struct session *, bool end);

/* The connection of that id, or NULL. */
struct conn *session_conn(struct session *, unsigned id);

/* What a line with a slash does: commands.c has the rows. */
struct prompt_command {
	const char *name, *args, *help;		/* no name: the end */
	bool server;				/* listen only */
	void (*run)(struct session *, char *arg);
};
extern const struct prompt_command session_commands[];

#endif
