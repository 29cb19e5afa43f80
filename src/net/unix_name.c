#include "net/unix_name.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A name is dead if connect(2) of both types is refused. A name in use gives
 * EPROTOTYPE to a socket of another type (kernel net/unix/af_unix.c,
 * unix_find_bsd). The type that is tried first is rarely used, so that a
 * listener does not take us for a client.
 */
static bool
is_dead(const struct addr *a)
{
	static const int types[] = { SOCK_SEQPACKET, SOCK_STREAM };
	bool dead = true;

	for (int i = 0; i < 2 && dead; i++) {
		int fd = socket(AF_UNIX,
		    types[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		dead = fd >= 0 && connect(fd, &a->sa, a->len) < 0 &&
		    errno == ECONNREFUSED;
		if (fd >= 0)
			close(fd);
	}
	return dead;
}

/* Whether it is a dead socket of this user; if not, EADDRINUSE or ENOTSOCK. */
static bool
is_replaceable(const struct addr *a, struct stat *st)
{
	bool there = lstat(a->un.sun_path, st) == 0;

	if (there && S_ISSOCK(st->st_mode) && st->st_uid == geteuid() &&
	    is_dead(a))
		return true;
	errno = there && !S_ISSOCK(st->st_mode) ? ENOTSOCK : EADDRINUSE;
	return false;
}

/* A new file may get the inode of the one that it replaces. */
static bool
is_unreplaced(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Removes the dead socket. Another server may replace it at the same time, and
 * its name must not go. So it is looked at again under a name of our own.
 */
static int
remove_dead(const struct addr *a, const struct stat *dead)
{
	char aside[sizeof(a->un.sun_path) + 24];
	struct stat st;

	snprintf(aside, sizeof(aside), "%s.rpnc-%d", a->un.sun_path,
	    (int)getpid());
	if (rename(a->un.sun_path, aside) == 0) {
		if (lstat(aside, &st) == 0 && is_unreplaced(&st, dead))
			return unlink(aside);
		rename(aside, a->un.sun_path);
	}
	errno = EADDRINUSE;
	return -1;
}

int
unix_bind(int fd, const struct addr *a)
{
	struct stat dead;

	if (bind(fd, &a->sa, a->len) == 0)
		return 0;
	if (errno != EADDRINUSE || !a->un.sun_path[0] ||
	    !is_replaceable(a, &dead) || remove_dead(a, &dead) < 0)
		return -1;
	return bind(fd, &a->sa, a->len);
}

int
unix_try(int fd, const struct addr *a)
{
	struct unix_name name;
	struct stat st;

	if (bind(fd, &a->sa, a->len) == 0) {
		unix_name_get(&name, a);
		unix_name_remove(&name);
		return 0;
	}
	return errno == EADDRINUSE && a->un.sun_path[0] &&
	    is_replaceable(a, &st) ?
	    0 : -1;
}

void
unix_name_get(struct unix_name *name, const struct addr *bound)
{
	struct stat st;

	memset(name, 0, sizeof(*name));
	if (bound->sa.sa_family != AF_UNIX || !bound->un.sun_path[0] ||
	    lstat(bound->un.sun_path, &st) < 0)
		return;
	memcpy(name->path, bound->un.sun_path, sizeof(name->path));
	name->device = st.st_dev;
	name->inode = st.st_ino;
}

void
unix_name_remove(const struct unix_name *name)
{
	struct stat st;

	if (name->path[0] && lstat(name->path, &st) == 0 &&
	    st.st_dev == name->device && st.st_ino == name->inode)
		unlink(name->path);
}

int
unix_autobind(int fd)
{
	sa_family_t family = AF_UNIX;

	return bind(fd, (const struct sockaddr *)&family, sizeof(family));
}
