#ifndef CMD_LISTEN_PROGRAM_H
#define CMD_LISTEN_PROGRAM_H

#include "cmd/listen_server.h"

/* rpnc listen ... -- COMMAND: a program serves each connection. */

/* How many of the words are the COMMAND and its arguments; 0: there is none. */
int listen_program_words(const struct settings *, int count);
/*
 * Takes these words off *count, into the settings, and sets what follows from
 * them. -1: usage, also if there is no such program.
 */
int listen_program_take(struct settings *, int *count, char *const *words);

/* The program serves all clients. Before the limit of descriptors is raised. */
int listen_program_init(struct listen_server *);
/* Ends all programs, when the loop has ended; closes the listeners. */
void listen_program_end(struct listen_server *);

#endif
