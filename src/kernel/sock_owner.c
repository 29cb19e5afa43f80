/*
 * Finds the processes that hold a socket.
 *
 * How it works. A map remembers the holders of each socket: a process and its
 * descriptor. A holder may have closed it since, so each one is checked with
 * one readlink(2) before it is returned. If the map lacks a socket, the search
 * goes on in this order:
 *
 *	1. the known processes, which were returned before: a probe meets the
 *	   same few workers again and again
 *	2. all of /proc, at most once in SCAN_GAP_NS
 *
 * A reading replaces all that the map had of the processes that it reads, so
 * the map never holds more sockets than there were.
 */
#include "kernel/sock_owner.h"

#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "kernel/fd_cache.h"
#include "kernel/proc.h"
#include "kernel/proc_fd.h"

/* uthash must not exit if memory is short: the owner is then unknown. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum {
	SCAN_GAP_NS = 100 * 1000 * 1000, /* between two readings of all /proc */
	TEXT_ROOM = 2048,	/* holds /proc/PID/status up to its Uid line */
};

struct hold {
	pid_t pid;
	int fd;
};

struct held {
	uint64_t inode;
	int count, room;
	struct hold *by;	/* ascending by pid */
	UT_hash_handle hh;
};

/* A process that was returned as an owner. */
struct known {
	pid_t pid;
	struct fd_cache fds;
	UT_hash_handle hh;
};

struct owners {
	struct held *held;
	struct known *known;
	int64_t next_scan;	/* clock_ns(); 0: immediately */
	bool stale;		/* some socket has lost a holder */
};

/* Finds or makes the entry of a socket; NULL: no memory. */
static struct held *
held_at(struct owners *o, uint64_t inode)
{
	struct held *h;

	HASH_FIND(hh, o->held, &inode, sizeof(inode), h);
	if (h != NULL)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->inode = inode;
	HASH_ADD(hh, o->held, inode, sizeof(h->inode), h);
	if (h->hh.tbl != NULL)
		return h;
	free(h);
	return NULL;
}

static int
held_grow(struct held *h)
{
	int room = h->room ? 2 * h->room : 1;
	struct hold *by = realloc(h->by, room * sizeof(*by));

	if (by == NULL)
		return -1;
	h->by = by;
	h->room = room;
	return 0;
}

/* Notes that a process holds a socket; one descriptor is remembered. */
static void
held_add(struct owners *o, uint64_t inode, pid_t pid, int fd)
{
	struct held *h = held_at(o, inode);
	int i;

	if (h == NULL || (h->count == h->room && held_grow(h) < 0))
		return;
	for (i = h->count; i > 0 && h->by[i - 1].pid >= pid; i--)
		if (h->by[i - 1].pid == pid)
			return;
	memmove(&h->by[i + 1], &h->by[i], (h->count - i) * sizeof(*h->by));
	h->by[i] = (struct hold){ .pid = pid, .fd = fd };
	h->count++;
}

static struct known *
known_find(struct owners *o, pid_t pid)
{
	struct known *k;

	HASH_FIND(hh, o->known, &pid, sizeof(pid), k);
	return k;
}

static struct known *
known_add(struct owners *o, pid_t pid)
{
	struct known *k = known_find(o, pid);

	if (k != NULL)
		return k;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return NULL;
	k->pid = pid;
	HASH_ADD(hh, o->known, pid, sizeof(k->pid), k);
	if (k->hh.tbl != NULL)
		return k;
	free(k);
	return NULL;
}

static void
known_add_all(struct owners *o, const struct held *h)
{
	for (int i = 0; i < h->count; i++) {
		struct known *k = known_add(o, h->by[i].pid);

		if (k != NULL)
			fd_cache_add(&k->fds, h->by[i].fd, h->inode);
	}
}

