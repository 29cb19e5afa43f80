#ifndef SERVE_ADOPTION_H
#define SERVE_ADOPTION_H

#include "app/settings.h"
#include "group/registry/registry.h"
#include "net/sock.h"

/* --adopt: another process's sockets in place of new ones. */

/* Takes those that are meant; -1: see adopt_sockets(). */
int adoption_open(struct sock_set *out, const struct settings *,
    const struct endpoint *);
/*
 * Tells the member of the registry that they were taken from, if it is one:
 * what a member does to its sockets when it leaves is not for those of two.
 */
void adoption_mark(struct registry *, const struct sock_set *);
/* "which is stopped", of the process that they were taken from. */
const char *adoption_state(const struct sock_set *);

/*
 * Who else has the sockets now, and so keeps what is queued: "pid 42 (python3)
 * still holds 127.0.0.1:9000"; NULL: nobody.
 */
enum { ADOPTION_TEXT = 320 };
const char *adoption_holder(const struct sock_set *,
    char text[static ADOPTION_TEXT]);

#endif
