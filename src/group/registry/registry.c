#include "group/registry/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/registry/process_id.h"
#include "group/registry/registry_file.h"
#include "group/registry/sigbus.h"
#include "net/listener.h"
#include "net/sock.h"

enum { LAYOUT = 4 };

/* The first bytes are locks and the bell (file.h): what is there is fixed. */
struct head {
	char magic[8];
	uint32_t layout, slots;
};

static const struct head own_head = { "rpnc\r\n\x1a", LAYOUT, BOARD_SLOTS };

struct table {
	struct head head;
	uint64_t order;
	struct shared shared;
	struct slot slot[BOARD_SLOTS];
};

struct board {
	struct file file;
	struct table *table;
	struct guard guard;
	bool mine[BOARD_SLOTS];		/* locked through file */
	bool reader, private, steering;
};

/* Without a file it is memory that children share. */
static int
table_share(struct board *b)
{
	struct table *table = mmap(NULL, sizeof(*table), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED) {
		fail("board");
		return -1;
	}
	table->head = own_head;
	b->table = table;
	return 0;
}

static int
table_map(struct board *b)
{
	int protection = PROT_READ | (b->reader ? 0 : PROT_WRITE);
	struct stat st;

	if (b->file.sizeless)
		return table_share(b);
	if (fstat(b->file.fd, &st) < 0)
		return fail("board %s", b->file.path);
	if ((size_t)st.st_size < sizeof(struct table))
		goto foreign;
	b->table = mmap(NULL, sizeof(struct table), protection, MAP_SHARED,
	    b->file.fd, 0);
	if (b->table == MAP_FAILED) {
		b->table = NULL;
		return fail("board %s", b->file.path);
	}
	b->guard.at = b->table;
	b->guard.size = sizeof(struct table);
	guard_add(&b->guard);
	if (memcmp(&b->table->head, &own_head, sizeof(own_head)) == 0)
		return 0;
foreign:
	return fail_as(STATUS_NETWORK, "board %s: made by another version of "
	    "rpnc, or damaged", b->file.path);
}

static void
board_free(struct board *b)
{
	if (b->table) {
		guard_remove(&b->guard);
		munmap(b->table, sizeof(struct table));
	}
	file_close(&b->file);
	free(b);
}

static struct board *
board_new(void)
{
	struct board *b = calloc(1, sizeof(*b));

	if (b)
		b->file.fd = -1;
	else
		fail("board");
	return b;
}

static bool
has_others(struct board *b)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (!b->mine[i] && board_alive(b, i))
			return true;
	return false;
}

struct board *
board_open(bool datagram, uint16_t port)
{
	struct board *b = board_new();

	if (b && file_open(&b->file, datagram, port, &own_head,
	    sizeof(own_head), sizeof(struct table)) == 0 &&
	    table_map(b) == 0) {
		struct shared *shared = &b->table->shared;

		/* all were killed: what they had set goes with them */
		if (!has_others(b))
			memset(&shared->steering, 0, sizeof(shared->steering));
		/* the mutex goes on until the first claim */
		if (!shared->mark[0])
			(void)!getrandom(shared->mark, sizeof(shared->mark),
			    GRND_NONBLOCK);
		return b;
	}
	if (b)
		board_free(b);
	return NULL;
}

struct board *
board_look(bool datagram, uint16_t port)
{
	struct board *b = board_new();

	if (!b)
		return NULL;
	b->reader = true;
	if (file_look(&b->file, datagram, port) == 0 && table_map(b) == 0)
		return b;
	board_free(b);
	return NULL;
}

struct board *
board_private(void)
{
	struct board *b = board_new();

	if (!b)
		return NULL;
	b->private = true;
	if (file_private(&b->file, &own_head, sizeof(own_head),
	    sizeof(struct table)) == 0 && table_map(b) == 0)
		return b;
	board_free(b);
	return NULL;
}

bool
board_is_private(const struct board *b)
{
	return b->private;
}

bool
board_is_lost(const struct board *b)
{
	return b->guard.lost;
}

int
board_watch(const struct board *b, int inotify, uint32_t events)
{
	return file_watch(&b->file, inotify, events);
}

/*
 * The table is mapped anew too, at the same address: a mapping keeps the
 * parent's opening, and with it the locks of a parent that is dead.
 */
void
board_reopen(struct board *b)
{
	memset(b->mine, 0, sizeof(b->mine));
	file_reopen(&b->file);
	if (!b->file.shared && !b->file.sizeless)
		(void)!mmap(b->table, sizeof(struct table), PROT_READ |
		    PROT_WRITE, MAP_SHARED | MAP_FIXED, b->file.fd, 0);
}