static void
forget_all(struct owners *o)
{
	struct held *h = o->held, *next;

	HASH_CLEAR(hh, o->held);
	for (; h != NULL; h = next) {
		next = h->hh.next;
		free(h->by);
		free(h);
	}
}

/* Drops what is remembered of the known processes. */
static void
forget_known(struct owners *o)
{
	struct held *h, *next;

	for (h = o->held; h != NULL; h = next) {
		int kept = 0;

		next = h->hh.next;
		for (int i = 0; i < h->count; i++)
			if (known_find(o, h->by[i].pid) == NULL)
				h->by[kept++] = h->by[i];
		h->count = kept;
		if (kept > 0)
			continue;
		/* The analyser can't see that this moves the map's head. */
		HASH_DEL(o->held, h);	/* NOLINT(clang-analyzer-unix.Malloc) */
		free(h->by);
		free(h);
	}
}

/* Reads one process; -1: it is gone, or we may not look into it. */
static int
scan_process(struct owners *o, pid_t pid)
{
	DIR *dir = proc_fd_open(pid);
	uint64_t inode;
	int fd;

	if (dir == NULL)
		return -1;
	while ((fd = proc_fd_next(dir, &inode)) >= 0)
		held_add(o, inode, pid, fd);
	closedir(dir);
	return 0;
}

static void
scan_known(struct owners *o)
{
	struct known *k, *next;

	forget_known(o);
	for (k = o->known; k != NULL; k = next) {
		next = k->hh.next;
		if (scan_process(o, k->pid) == 0)
			continue;
		HASH_DEL(o->known, k);
		free(k);
	}
}

static void
scan_all(struct owners *o)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	if (dir == NULL)
		return;
	forget_all(o);
	while ((e = readdir(dir)) != NULL)
		if (atoi(e->d_name) > 0)
			scan_process(o, atoi(e->d_name));
	closedir(dir);
	o->next_scan = clock_ns() + SCAN_GAP_NS;
	o->stale = false;
}

/* Whether the process still holds the socket, maybe by another descriptor. */
static bool
hold_check(struct hold *by, uint64_t inode)
{
	if (proc_fd_socket(by->pid, by->fd) == inode)
		return true;
	by->fd = proc_fd_find(by->pid, inode);
	return by->fd >= 0;
}

/* The entry of a socket, with the processes that still hold it; NULL: none. */
static struct held *
owners_recall(struct owners *o, uint64_t inode)
{
	struct held *h;
	int kept = 0;

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): see forget_known() */
	HASH_FIND(hh, o->held, &inode, sizeof(inode), h);
	if (h == NULL)
		return NULL;
	for (int i = 0; i < h->count; i++)
		if (hold_check(&h->by[i], inode))
			h->by[kept++] = h->by[i];
	o->stale |= kept > 0 && kept < h->count;
	h->count = kept;
	return kept > 0 ? h : NULL;
}

static struct held *
owners_look_up(struct owners *o, uint64_t inode)
{
	struct held *h = NULL;

	if (inode == 0)
		return NULL;
	if (o->next_scan != 0) {
		h = owners_recall(o, inode);
		if (h == NULL) {
			scan_known(o);
			h = owners_recall(o, inode);
		}
	}
	if ((h == NULL || o->stale) && clock_ns() >= o->next_scan) {
		scan_all(o);
		h = owners_recall(o, inode);
	}
	if (h != NULL)
		known_add_all(o, h);
	return h;
}

/* Copies the command without the last newline; it may contain others. */
static void
read_command(pid_t pid, char *command, size_t room)
{
	ssize_t got = proc_read(pid, "comm", command, room);

	if (got > 0 && command[got - 1] == '\n')
		command[got - 1] = '\0';
}

/*
 * The effective uid. The owner of /proc/PID would be root for every process
 * that changed its uid, as servers do.
 */
