/*
 * The registry's file: finding it, locking its bytes, and waking its watchers.
 *
 *	state		what moves it on
 *	no file		registry_file_open() makes it, with the mutex locked
 *	has a name	members lock their bytes; the last one to leave removes
 *			the name, with the mutex locked
 *	no name		a process that waited for the mutex sees that, closes it
 *			and begins again
 *
 * A private file (registry_file_private()) never has a name.
 */
#include "group/registry/registry_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fd_order.h"
#include "base/loop.h"
#include "group/registry/registry_dir.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71	/* include/uapi/asm-generic/socket.h */
#endif

enum { MUTEX_WAIT_US = 1000 * 1000, LOCK_TRIES = 3 };

/* A namespace's inode may be used again; its cookie never is. */
static uint64_t
netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}

/* How the name of a file begins, up to its port. */
enum { PREFIX_TEXT = 32 };

static const char *
name_prefix(bool datagram, char text[static PREFIX_TEXT])
{
	snprintf(text, PREFIX_TEXT, "%llx-%s-",
	    (unsigned long long)netns_cookie(), datagram ? "udp" : "tcp");
	return text;
}

static int
registry_file_set_path(struct registry_file *f, const struct registry_dirs *dirs,
    bool datagram, uint16_t port, bool make)
{
	const char *directory;
	char name[PREFIX_TEXT + 8], prefix[PREFIX_TEXT];

	snprintf(name, sizeof(name), "%s%u", name_prefix(datagram, prefix),
	    port);
	directory = registry_dirs_find(dirs, name, make);
	if (!directory)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/%s", directory, name);
	return 0;
}

struct ports {
	char prefix[PREFIX_TEXT];
	bool *found;
};

static void
port_add(const char *name, void *arg)
{
	const struct ports *p = arg;
	size_t length = strlen(p->prefix);
	unsigned long port;

	if (strncmp(name, p->prefix, length) != 0)
		return;
	port = strtoul(name + length, NULL, 10);
	if (port <= UINT16_MAX)
		p->found[port] = true;
}

void
registry_file_ports(bool datagram, bool *found)
{
	struct registry_dirs dirs;
	struct ports p = { .found = found };

	name_prefix(datagram, p.prefix);
	registry_dirs_list(&dirs);
	registry_dirs_names(&dirs, port_add, &p);
}

/* The fcntl(2) commands by which this process locks, and asks for locks. */
static int
set_lock(const struct registry_file *f)
{
	return f->shared ? F_SETLK : F_OFD_SETLK;
}

static int
get_lock(const struct registry_file *f)
{
	return f->shared ? F_GETLK : F_OFD_GETLK;
}

static int
byte_lock(int fd, int command, int byte, short type, short *found)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte,
		.l_len = 1,
	};
	int result = -1;

	/* the kernel's table of locks may be full for a moment */
	for (int i = 0; i < LOCK_TRIES && result < 0; i++) {
		result = fcntl(fd, command, &l);
		if (result < 0 && errno != ENOLCK)
			break;
	}
	if (found)
		*found = l.l_type;
	return result;
}

int
registry_file_lock(struct registry_file *f)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };
	int64_t end = loop_now() + MUTEX_WAIT_US;

	while (registry_file_take(f, FILE_MUTEX) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return fail("registry %s", f->path);
		if (loop_now() > end)
			return fail_as(STATUS_NETWORK, "registry %s: held by a "
			    "process that does not go on", f->path);
		nanosleep(&tick, NULL);
	}
	return 0;
}

void
registry_file_unlock(struct registry_file *f)
{
	registry_file_give(f, FILE_MUTEX);
}

void
registry_file_give(struct registry_file *f, int byte)
{
	byte_lock(f->fd, set_lock(f), byte, F_UNLCK, NULL);
}

int
registry_file_take(struct registry_file *f, int byte)
{
	return byte_lock(f->fd, set_lock(f), byte, F_WRLCK, NULL);
}

bool
registry_file_taken(const struct registry_file *f, int byte)
{
	short found = F_UNLCK;

	return byte_lock(f->fd, get_lock(f), byte, F_WRLCK, &found) == 0 &&
	    found != F_UNLCK;
}

/* Opens the file: never through a link, and only if just we can write it. */
static int
open_own(struct registry_file *f, int flags)
{
	int fd = open(f->path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
	    0600);

	if (fd < 0)
		return fail("registry %s", f->path);
	if (!registry_file_is_ours(fd)) {
		close(fd);
		return fail_as(STATUS_NETWORK, "registry %s: not a file of mode "
		    "0600 and one name that belongs to you", f->path);
	}
	return fd_move_up(fd, FD_LOCK);
}

