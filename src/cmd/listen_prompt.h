#ifndef CMD_LISTEN_PROMPT_H
#define CMD_LISTEN_PROMPT_H

#include "cmd/listen_server.h"

/* The commands that a person types at the prompt of rpnc listen. */

/* Checks that --live is possible here; -1: usage. */
int listen_prompt_check(const struct settings *);
/* Shows the prompt, whose commands act on the server. */
int listen_prompt(struct listen_server *);
/* Closes it; a member of a group prints what it has served. */
void listen_prompt_end(struct listen_server *);

#endif
