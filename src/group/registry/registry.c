/*
 * The registry of a port, as registry.h has it: a mapped file (registry_file.c)
 * of a head, the slots, and what the members share.
 *
 *	part		who writes it			what protects it
 *	head		the process that makes it	the file's mutex
 *	slot: names	its process			the file's mutex
 *	slot: counts	its process			nothing: 64-bit stores
 *	steering	any member			the file's mutex
 *	programs	the holder of FILE_STEER	that lock
 *
 * A slot is free, alive (its byte is locked) or dead (it is not). A dead slot
 * keeps its name and counts until a new member takes it.
 */
#include "group/registry/registry.h"

#include <stddef.h>
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
#include "net/accept_queue.h"
#include "net/sock.h"

enum { LAYOUT = 5 };

/*
 * The first bytes are locks and the notify byte (registry_file.h). They are at
 * these offsets in every version.
 */
struct head {
	char magic[8];
	uint32_t layout, slots;
};

static const struct head own_head = { "rpnc\r\n\x1a", LAYOUT, REGISTRY_SLOTS };

struct table {
	struct head head;
	uint64_t order;
	struct shared shared;
	struct slot slot[REGISTRY_SLOTS];
};

/* Versions with this LAYOUT have these sizes: new fields were padding. */
_Static_assert(sizeof(struct steering) == 920, "steering: the layout");
_Static_assert(offsetof(struct slot, counters) == 320 &&
    sizeof(struct slot) == 384, "slot: the layout");
_Static_assert(offsetof(struct shared, orders) == 944, "shared: the layout");

struct registry {
	struct registry_file file;
	struct table *table;
	struct sigbus_guard guard;
	bool mine[REGISTRY_SLOTS];		/* locked through file */
	bool reader, steering;
};

/* Without a file: memory that this process shares with its children. */
static int
table_share(struct registry *r)
{
	struct table *table = mmap(NULL, sizeof(*table), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED) {
		fail("registry");
		return -1;
	}
	table->head = own_head;
	r->table = table;
	return 0;
}

static int
table_map(struct registry *r)
{
	int protection = PROT_READ | (r->reader ? 0 : PROT_WRITE);
	struct stat st;

	if (r->file.sizeless)
		return table_share(r);
	if (fstat(r->file.fd, &st) < 0)
		return fail("registry %s", r->file.path);
	if ((size_t)st.st_size < sizeof(struct table))
		goto foreign;
	r->table = mmap(NULL, sizeof(struct table), protection, MAP_SHARED,
	    r->file.fd, 0);
	if (r->table == MAP_FAILED) {
		r->table = NULL;
		/* a private registry has no path */
		return fail("registry%s%s", *r->file.path ? " " : "",
		    r->file.path);
	}
	r->guard.at = r->table;
	r->guard.size = sizeof(struct table);
	sigbus_guard_add(&r->guard);
	if (memcmp(&r->table->head, &own_head, sizeof(own_head)) == 0)
		return 0;
foreign:
	return fail_as(STATUS_NETWORK, "registry %s: made by another version of "
	    "rpnc, or damaged", r->file.path);
}

static void
registry_free(struct registry *r)
{
	if (r->table) {
		sigbus_guard_remove(&r->guard);
		munmap(r->table, sizeof(struct table));
	}
	registry_file_close(&r->file);
	free(r);
}

static struct registry *
registry_new(void)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r)
		r->file.fd = -1;
	else
		fail("registry");
	return r;
}

static bool
has_others(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (!r->mine[i] && registry_alive(r, i))
			return true;
	return false;
}

