#include "group/board.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"

enum {
	LAYOUT = 1,
	MUTEX_BYTE = 1,
	SLOT_BYTE = 64,
	MUTEX_WAIT_US = 1000 * 1000,
};

static const char magic[8] = "rpnc\r\n\x1a";

struct board_file {
	char magic[8];
	uint32_t layout, slots;
	uint64_t order;
	struct slot slot[BOARD_SLOTS];
};

struct board {
	int fd;				/* -1: private */
	char path[200];
	struct board_file *file;
	bool mine[BOARD_SLOTS];		/* locked through fd */
};

bool
name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > NAME_MAX_LENGTH ||
	    !isalpha((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isascii(*name) || (!isalnum((unsigned char)*name) &&
		    !strchr("_.-", *name)))
			return false;
	return true;
}

/* A directory that nobody else can write to, or -1. */
static int
own_directory(const char *parent, uid_t uid, char *path, size_t room)
{
	struct stat st;

	snprintf(path, room, "%s/rpnc-%u", parent, (unsigned)uid);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail("board %s", path);
	if (lstat(path, &st) < 0)
		return fail("board %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != uid || st.st_mode & 077)
		return fail_as(STATUS_NETWORK, "board %s: not a directory of "
		    "mode 0700 that belongs to you", path);
	return 0;
}

static int
board_directory(char *path, size_t room)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	uid_t uid = geteuid();
	struct stat st;

	if (!runtime || *runtime != '/' || strlen(runtime) > 100 ||
	    stat(runtime, &st) < 0 || st.st_uid != uid)
		runtime = "/dev/shm";
	return own_directory(runtime, uid, path, room);
}

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

static int
lock_byte(int fd, int byte, short type)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &l);
}

static void
board_unlock(struct board *b)
{
	if (b->fd >= 0)
		lock_byte(b->fd, MUTEX_BYTE, F_UNLCK);
}

/* A stopped holder must not stop the rest: tried for a second at most. */
static int
board_lock(struct board *b)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };
	int64_t end = loop_now() + MUTEX_WAIT_US;

	while (b->fd >= 0 && lock_byte(b->fd, MUTEX_BYTE, F_WRLCK) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return fail("board %s", b->path);
		if (loop_now() > end)
			return fail_as(STATUS_NETWORK, "board %s: held by a "
			    "process that does not go on", b->path);
		nanosleep(&tick, NULL);
	}
	return 0;
}

/* Opens the file, never through a link, never one that others can write. */
static int
file_open(struct board *b)
{
	struct stat st;
	int fd = open(b->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK, 0600);

	if (fd < 0)
		return fail("board %s", b->path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_mode & 077) {
		close(fd);
		return fail_as(STATUS_NETWORK, "board %s: not a file of mode "
		    "0600 that belongs to you", b->path);
	}
	return fd;
}

/* A new file gets its size for certain: on a full tmpfs a store is SIGBUS. */
static int
file_ready(struct board *b)
{
	struct stat st;
	struct board_file head = { .layout = LAYOUT, .slots = BOARD_SLOTS };

	if (fstat(b->fd, &st) < 0)
		return fail("board %s", b->path);
	if (st.st_size)
		return 0;
	memcpy(head.magic, magic, sizeof(magic));
	errno = posix_fallocate(b->fd, 0, sizeof(struct board_file));
	if (errno || pwrite(b->fd, &head, offsetof(struct board_file, slot),
	    0) < 0) {
		fail("board %s", b->path);
		unlink(b->path);
		return -1;
	}
	return 0;
}

static int
file_map(struct board *b)
{
	struct stat st;

	if (fstat(b->fd, &st) < 0)
		return fail("board %s", b->path);
	if ((size_t)st.st_size < sizeof(struct board_file))
		goto foreign;
	b->file = mmap(NULL, sizeof(struct board_file),
	    PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->file == MAP_FAILED) {
		b->file = NULL;
		return fail("board %s", b->path);
	}
	if (memcmp(b->file->magic, magic, sizeof(magic)) == 0 &&
	    b->file->layout == LAYOUT && b->file->slots == BOARD_SLOTS)
		return 0;
foreign:
	return fail_as(STATUS_NETWORK, "board %s: made by another version of "
	    "rpnc, or damaged", b->path);
}

