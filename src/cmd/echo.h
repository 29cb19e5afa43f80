#ifndef CMD_ECHO_H
#define CMD_ECHO_H

#include "cmd/display.h"
#include "cmd/farewell.h"
#include "cmd/place.h"
#include "serve/service.h"
#include "serve/worker.h"

enum { GREETING = 256 };

/* What rpnc echo works with, in a parent, a worker, or by itself. */
struct server {
	struct desk desk;		/* first */
	struct settings *settings;
	struct place place;
	struct service service;		/* of this process */
	struct sock_set live;		/* its sockets while it listens */
	struct farewell farewell;
	struct watch watch;		/* a worker's */
	struct display display;
	struct workers workers;
	struct sock_set *sets;		/* one a worker, while they start */
	int count;
	bool own_sockets, ending;
	int64_t started;
	char greeting[GREETING];
};

/* "A/3" */
void echo_worker_name(const struct server *, int index,
    char name[static BOARD_NAME]);
/* Tells what was done, of each worker. */
void echo_report(struct server *);

#endif