static int
read_uid(pid_t pid, uid_t *uid)
{
	char text[TEXT_ROOM];
	const char *line;
	unsigned effective;

	if (proc_read(pid, "status", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "\nUid:");
	if (line == NULL || sscanf(line, " Uid: %*u %u", &effective) != 1)
		return -1;
	*uid = effective;
	return 0;
}

struct owners *
owners_new(void)
{
	struct owners *o;

	if (access("/proc/self/fd", R_OK) < 0) {
		fail("/proc/self/fd");
		return NULL;
	}
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		fail("owners");
	return o;
}

void
owners_free(struct owners *o)
{
	struct known *k, *next;

	if (o == NULL)
		return;
	forget_all(o);
	k = o->known;
	HASH_CLEAR(hh, o->known);
	for (; k != NULL; k = next) {
		next = k->hh.next;
		free(k);
	}
	free(o);
}

int
owners_find(struct owners *o, uint64_t inode, struct owner *out)
{
	struct held *h = owners_look_up(o, inode);
	struct owner owner = { 0 };

	if (h == NULL)
		return 0;
	owner.pid = h->by[0].pid;
	owner.fd = h->by[0].fd;
	owner.holders = h->count;
	read_command(owner.pid, owner.command, sizeof(owner.command));
	if (read_uid(owner.pid, &owner.uid) < 0)
		return 0;
	*out = owner;
	return 1;
}

int
owners_holders(struct owners *o, uint64_t inode, pid_t *pids, int max)
{
	struct held *h = owners_look_up(o, inode);

	if (h == NULL)
		return 0;
	for (int i = 0; i < h->count && i < max; i++)
		pids[i] = h->by[i].pid;
	return h->count;
}

bool
owners_held_by(struct owners *o, uint64_t inode, pid_t pid)
{
	struct known *k = inode != 0 ? known_find(o, pid) : NULL;

	return k != NULL && fd_cache_has(&k->fds, pid, inode);
}

void
owners_refresh(struct owners *o)
{
	o->next_scan = 0;
}

int
owner_state(pid_t pid)
{
	char text[PROC_STAT];
	const char *state = proc_stat(pid, 3, text);

	return state ? (unsigned char)*state : -1;
}

/* Field 22 is the start, in ticks of CLOCK_BOOTTIME. */
bool
owner_started_before(pid_t pid, int64_t when)
{
	const int64_t tick = INT64_C(1000000000) / sysconf(_SC_CLK_TCK);
	char text[PROC_STAT];
	const char *start = proc_stat(pid, 22, text);
	struct timespec now;

	if (!start)
		return false;
	/*
	 * /proc counts from boot. The clock of `when` is read after the clock
	 * of /proc, so that a pause between the two makes the process younger.
	 */
	clock_gettime(CLOCK_BOOTTIME, &now);
	when += now.tv_sec * INT64_C(1000000000) + now.tv_nsec - clock_ns();
	return strtoll(start, NULL, 10) < when / tick;
}

bool
owner_state_is_stopped(int state)
{
	return state == 'T' || state == 't';
}

bool
owner_is_stopped(pid_t pid)
{
	return owner_state_is_stopped(owner_state(pid));
}

const char *
owner_hidden_text(uid_t uid, char text[static OWNER_HIDDEN_TEXT])
{
	const struct passwd *user = getpwuid(uid);

	snprintf(text, OWNER_HIDDEN_TEXT, "processes of %.32s (uid %u) can't be "
	    "seen: %s", user ? user->pw_name : "another user", (unsigned)uid,
	    geteuid() ? "be that user, or root" : "are they in another PID "
	    "namespace?");
	return text;
}

pid_t
owner_parent(pid_t pid)
{
	char text[PROC_STAT];
	const char *parent = proc_stat(pid, 4, text);

	return parent ? (pid_t)strtol(parent, NULL, 10) : 0;
}

void
owner_command(pid_t pid, char command[static 16 + 1])
{
	command[0] = '\0';
	read_command(pid, command, 16 + 1);
}
