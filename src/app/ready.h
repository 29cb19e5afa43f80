#ifndef APP_READY_H
#define APP_READY_H

#include "net/sock.h"

/* Writes all addresses to fd, one a line, in one write(2), and closes it. */
void ready_write(int fd, const struct sock_set *set);

/* The service manager that started this process (sd_notify(3)). */
struct manager {
	struct addr to;			/* its socket */
	int fd;				/* ours, to send; -1: there is none */
	int64_t watchdog;		/* wants a sign of life so often, us; or 0 */
};

/*
 * Finds it by NOTIFY_SOCKET and WATCHDOG_USEC, and unsets these, so that
 * children do not inherit them. Before the sandbox.
 */
void manager_find(struct manager *);
void manager_close(struct manager *);
/* Sends a state, such as READY=1, if there is a manager. */
void manager_notify(const struct manager *, const char *state);
/* The same for READY=1, with the addresses as STATUS. */
void manager_notify_ready(const struct manager *, const struct sock_set *);

#endif