static void
board_free(struct board *b)
{
	if (b->file)
		munmap(b->file, sizeof(struct board_file));
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

/*
 * Opens and locks. The last member removes the file under the lock: who
 * waited for that lock finds a file without a name, and opens anew.
 */
static int
open_locked(struct board *b)
{
	struct stat st;

	for (;;) {
		b->fd = file_open(b);
		if (b->fd < 0 || board_lock(b) < 0)
			return -1;
		if (fstat(b->fd, &st) == 0 && st.st_nlink > 0)
			break;
		close(b->fd);
	}
	return file_ready(b) < 0 || file_map(b) < 0 ? -1 : 0;
}

struct board *
board_open(bool datagram, uint16_t port)
{
	struct board *b = calloc(1, sizeof(*b));
	char directory[160];

	if (!b) {
		fail("board");
		return NULL;
	}
	b->fd = -1;
	if (board_directory(directory, sizeof(directory)) < 0)
		goto free;
	snprintf(b->path, sizeof(b->path), "%s/%llx-%s-%u", directory,
	    (unsigned long long)netns_cookie(), datagram ? "udp" : "tcp",
	    port);
	if (open_locked(b) < 0)
		goto free;
	return b;		/* the lock goes on until the first claim */
free:
	board_free(b);
	return NULL;
}

struct board *
board_private(void)
{
	struct board *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->fd = -1;
	b->file = mmap(NULL, sizeof(struct board_file),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->file != MAP_FAILED)
		return b;
	free(b);
	return NULL;
}

bool
board_is_private(const struct board *b)
{
	return b->fd < 0;
}

int
board_reopen(struct board *b)
{
	char path[32];
	int fd;

	if (b->fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", b->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail("board %s", b->path);
	close(b->fd);
	b->fd = fd;
	memset(b->mine, 0, sizeof(b->mine));
	return 0;
}

bool
board_alive(struct board *b, int index)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = SLOT_BYTE + index, .l_len = 1,
	};

	if (b->file->slot[index].kind == SLOT_FREE)
		return false;
	if (b->mine[index])
		return true;
	if (b->fd < 0)
		return kill(b->file->slot[index].pid, 0) == 0;
	return fcntl(b->fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* Whether two names claim the same: "A/1" belongs to A. */
static bool
same_base(const char *a, const char *b)
{
	size_t length = strcspn(a, "/");

	return strcspn(b, "/") == length && memcmp(a, b, length) == 0;
}

static bool
name_taken(struct board *b, const char *name, pid_t parent)
{
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = &b->file->slot[i];

		if (s->kind == SLOT_FREE || !same_base(s->name, name))
			continue;
		if (parent && (s->parent == parent || s->pid == parent) &&
		    strcmp(s->name, name) != 0)
			continue;
		if (board_alive(b, i))
			return true;
	}
	return false;
}

/* A, B, ..., Z, AA, AB, ... */
static void
letters(unsigned n, char name[static BOARD_NAME])
{
	if (n < 26)
		snprintf(name, BOARD_NAME, "%c", 'A' + (int)n);
	else
		snprintf(name, BOARD_NAME, "%c%c", 'A' + (int)(n / 26 - 1) % 26,
		    'A' + (int)(n % 26));
}

static int
pick_name(struct board *b, const char *wish, pid_t parent,
    char name[static BOARD_NAME])
{
	if (wish) {
		snprintf(name, BOARD_NAME, "%s", wish);
		return !name_taken(b, name, parent) ? 0 :
		    fail_as(STATUS_USAGE, "--name %s: a live member has "
		    "this name", wish);
	}
	for (unsigned n = 0; n < BOARD_SLOTS; n++) {
		letters(n, name);
		if (!name_taken(b, name, parent))
			return 0;
	}
	return fail_as(STATUS_NETWORK, "board %s: full", b->path);
}

int
board_find(struct board *b, const char *name, pid_t parent)
{
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = &b->file->slot[i];

		if (s->kind != SLOT_FREE && s->parent == parent &&
		    strcmp(s->name, name) == 0)
			return i;
	}
	return -1;
}

/* The dead slot of this very worker, a free one, or the longest dead. */
static int
pick_slot(struct board *b, const char *name, pid_t parent)
{
	int best = parent ? board_find(b, name, parent) : -1;

	for (int i = 0; i < BOARD_SLOTS && best < 0; i++)
		if (b->file->slot[i].kind == SLOT_FREE)
			best = i;
	if (best >= 0)
		return best;
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (!board_alive(b, i) && (best < 0 ||
		    b->file->slot[i].order < b->file->slot[best].order))
			best = i;
	return best >= 0 ? best :
	    fail_as(STATUS_NETWORK, "board %s: full", b->path);
}

static void
slot_fill(struct board *b, struct slot *s, enum slot_kind kind,
    const char *name, pid_t parent)
{
	struct timespec now;

	if (s->kind != kind || s->parent != parent || !parent ||
	    strcmp(s->name, name) != 0)
		memset(&s->counters, 0, sizeof(s->counters));
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->pid = getpid();
	s->parent = parent;
	s->joined = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	s->order = ++b->file->order;
	s->kind = kind;
}

int
board_claim(struct board *b, enum slot_kind kind, const char *name,
    pid_t parent)
{
	char chosen[BOARD_NAME];
	int index = -1;

	if (board_lock(b) < 0)
		return -1;
	if (pick_name(b, name, parent, chosen) == 0)
		index = pick_slot(b, chosen, parent);
	if (index >= 0 && b->fd >= 0 &&
	    lock_byte(b->fd, SLOT_BYTE + index, F_WRLCK) < 0) {
		fail("board %s", b->path);
		index = -1;
	}
	if (index >= 0) {
		b->mine[index] = true;
		slot_fill(b, &b->file->slot[index], kind, chosen, parent);
	}
	board_unlock(b);
	return index;
}

struct slot *
board_slot(struct board *b, int index)
{
	return &b->file->slot[index];
}

int
board_members(struct board *b, int index, int *place)
{
	const struct slot *own = index < 0 ? NULL : &b->file->slot[index];
	int count = 0;

	if (place)
		*place = 1;
	for (int i = 0; i < BOARD_SLOTS; i++) {
		const struct slot *s = &b->file->slot[i];

		if (s->kind != SLOT_MEMBER || !board_alive(b, i))
			continue;
		count++;
		if (place && own && s->order < own->order)
			++*place;
	}
	return count;
}

void
board_close(struct board *b)
{
	bool others = false;

	if (b->fd >= 0 && board_lock(b) == 0) {
		for (int i = 0; i < BOARD_SLOTS; i++)
			if (b->mine[i])
				b->file->slot[i].kind = SLOT_FREE;
			else
				others |= board_alive(b, i);
		if (!others)
			unlink(b->path);
	}
	board_free(b);
}