struct registry *
registry_open(bool datagram, uint16_t port)
{
	struct registry *r = registry_new();

	if (r && registry_file_open(&r->file, datagram, port, &own_head,
	    sizeof(own_head), sizeof(struct table)) == 0 &&
	    table_map(r) == 0) {
		struct shared *shared = &r->table->shared;

		/* all members were killed: forget their steering */
		if (!has_others(r))
			memset(&shared->steering, 0, sizeof(shared->steering));
		/* the mutex stays locked until the first claim */
		if (!shared->mark[0])
			(void)!getrandom(shared->mark, sizeof(shared->mark),
			    GRND_NONBLOCK);
		return r;
	}
	if (r && r->file.fd >= 0 && r->file.made)
		registry_file_remove(&r->file);
	if (r)
		registry_free(r);
	return NULL;
}

struct registry *
registry_open_existing(bool datagram, uint16_t port)
{
	struct registry *r = registry_new();

	if (!r)
		return NULL;
	r->reader = true;
	if (registry_file_open_existing(&r->file, datagram, port) == 0 &&
	    table_map(r) == 0)
		return r;
	registry_free(r);
	return NULL;
}

bool
registry_is_named(const struct registry *r)
{
	return registry_file_is_named(&r->file);
}

struct registry *
registry_private(void)
{
	struct registry *r = registry_new();

	if (!r)
		return NULL;
	if (registry_file_private(&r->file, &own_head, sizeof(own_head),
	    sizeof(struct table)) == 0 && table_map(r) == 0)
		return r;
	registry_free(r);
	return NULL;
}

bool
registry_is_lost(const struct registry *r)
{
	return r->guard.lost;
}

int
registry_watch(const struct registry *r, int inotify, uint32_t events)
{
	return registry_file_watch(&r->file, inotify, events);
}

/*
 * The table is mapped again too, at the same address, because the old mapping
 * keeps the parent's open file, and so the locks of a dead parent.
 */
void
registry_reopen(struct registry *r)
{
	memset(r->mine, 0, sizeof(r->mine));
	registry_file_reopen(&r->file);
	if (!r->file.shared && !r->file.sizeless)
		(void)!mmap(r->table, sizeof(struct table), PROT_READ |
		    PROT_WRITE, MAP_SHARED | MAP_FIXED, r->file.fd, 0);
}

bool
registry_alive(struct registry *r, int index)
{
	const struct slot *s = &r->table->slot[index];

	if (s->kind == SLOT_FREE)
		return false;
	if (r->mine[index])
		return true;
	return registry_file_taken(&r->file, FILE_FIRST_FREE + index);
}

bool
registry_is_member(struct registry *r, int index)
{
	const struct slot *s = &r->table->slot[index];

	return s->kind == SLOT_MEMBER && s->state < STATE_AWAY &&
	    s->inodes[0] && registry_alive(r, index);
}

bool
registry_is_leaving(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (r->table->slot[i].leaving && registry_is_member(r, i))
			return true;
	return false;
}

int
slot_socket(const struct slot *s, uint64_t inode)
{
	for (int i = 0; inode && i < REGISTRY_SOCKETS; i++)
		if (s->inodes[i] == inode)
			return i;
	return -1;
}

int
registry_find_socket(struct registry *r, uint64_t inode, int *socket)
{
	for (int i = 0; inode && i < REGISTRY_SLOTS; i++) {
		int found = slot_socket(registry_slot(r, i), inode);

		if (found < 0 || !registry_is_member(r, i))
			continue;
		if (socket)
			*socket = found;
		return i;
	}
	return -1;
}

int
registry_room(struct registry *r)
{
	int room = 0;

	for (int i = 0; i < REGISTRY_SLOTS; i++)
		room += !registry_alive(r, i);
	return room;
}

/* The dead slot of this name, else a free one, else the one that died first. */
static int
pick_slot(struct registry *r, const char *name)
{
	const struct slot *slot = r->table->slot;
	int unused = -1, oldest = -1;

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		if (slot[i].kind == SLOT_FREE) {
			unused = unused < 0 ? i : unused;
		} else if (!registry_alive(r, i)) {
			if (strncmp(slot[i].name, name, REGISTRY_NAME) == 0)
				return i;
			if (oldest < 0 || slot[i].order < slot[oldest].order)
				oldest = i;
		}
	}
	if (unused < 0 && oldest < 0)
		return fail_as(STATUS_NETWORK, "registry %s: full",
		    r->file.path);
	return unused >= 0 ? unused : oldest;
}

