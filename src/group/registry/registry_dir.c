/*
 * Finds and makes the directories of registry files. In /dev/shm another user
 * can take a name first. So directories that only this user can make are tried
 * before it, and numbered names in it after that. A file is in use while any
 * byte of it is locked: members lock their slots, and a process that is joining
 * has the mutex. A process that has the mutex of a file without other locks may
 * remove the file. If another process waited for that mutex meanwhile, it finds
 * that the file has no name, and makes another one (registry_file_open()).
 */
#include "group/registry/registry_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

enum { NUMBERED = 16 };		/* names in /dev/shm */

static void
registry_dirs_add(struct registry_dirs *d, const char *base, const char *rest)
{
	char *path = d->path[d->count];
	int n = snprintf(path, REGISTRY_DIR_PATH, "%s/%s", base, rest);

	if (n >= REGISTRY_DIR_PATH)
		return;
	for (int i = 0; i < d->count; i++)
		if (strcmp(d->path[i], path) == 0)
			return;
	d->count++;
}

/* Adds a directory if nobody else can make or remove names in it. */
static void
add_if_private(struct registry_dirs *d, const char *base, const char *rest)
{
	struct stat st;

	if (*base == '/' && stat(base, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && !(st.st_mode & 022))
		registry_dirs_add(d, base, rest);
}

void
registry_dirs_list(struct registry_dirs *d)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	unsigned uid = (unsigned)geteuid();
	char base[32], rest[32];

	d->count = 0;
	snprintf(rest, sizeof(rest), "rpnc-%u", uid);
	if (runtime)
		add_if_private(d, runtime, rest);
	snprintf(base, sizeof(base), "/run/user/%u", uid);
	add_if_private(d, base, rest);
	if (uid == 0)
		add_if_private(d, "/run", "rpnc");
	registry_dirs_add(d, "/dev/shm", rest);
	for (int i = 1; i < NUMBERED; i++) {
		snprintf(rest, sizeof(rest), "rpnc-%u.%d", uid, i);
		registry_dirs_add(d, "/dev/shm", rest);
	}
}

static bool
is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && !(st.st_mode & 077);
}

bool
registry_file_is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && !(st.st_mode & 077) && st.st_nlink <= 1;
}

/* Whether any byte of the file is locked, except through fd. */
static bool
is_locked(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &l) < 0 || l.l_type != F_UNLCK;
}

static int
open_at(int directory, const char *name, int flags)
{
	int fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);

	if (fd >= 0 && !registry_file_is_ours(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens it read-only, because closing a writer would wake its watchers. */
static bool
is_there(int directory, const char *name, bool locked)
{
	int fd = open_at(directory, name, O_RDONLY);
	bool yes = fd >= 0 && is_locked(fd) == locked;

	if (fd >= 0)
		close(fd);
	return yes;
}

static int
open_private_directory(const char *path)
{
	return !is_private(path) ? -1 : open(path, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
}

static bool
has_used(const char *path, const char *name)
{
	int directory = open_private_directory(path);
	bool yes = directory >= 0 && is_there(directory, name, true);

	if (directory >= 0)
		close(directory);
	return yes;
}

const char *
registry_dirs_find(const struct registry_dirs *d, const char *name, bool make)
{
	for (int i = 0; i < d->count; i++)
		if (has_used(d->path[i], name))
			return d->path[i];
	for (int i = 0; i < d->count; i++) {
		if (make)
			mkdir(d->path[i], 0700);
		if (is_private(d->path[i]))
			return d->path[i];
	}
	fail_as(STATUS_NETWORK, "registry %s: not a directory of mode 0700 that "
	    "belongs to you, nor is any other", d->path[0]);
	return NULL;
}

/* Whether it is a registry's name, like "1f-tcp-9000". */
static bool
is_name(const char *name)
{
	name += strspn(name, "0123456789abcdef");
	if (strncmp(name, "-tcp-", 5) != 0 && strncmp(name, "-udp-", 5) != 0)
		return false;
	name += 5;
	return isdigit((unsigned char)*name) &&
	    !name[strspn(name, "0123456789")];
}

static void
sweep_file(int directory, const char *name, int mutex)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = mutex, .l_len = 1,
	};
	struct stat opened, named;
	int fd = is_there(directory, name, false) ?
	    open_at(directory, name, O_RDWR) : -1;

	if (fd < 0)
		return;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0 && !is_locked(fd) &&
	    fstat(fd, &opened) == 0 && fstatat(directory, name, &named,
	    AT_SYMLINK_NOFOLLOW) == 0 && opened.st_ino == named.st_ino &&
	    opened.st_dev == named.st_dev)
		unlinkat(directory, name, 0);
	close(fd);
}

/* NULL: it is none that only we can use. */
static DIR *
registry_dir_open(const char *path)
{
	int fd = open_private_directory(path);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory && fd >= 0)
		close(fd);
	return directory;
}

static void
registry_dir_sweep(const char *path, int mutex)
{
	DIR *directory = registry_dir_open(path);
	const struct dirent *e;

	while (directory && (e = readdir(directory)))
		if (is_name(e->d_name))
			sweep_file(dirfd(directory), e->d_name, mutex);
	if (directory)
		closedir(directory);
}

void
registry_dirs_names(const struct registry_dirs *d,
    void (*each)(const char *name, void *arg), void *arg)
{
	for (int i = 0; i < d->count; i++) {
		DIR *directory = registry_dir_open(d->path[i]);
		const struct dirent *e;

		while (directory && (e = readdir(directory)))
			if (is_name(e->d_name))
				each(e->d_name, arg);
		if (directory)
			closedir(directory);
	}
}

void
registry_dirs_sweep(const struct registry_dirs *d, int mutex)
{
	for (int i = 0; i < d->count; i++)
		registry_dir_sweep(d->path[i], mutex);
}
