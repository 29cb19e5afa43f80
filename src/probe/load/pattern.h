#ifndef PROBE_LOAD_PATTERN_H
#define PROBE_LOAD_PATTERN_H

#include <regex.h>

/*
 * The time of one regexec(3) grows with the square of the text, with the copies
 * that repetitions make of their operands, and without limit if there are
 * back-references. The time of regcomp(3) also grows with the ways in which a
 * loop can match nothing. All are limited, so that no pattern and no reply stops
 * the loop for long.
 */
enum {
	PATTERN_COPIES = 512,	/* after all repetitions */
	PATTERN_WINDOW = 4096,	/* bytes that one search looks at */
	PATTERN_STEP = 2048,	/* new bytes between two searches */
};

/* Compiles the value of --OPTION; -1: a usage fault. */
int pattern_compile(regex_t *, const char *option, const char *text);

#endif
