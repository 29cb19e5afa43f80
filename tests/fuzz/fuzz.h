#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the targets share. A target gives foreign bytes to the functions that
 * read them: it must neither crash nor hang, and aborts if they contradict each
 * other. make fuzz links each target with libFuzzer; for make check all are in
 * tests/unit/test_corpora.c, under the names of their files.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* For what must be so, whatever the bytes are. */
#define HOLDS(what) ((what) ? (void)0 : abort())

/* Removes the first byte, and returns it; 0: there is none. */
static inline unsigned
fuzz_byte(const uint8_t **data, size_t *length)
{
	if (!*length)
		return 0;
	--*length;
	return *(*data)++;
}

/*
 * A copy of exactly this size, so that a sanitizer sees a read beyond it; the
 * caller frees both. fuzz_text() adds a 0.
 */
static inline void *
fuzz_copy(const void *data, size_t length)
{
	void *copy = malloc(length + !length);

	HOLDS(copy);
	if (length)
		memcpy(copy, data, length);
	return copy;
}

static inline char *
fuzz_text(const void *data, size_t length)
{
	char *text = malloc(length + 1);

	HOLDS(text);
	if (length)
		memcpy(text, data, length);
	text[length] = '\0';
	return text;
}

/* Splits a text at its newlines; returns the number of words. */
static inline int
fuzz_words(char *text, char **words, int most)
{
	int count = 0;

	while (count < most && *text) {
		words[count++] = text;
		text += strcspn(text, "\n");
		if (*text)
			*text++ = '\0';
	}
	return count;
}

#endif
