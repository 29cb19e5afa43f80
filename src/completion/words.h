#ifndef COMPLETION_WORDS_H
#define COMPLETION_WORDS_H

#include <stdio.h>

#include "base/opt.h"

/* The words that depend on what runs now: a script asks for them. */

/* The name of a kind in the scripts; "-" of WORDS_NONE. */
const char *words_kind_name(enum opt_words);

/*
 * Writes the words of the kind with this name, each a line: the word, a tab and
 * what it is. words: those of the command line before the cursor; -u and a port
 * among them limit what is written. Words that a shell would have to quote are
 * left out, because another user may have chosen them. -1: no such kind.
 */
int words_write(FILE *out, const char *kind, int count, char *const *words);

#endif