/* The process that made the file may have been killed before it wrote this. */
static bool
has_head(const struct registry_file *f)
{
	char first = 0;

	return pread(f->fd, &first, 1, 0) == 1 && first;
}

void
registry_file_remove(const struct registry_file *f)
{
	if (*f->path)
		unlink(f->path);
}

/* Allocates a new file, because a store into a full tmpfs would be SIGBUS. */
static int
make_whole(struct registry_file *f, const void *head, size_t head_length,
    size_t size)
{
	f->made = !has_head(f);
	if (!f->made)
		return 0;
	errno = posix_fallocate(f->fd, 0, (off_t)size);
	if (errno || pwrite(f->fd, head, head_length, 0) < 0) {
		fail("registry %s", f->path);
		registry_file_remove(f);
		return -1;
	}
	return 0;
}

/*
 * The last member removes the file under the mutex. A process that waited for
 * the mutex sees that its file has no name, and opens again.
 */
int
registry_file_open(struct registry_file *f, bool datagram, uint16_t port,
    const void *head, size_t head_length, size_t size)
{
	struct registry_dirs dirs;
	struct stat st;

	f->fd = -1;
	registry_dirs_list(&dirs);
	if (registry_file_set_path(f, &dirs, datagram, port, true) < 0)
		return -1;
	for (;;) {
		f->fd = open_own(f, O_RDWR | O_CREAT);
		if (f->fd < 0)
			return -1;
		if (registry_file_lock(f) < 0)
			goto close;
		if (fstat(f->fd, &st) == 0 && st.st_nlink > 0)
			break;
		close(f->fd);
	}
	registry_dirs_sweep(&dirs, FILE_MUTEX);
	if (make_whole(f, head, head_length, size) == 0)
		return 0;
close:
	registry_file_close(f);
	return -1;
}

int
registry_file_private(struct registry_file *f, const void *head,
    size_t head_length, size_t size)
{
	int ends[2];

	f->fd = memfd_create("rpnc registry", MFD_CLOEXEC);
	if (f->fd >= 0 && make_whole(f, head, head_length, size) == 0)
		return 0;
	registry_file_close(f);
	/* a pipe has locks, and can be opened again through /proc */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("pipe");
	close(ends[0]);
	f->fd = ends[1];
	f->sizeless = true;
	return 0;
}

int
registry_file_open_existing(struct registry_file *f, bool datagram,
    uint16_t port)
{
	struct registry_dirs dirs;

	f->fd = -1;
	registry_dirs_list(&dirs);
	if (registry_file_set_path(f, &dirs, datagram, port, false) < 0)
		return -1;
	f->fd = open_own(f, O_RDONLY);
	return f->fd < 0 ? -1 : 0;
}

bool
registry_file_is_named(const struct registry_file *f)
{
	struct stat own, named;

	return *f->path && fstat(f->fd, &own) == 0 &&
	    lstat(f->path, &named) == 0 && own.st_dev == named.st_dev &&
	    own.st_ino == named.st_ino;
}

/* A path to the open file, even if it has no name; needs /proc. */
static void
registry_file_name(const struct registry_file *f, char path[static 32])
{
	snprintf(path, 32, "/proc/self/fd/%d", f->fd);
}

void
registry_file_reopen(struct registry_file *f)
{
	char path[32];
	int fd;

	registry_file_name(f, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && registry_file_is_named(f))
		fd = open(f->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	f->shared = fd < 0;
	if (f->shared)
		return;
	close(f->fd);
	f->fd = fd_move_up(fd, FD_LOCK);
}

int
registry_file_watch(const struct registry_file *f, int inotify, uint32_t events)
{
	char path[32];

	if (f->sizeless)
		return -1;
	registry_file_name(f, path);
	if (inotify_add_watch(inotify, path, events) >= 0)
		return 0;
	return registry_file_is_named(f) && inotify_add_watch(inotify, f->path,
	    events | IN_DONT_FOLLOW) >= 0 ? 0 : -1;
}

void
registry_file_close(struct registry_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* Writes the byte that is there: a store to the mapping wakes no watcher. */
void
registry_file_notify(struct registry_file *f)
{
	char byte = 0;

	if (f->fd >= 0 && !f->sizeless &&
	    pread(f->fd, &byte, 1, FILE_NOTIFY) == 1)
		(void)!pwrite(f->fd, &byte, 1, FILE_NOTIFY);
}
