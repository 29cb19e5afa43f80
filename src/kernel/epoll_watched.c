#include "kernel/epoll_watched.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/proc.h"
#include "kernel/proc_fd.h"

/* Marks the sockets that an epoll's description names by inode: proc(5). */
static bool
read_epoll(pid_t pid, const char *name, const uint64_t *inodes, int n,
    bool *watched)
{
	char path[sizeof(((struct dirent *)0)->d_name) + 8], line[256];
	unsigned long inode;
	bool any = false;
	FILE *in;

	snprintf(path, sizeof(path), "fdinfo/%s", name);
	in = proc_open(pid, path);
	while (in && fgets(line, sizeof(line), in)) {
		const char *at = strstr(line, " ino:");

		if (strncmp(line, "tfd:", 4) != 0 || !at ||
		    sscanf(at, " ino:%lx", &inode) != 1)
			continue;
		for (int i = 0; i < n; i++)
			if (inodes[i] == inode)
				any = watched[i] = true;
	}
	if (in)
		fclose(in);
	return any;
}

static bool
is_epoll(int dir, const char *name)
{
	static const char kind[] = "anon_inode:[eventpoll]";
	char text[sizeof(kind)];

	return readlinkat(dir, name, text, sizeof(text)) ==
	    (ssize_t)sizeof(kind) - 1 &&
	    memcmp(text, kind, sizeof(kind) - 1) == 0;
}

bool
epoll_watched(pid_t pid, const uint64_t *inodes, int n, bool *watched)
{
	struct dirent *e;
	bool any = false;
	DIR *dir = proc_fd_open(pid);

	memset(watched, 0, (size_t)n * sizeof(*watched));
	if (!dir)
		return false;
	while ((e = readdir(dir)) != NULL)
		if (is_epoll(dirfd(dir), e->d_name))
			any |= read_epoll(pid, e->d_name, inodes, n, watched);
	closedir(dir);
	return any;
}
