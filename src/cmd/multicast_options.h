#ifndef CMD_MULTICAST_OPTIONS_H
#define CMD_MULTICAST_OPTIONS_H

#include "app/settings.h"

/*
 * Reads a server's address that is a multicast group, or SRC@GROUP: the source
 * goes to the settings, the group stays in the endpoint. -1: usage.
 */
int multicast_options(struct settings *, struct endpoint *);

/* Refuses a client's address that is SRC@GROUP. -1: usage. */
int multicast_options_client(const struct settings *, const struct endpoint *);

#endif
