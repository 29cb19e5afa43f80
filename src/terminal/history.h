#ifndef TERMINAL_HISTORY_H
#define TERMINAL_HISTORY_H

/*
 * The file of the lines that were typed at prompts. Several prompts share it:
 * each adds its own lines under a lock. It is used only if no other user can
 * open it or its directory; otherwise there is no history.
 */
enum {
	HISTORY_LINES = 1000,		/* at least as many are kept */
	HISTORY_PATH = 256,
};

struct history {
	char path[HISTORY_PATH];	/* "": there is none */
};

/* Makes its directory. */
void history_open(struct history *);
/* The whole file, malloced, with a '\0' at the end; NULL: there is none. */
char *history_read(const struct history *);
/* Adds a line, which has no line feed. */
void history_add(const struct history *, const char *line);

#endif
