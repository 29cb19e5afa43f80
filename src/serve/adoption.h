#ifndef SERVE_ADOPTION_H
#define SERVE_ADOPTION_H

#include "app/settings.h"
#include "group/registry/registry.h"
#include "net/sock.h"

/* --adopt PID: serve on sockets of another process instead of new ones. */

/* Copies the sockets of --adopt's pid on the endpoint; -1: see fail_text(). */
int adoption_open(struct sock_set *out, const struct settings *,
    const struct endpoint *);
/*
 * If the sockets were taken from a member, marks its slot: when it leaves, it
 * must not change options of sockets that two processes share.
 */
void adoption_mark(struct registry *, const struct sock_set *);
/* "which is stopped": a clause about the process they were taken from. */
const char *adoption_state(const struct sock_set *);

/*
 * If another process still has the sockets, it keeps what is queued: text is
 * then "pid 42 (python3) still holds 127.0.0.1:9000". NULL: no process has.
 */
enum { ADOPTION_TEXT = 320 };
const char *adoption_holder(const struct sock_set *,
    char text[static ADOPTION_TEXT]);

#endif
