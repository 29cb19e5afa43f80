#include "kernel/proc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 320 };	/* a name in fdinfo has up to 255 bytes */

static void
proc_path(pid_t pid, const char *name, char path[static PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "/proc/%d/%s", (int)pid, name);
}

FILE *
proc_open(pid_t pid, const char *name)
{
	char path[PATH_ROOM];

	proc_path(pid, name, path);
	return fopen(path, "re");
}

/* Without a FILE, because a probe calls this for each connection. */
ssize_t
proc_read(pid_t pid, const char *name, char *text, size_t room)
{
	char path[PATH_ROOM];
	ssize_t got;
	int fd;

	proc_path(pid, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, text, room - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got;
}

const char *
proc_stat(pid_t pid, int field, char text[static PROC_STAT])
{
	char *at;

	if (proc_read(pid, "stat", text, PROC_STAT) < 0)
		return NULL;
	/* field 2 is the command in parentheses, which may contain ')' */
	at = strrchr(text, ')');
	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

int
proc_sys(const char *path, int otherwise)
{
	FILE *in = fopen(path, "re");
	int n;

	if (!in)
		return otherwise;
	if (fscanf(in, "%d", &n) != 1)
		n = otherwise;
	fclose(in);
	return n;
}
