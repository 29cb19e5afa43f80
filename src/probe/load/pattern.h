#ifndef PROBE_LOAD_PATTERN_H
#define PROBE_LOAD_PATTERN_H

#include <regex.h>

/*
 * What regexec(3) needs for one search grows with the square of the text, with
 * the copies that repetitions make of their operand, and without limit where
 * there are back-references. All three are kept small, so that no pattern and
 * no reply keep the loop from its other work for long.
 */
enum {
	PATTERN_COPIES = 512,	/* of all that a pattern consists of */
	PATTERN_WINDOW = 4096,	/* bytes that one search looks at */
	PATTERN_STEP = 2048,	/* new bytes between two searches */
};

/* Compiles the value of --OPTION; -1: a usage fault. */
int pattern_compile(regex_t *, const char *option, const char *text);

#endif
