#ifndef SERVE_ACTIVATION_H
#define SERVE_ACTIVATION_H

#include "app/settings.h"
#include "net/sock.h"

/*
 * Sockets that a service manager has opened: systemd (sd_listen_fds(3)), or
 * another, which the user names. activation.c says what becomes of them.
 */
struct activation {
	int count;
	int fd[ADDR_MAX];
	char name[ADDR_MAX][32];	/* LISTEN_FDNAMES; or "" */
	int connected;			/* one client's connection; -1: none */
};

/*
 * Takes over the descriptors of systemd, and unsets the variables that tell of
 * them. -1: a usage fault.
 */
int activation_take(struct activation *);
/* Whether the variables of a service manager are for this process. */
bool activation_is_ours(void);
/* Takes over one more, by its number. -1: a usage fault. */
int activation_take_number(struct activation *, const char *text);
/*
 * When all are taken: if there are any, sets s->inherits, and s->udp if all are
 * for datagrams. Finds the one connection. -1: a usage fault.
 */
int activation_sort(struct activation *, struct settings *s);
/* Gives those that fit the endpoint to out, and closes the others. -1: usage. */
int activation_open(struct activation *, struct sock_set *out,
    const struct settings *, const struct endpoint *);
/*
 * The manager may still have the sockets, and then keeps what is queued: text
 * for people. NULL: certainly no other process has them.
 */
enum { MANAGER_TEXT = 320 };
const char *activation_holder(const struct sock_set *,
    char text[static MANAGER_TEXT]);

#endif