bool
board_alive(struct board *b, int index)
{
	const struct slot *s = &b->table->slot[index];

	if (s->kind == SLOT_FREE)
		return false;
	if (b->mine[index])
		return true;
	return file_taken(&b->file, FILE_FIRST_FREE + index);
}

bool
board_is_member(struct board *b, int index)
{
	const struct slot *s = &b->table->slot[index];

	return s->kind == SLOT_MEMBER && s->state < STATE_AWAY &&
	    s->inodes[0] && board_alive(b, index);
}

int
board_room(struct board *b)
{
	int room = 0;

	for (int i = 0; i < BOARD_SLOTS; i++)
		room += !board_alive(b, i);
	return room;
}

/* The dead slot of this name, a free one, or the one that died first. */
static int
pick_slot(struct board *b, const char *name)
{
	const struct slot *slot = b->table->slot;
	int unused = -1, oldest = -1;

	for (int i = 0; i < BOARD_SLOTS; i++) {
		if (slot[i].kind == SLOT_FREE) {
			unused = unused < 0 ? i : unused;
		} else if (!board_alive(b, i)) {
			if (strncmp(slot[i].name, name, BOARD_NAME) == 0)
				return i;
			if (oldest < 0 || slot[i].order < slot[oldest].order)
				oldest = i;
		}
	}
	if (unused < 0 && oldest < 0)
		return fail_as(STATUS_NETWORK, "board %s: full",
		    b->file.path);
	return unused >= 0 ? unused : oldest;
}

static void
slot_fill(struct board *b, struct slot *s, enum slot_kind kind,
    const char *name, uint64_t parent)
{
	bool same = parent && s->parent == parent && s->kind == kind &&
	    strncmp(s->name, name, BOARD_NAME) == 0;
	struct counters kept = s->counters;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(s, 0, sizeof(*s));
	s->weight = WEIGHT_DEFAULT;
	if (same)
		s->counters = kept;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->process = process_cookie();
	s->pid_namespace = process_pid_namespace();
	s->raw_pid = getpid();
	s->parent = parent;
	s->joined = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	s->order = ++b->table->order;
	s->kind = kind;
}

int
board_fill(struct board *b, enum slot_kind kind, const char *name,
    uint64_t parent)
{
	int index = pick_slot(b, name);

	if (index < 0)
		return -1;
	if (file_take(&b->file, FILE_FIRST_FREE + index) < 0) {
		fail("board %s", b->file.path);
		return -1;
	}
	b->mine[index] = true;
	slot_fill(b, &b->table->slot[index], kind, name, parent);
	return index;
}

void
board_set_state(struct board *b, int index, enum slot_state state)
{
	b->table->slot[index].state = state;
	file_ring(&b->file);
}

void
board_set_sockets(struct board *b, int index, const int *fds, int count)
{
	struct slot *s = &b->table->slot[index];

	memset(s->inodes, 0, sizeof(s->inodes));
	memset(s->programs, 0, sizeof(s->programs));
	for (int i = 0; i < count && i < BOARD_SOCKETS; i++) {
		/* a worker's sockets were tested before they were its own */
		s->tests[i] = listener_drops(fds[i]);
		s->inodes[i] = sock_inode(fds[i]);
		s->programs[i] = s->heir ? PROGRAM_SPOILT : 0;
	}
	s->heir = false;
	file_ring(&b->file);
}

struct shared *
board_shared(struct board *b)
{
	return &b->table->shared;
}

int
board_change_begin(struct board *b)
{
	return file_lock(&b->file);
}

void
board_change_end(struct board *b)
{
	file_unlock(&b->file);
	file_ring(&b->file);
}

void
board_ring(struct board *b)
{
	file_ring(&b->file);
}

int
board_steer_begin(struct board *b)
{
	/* what this very process holds could be taken again */
	if (b->steering || file_take(&b->file, FILE_STEER) < 0)
		return -1;
	b->steering = true;
	return 0;
}

void
board_steer_end(struct board *b)
{
	b->steering = false;
	file_give(&b->file, FILE_STEER);
	file_ring(&b->file);
}

struct slot *
board_slot(struct board *b, int index)
{
	return &b->table->slot[index];
}

/* The file goes with the last, under the mutex: somebody may be opening. */
void
board_close(struct board *b)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (b->mine[i])
			b->table->slot[i].state = STATE_LEFT;
	if (b->file.fd >= 0 && !b->reader && file_lock(&b->file) == 0 &&
	    !has_others(b))
		unlink(b->file.path);
	board_free(b);
}
