#include "kernel/proc_fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 64 };

/* The inode of the socket that a link in /proc/PID/fd names; 0: no socket. */
static uint64_t
link_inode(int dir, const char *name)
{
	static const char prefix[] = "socket:[";
	char text[PATH_ROOM];
	ssize_t len = readlinkat(dir, name, text, sizeof(text) - 1);

	if (len < 0)
		return 0;
	text[len] = '\0';
	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	return strtoull(text + sizeof(prefix) - 1, NULL, 10);
}

uint64_t
proc_fd_socket(pid_t pid, int fd)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	return link_inode(AT_FDCWD, path);
}

DIR *
proc_fd_open(pid_t pid)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return opendir(path);
}

int
proc_fd_next(DIR *dir, uint64_t *inode)
{
	struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		*inode = link_inode(dirfd(dir), e->d_name);
		if (*inode != 0)
			return atoi(e->d_name);
	}
	return -1;
}

int
proc_fd_find(pid_t pid, uint64_t wanted)
{
	DIR *dir = proc_fd_open(pid);
	uint64_t inode = 0;
	int fd;

	if (dir == NULL)
		return -1;
	do
		fd = proc_fd_next(dir, &inode);
	while (fd >= 0 && inode != wanted);
	closedir(dir);
	return fd;
}