static void
slot_fill(struct registry *r, struct slot *s, enum slot_kind kind,
    const char *name, uint64_t parent)
{
	bool same = parent && s->parent == parent && s->kind == kind &&
	    strncmp(s->name, name, REGISTRY_NAME) == 0;
	bool repair_due = s->repair_due;
	struct counters kept = s->counters;
	struct timespec now;

	for (int i = 0; i < REGISTRY_SOCKETS; i++)
		repair_due |= s->programs[i] != 0;
	clock_gettime(CLOCK_REALTIME, &now);
	memset(s, 0, sizeof(*s));
	s->repair_due = repair_due;
	s->weight = WEIGHT_DEFAULT;
	if (same)
		s->counters = kept;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->process = process_cookie();
	s->pid_namespace = process_pid_namespace();
	s->raw_pid = getpid();
	s->parent = parent;
	s->joined = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	s->order = ++r->table->order;
	s->kind = kind;
}

int
registry_fill(struct registry *r, enum slot_kind kind, const char *name,
    uint64_t parent)
{
	int index = pick_slot(r, name);

	if (index < 0)
		return -1;
	if (registry_file_take(&r->file, FILE_FIRST_FREE + index) < 0) {
		fail("registry %s", r->file.path);
		return -1;
	}
	r->mine[index] = true;
	slot_fill(r, &r->table->slot[index], kind, name, parent);
	return index;
}

void
registry_set_state(struct registry *r, int index, enum slot_state state)
{
	r->table->slot[index].state = state;
	registry_file_notify(&r->file);
}

void
registry_set_leaving(struct registry *r, int index, bool leaving)
{
	r->table->slot[index].leaving = leaving;
}

void
registry_set_sockets(struct registry *r, int index, const int *fds, int count)
{
	struct slot *s = &r->table->slot[index];

	memset(s->inodes, 0, sizeof(s->inodes));
	memset(s->programs, 0, sizeof(s->programs));
	memset(s->finer, 0, sizeof(s->finer));
	for (int i = 0; i < count && i < REGISTRY_SOCKETS; i++) {
		/*
		 * the parent tested a worker's sockets: start from these drops
		 */
		s->tests[i] = listener_drops(fds[i]);
		s->inodes[i] = sock_inode(fds[i]);
		s->programs[i] = s->repair_due ? PROGRAM_DIRTY : 0;
	}
	s->repair_due = false;
	registry_file_notify(&r->file);
}

struct shared *
registry_shared(struct registry *r)
{
	return &r->table->shared;
}

int
registry_change_begin(struct registry *r)
{
	return registry_file_lock(&r->file);
}

void
registry_change_end(struct registry *r)
{
	registry_file_unlock(&r->file);
	registry_file_notify(&r->file);
}

void
registry_notify(struct registry *r)
{
	registry_file_notify(&r->file);
}

int
registry_steer_begin(struct registry *r)
{
	/* a process could take its own lock a second time */
	if (r->steering || registry_file_take(&r->file, FILE_STEER) < 0)
		return -1;
	r->steering = true;
	return 0;
}

void
registry_steer_end_quietly(struct registry *r)
{
	r->steering = false;
	registry_file_give(&r->file, FILE_STEER);
}

void
registry_steer_end(struct registry *r)
{
	registry_steer_end_quietly(r);
	registry_file_notify(&r->file);
}

struct slot *
registry_slot(struct registry *r, int index)
{
	return &r->table->slot[index];
}

/* The last one removes the file, with the mutex: another may be opening it. */
void
registry_close(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (r->mine[i])
			r->table->slot[i].state = STATE_LEFT;
	if (r->file.fd >= 0 && !r->reader &&
	    registry_file_lock(&r->file) == 0 && !has_others(r))
		registry_file_remove(&r->file);
	registry_free(r);
}
