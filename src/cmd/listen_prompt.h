#ifndef CMD_LISTEN_PROMPT_H
#define CMD_LISTEN_PROMPT_H

#include "cmd/listen_server.h"

/* The commands that a person types at the prompt of rpnc listen. */

/* Whether the prompt that is asked for can be had; -1: usage. */
int listen_prompt_check(const struct settings *);
/* Shows the prompt, whose commands act on the server. */
int listen_prompt(struct listen_server *);
/* Closes it, with one last line on what a member did. */
void listen_prompt_end(struct listen_server *);

#endif
