#ifndef CMD_VERSION_H
#define CMD_VERSION_H

#include <stdio.h>

/* Writes the version, and what is built in: --version. */
void version_print(FILE *out);

#endif
