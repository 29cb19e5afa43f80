#ifndef SERVE_CONFINE_H
#define SERVE_CONFINE_H

#include "app/confine.h"

struct membership;

/*
 * app_confine() for a process of a server, which may remove the file of its
 * Unix socket at the end. The settings tell whether it looks at a group.
 */
int server_confine(struct app *, const struct membership *, unsigned keeps);

#endif
