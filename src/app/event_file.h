#ifndef APP_EVENT_FILE_H
#define APP_EVENT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A file that gets the events as JSON lines, whatever else is shown of them.
 * Each line is one write(2), because several processes may append to the file.
 */
struct event_file {
	int fd;			/* -1: there is none */
	struct event_faults *faults;	/* in memory that all of them share */
};

struct event_faults {
	bool lost;		/* lines; the first one was reported */
	bool torn;		/* the last line was written in part */
};

/* Opens it for this process and those that it forks. -1: see fail_text(). */
int event_file_open(struct event_file *, const char *name);

/*
 * Writes a line. -1: it is lost, and this is the first one: see fail_text().
 * Later failures, in any process, are not reported.
 */
int event_file_write(struct event_file *, const char *line, size_t length);

/* After the last line: whether the file has all. -1: no, as above. */
int event_file_settle(struct event_file *);

#endif
