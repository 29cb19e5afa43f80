#include "net/adopt_epoll.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Marks the sockets that an epoll's description names by inode: proc(5). */
static void
read_epoll(pid_t pid, const char *name, const struct sock_set *set,
    bool watched[static ADDR_MAX])
{
	char path[sizeof(((struct dirent *)0)->d_name) + 64], line[256];
	unsigned long inode;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, name);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in)) {
		const char *at = strstr(line, " ino:");

		if (strncmp(line, "tfd:", 4) != 0 || !at ||
		    sscanf(at, " ino:%lx", &inode) != 1)
			continue;
		for (int i = 0; i < set->count; i++)
			watched[i] |= sock_inode(set->fd[i]) == inode;
	}
	if (in)
		fclose(in);
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

void
adopt_keep_watched(pid_t pid, struct sock_set *set)
{
	bool watched[ADDR_MAX] = { false }, any = false;
	struct dirent *e;
	char path[64];
	int kept = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = set->count > 1 ? opendir(path) : NULL;
	if (!dir)
		return;
	while ((e = readdir(dir)) != NULL)
		if (is_epoll(dirfd(dir), e->d_name))
			read_epoll(pid, e->d_name, set, watched);
	closedir(dir);
	for (int i = 0; i < set->count; i++)
		any |= watched[i];
	for (int i = 0; i < set->count; i++) {
		if (any && !watched[i]) {
			close(set->fd[i]);
			continue;
		}
		set->bound[kept] = set->bound[i];
		set->fd[kept++] = set->fd[i];
	}
	set->count = kept;
}
