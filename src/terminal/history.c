/*
 * The file of the lines typed at prompts. The path may lead to anything: with
 * sudo -E, HOME is another user's, who may have made links. So no link to
 * another user's file is followed, nothing blocks (on a fifo, or on a lock of a
 * stopped process), and only a regular file of mode 0600 is used.
 */
#include "terminal/history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	SLACK = 100,			/* extra lines before it is cut */
	SIZE_MAX_BYTES = 1024 * 1024,	/* most that is read */
	LOCK_TRIES = 100,		/* 1 ms apart */
};

/* $XDG_STATE_HOME/rpnc/history; without a home there is no history. */
static void
history_set_path(struct history *h)
{
	const char *state = secure_getenv("XDG_STATE_HOME");
	const char *home = secure_getenv("HOME");
	int n = 0;

	if (state && *state == '/')
		n = snprintf(h->path, sizeof(h->path), "%s/rpnc/history",
		    state);
	else if (home && *home == '/')
		n = snprintf(h->path, sizeof(h->path),
		    "%s/.local/state/rpnc/history", home);
	if (n <= 0 || n >= (int)sizeof(h->path))
		h->path[0] = '\0';
}

/*
 * Makes the directories of path with mode 0700, but none in a directory that
 * belongs to neither this user nor root.
 */
static void
make_directories(char *path)
{
	uid_t parent = 0;
	struct stat st;

	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (parent == 0 || parent == geteuid())
			mkdir(path, 0700);
		parent = stat(path, &st) == 0 ? st.st_uid : (uid_t)-1;
		*slash = '/';
	}
}

void
history_open(struct history *h)
{
	history_set_path(h);
	if (*h->path)
		make_directories(h->path);
}

static int
history_open_directory(const struct history *h)
{
	const char *slash = strrchr(h->path, '/');
	char path[HISTORY_PATH];
	struct stat st;
	int fd;

	if (!slash)
		return -1;
	snprintf(path, sizeof(path), "%.*s", (int)(slash - h->path), h->path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    !(st.st_mode & 022)))
		return fd;
	close(fd);
	return -1;
}

static bool
is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && st.st_nlink == 1 &&
	    (st.st_mode & 07777) == 0600;
}

/* Tries for a moment only, because the lock's holder may be stopped. */
static int
history_lock(int fd)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&tick, NULL);
	}
	return -1;
}

/* Opens the file and locks it until it is closed; -1: there is no history. */
static int
open_locked(const struct history *h, int flags)
{
	int directory = history_open_directory(h), fd;

	if (directory < 0)
		return -1;
	fd = openat(directory, "history", flags | O_APPEND | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	close(directory);
	if (fd < 0 || (is_ours(fd) && history_lock(fd) == 0))
		return fd;
	close(fd);
	return -1;
}

/* Reads the file, or its end if it is too large. */
static char *
read_all(int fd, size_t *length)
{
	struct stat st;
	off_t from;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return NULL;
	from = st.st_size > SIZE_MAX_BYTES ? st.st_size - SIZE_MAX_BYTES : 0;
	text = malloc((size_t)(st.st_size - from) + 1);
	n = text ? pread(fd, text, (size_t)(st.st_size - from), from) : -1;
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*length = (size_t)n;
	return text;
}

char *
history_read(const struct history *h)
{
	int fd = open_locked(h, O_RDONLY);
	size_t length;
	char *text;

	if (fd < 0)
		return NULL;
	text = read_all(fd, &length);
	close(fd);
	return text;
}

/* The offset at which the last lines of a text start. */
static size_t
last_lines(const char *text, size_t length, int lines)
{
	size_t at = length;

	while (at && (text[at - 1] != '\n' || lines--))
		at--;
	return at;
}

/*
 * Removes all but the last lines. They are first written to the start of the
 * file, then the file is cut, so that a kill in between loses none of them.
 */
static void
history_cut(int fd)
{
	size_t length, from;
	char *text = read_all(fd, &length);

	if (!text)
		return;
	if (last_lines(text, length, HISTORY_LINES + SLACK) > 0) {
		from = last_lines(text, length, HISTORY_LINES);
		fcntl(fd, F_SETFL, O_NONBLOCK);		/* no O_APPEND */
		if (pwrite(fd, text + from, length - from, 0) ==
		    (ssize_t)(length - from))
			(void)!ftruncate(fd, (off_t)(length - from));
	}
	free(text);
}

void
history_add(const struct history *h, const char *line)
{
	int fd = open_locked(h, O_RDWR | O_CREAT), n;
	char *text = NULL;

	if (fd < 0)
		return;
	n = asprintf(&text, "%s\n", line);
	if (n > 0 && write(fd, text, (size_t)n) == n)
		history_cut(fd);
	if (n >= 0)
		free(text);
	close(fd);
}
