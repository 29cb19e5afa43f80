/*
 * The registry, of which another process of this user may have written any
 * byte, at any time. The input is a byte of flags, a byte that says which slots
 * are locked, and a list of edits of a registry that has three members: a place
 * (3 bytes), a length, and so many bytes. CUT as the place's last byte cuts the
 * file short.
 *
 * How it works. One registry is kept for all inputs, mapped here too, and its
 * bytes are put back after each. With CHANGING the edits are made and undone
 * again and again while all is read: whenever a function has looked so often at
 * a slot, and with BY_TIMER by a signal, so at any instruction, as a process on
 * another processor would. Only if the head changes, or the file is cut short,
 * files are opened anew.
 */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "group/group_stats.h"
#include "group/reach/port_group.h"
#include "group/registry/process_id.h"
#include "group/registry/registry_events.h"
#include "group/registry/registry_file.h"
#include "group/registry/spare_request.h"
#include "group/replace.h"
#include "group/steer/shares.h"
#include "probe/load/expected_shares.h"
#include "probe/who/registry_counts.h"

/* Its name in timer_create(2), which musl has, and this glibc lacks. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	/* In the flags; the other bits: how often, and how soon. */
	CHANGING = 1, BY_TIMER = 2,
	CUT = 255,
	HEAD = 16,
	SOCKETS = 8,
	TIMES = 20,			/* they are made at most */
};

static struct kept {
	struct registry *registry, *reader;
	void *copy;			/* of *registry, after it was made */
	struct registry_events events;
	struct loop loop;
	int file;			/* the registry's */
	uint8_t *bytes, *image;		/* mapped; what was there */
	size_t size;
	timer_t timer;
	bool timed;
} kept;

static struct edits {
	const uint8_t *data;
	size_t length;
	bool undo, cut, head;
	volatile bool at_work;		/* the timer may fire meanwhile */
	unsigned every, looks;		/* every 0: not at looks */
	unsigned delay;			/* of the timer, in nanoseconds */
	volatile int times;
} edits;

/* This target's turn, and the locks that others seem to have. */
static bool ours, anew;
static unsigned locked;

int __wrap_registry_file_private(struct registry_file *, const void *, size_t,
    size_t);
int __real_registry_file_private(struct registry_file *, const void *, size_t,
    size_t);
int __wrap_registry_file_open_existing(struct registry_file *, bool, uint16_t);
int __real_registry_file_open_existing(struct registry_file *, bool, uint16_t);
int __wrap_registry_file_open(struct registry_file *, bool, uint16_t,
    const void *, size_t, size_t);
int __real_registry_file_open(struct registry_file *, bool, uint16_t,
    const void *, size_t, size_t);
bool __wrap_registry_file_taken(const struct registry_file *, int);
bool __real_registry_file_taken(const struct registry_file *, int);
struct registry *__wrap_registry_open_existing(bool, uint16_t);
struct registry *__real_registry_open_existing(bool, uint16_t);
void __wrap_registry_close(struct registry *);
void __real_registry_close(struct registry *);
struct slot *__wrap_registry_slot(struct registry *, int);
struct slot *__real_registry_slot(struct registry *, int);
struct shared *__wrap_registry_shared(struct registry *);
struct shared *__real_registry_shared(struct registry *);
int __wrap_owner_state(pid_t);
int __real_owner_state(pid_t);
int __wrap_inotify_init1(int);
int __real_inotify_init1(int);

int
__wrap_registry_file_private(struct registry_file *f, const void *head,
    size_t head_length, size_t size)
{
	int result = __real_registry_file_private(f, head, head_length, size);

	kept.file = f->fd;
	return result;
}

static int
open_kept(struct registry_file *f, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept.file);
	f->fd = open(path, flags | O_CLOEXEC);
	HOLDS(f->fd >= 0);
	return 0;
}

int
__wrap_registry_file_open_existing(struct registry_file *f, bool datagram,
    uint16_t port)
{
	return ours ? open_kept(f, O_RDONLY) :
	    __real_registry_file_open_existing(f, datagram, port);
}

int
__wrap_registry_file_open(struct registry_file *f, bool datagram, uint16_t port,
    const void *head, size_t head_length, size_t size)
{
	return ours ? open_kept(f, O_RDWR) : __real_registry_file_open(f,
	    datagram, port, head, head_length, size);
}

static void
put(size_t place, const uint8_t *data, size_t n)
{
	n = n < kept.size - place ? n : kept.size - place;
	edits.head |= place < HEAD;
	if (edits.cut)		/* a store there would be SIGBUS */
		(void)!pwrite(kept.file, data, n, (off_t)place);
	else
		memcpy(kept.bytes + place, data, n);
}

/* Makes one edit, or undoes it; returns the place of the next one. */
static const uint8_t *
edit(const uint8_t *at, size_t left)
{
	size_t place = (at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16) %
	    kept.size;
	size_t n = at[3] < left - 4 ? at[3] : left - 4;

	if (at[2] != CUT) {
		put(place, edits.undo ? kept.image + place : at + 4, n);
	} else if (!edits.cut) {
		edits.cut = true;
		(void)!ftruncate(kept.file, (off_t)place);
	}
	return at + 4 + n;
}

static void
edit_all(void)
{
	const uint8_t *at = edits.data, *end = at + edits.length;

	if (edits.at_work)
		return;
	edits.at_work = true;
	while (end - at > 4)
		at = edit(at, (size_t)(end - at));
	edits.undo = !edits.undo;
	edits.at_work = false;
}

/* Calls on_timer() soon; delay 0: never. */
static void
start_timer(unsigned delay)
{
	const struct itimerspec when = { .it_value.tv_nsec = (long)delay };

	HOLDS(timer_settime(kept.timer, 0, &when, NULL) == 0);
}

static void
on_timer(int number)
{
	(void)number;
	edit_all();
	if (edits.times-- > 0)
		start_timer(edits.delay);
}

/* At a look at the registry. */
static void
edit_often(void)
{
	if (edits.every && ++edits.looks % edits.every == 0 &&
	    edits.times-- > 0)
		edit_all();
}

bool
__wrap_registry_file_taken(const struct registry_file *f, int byte)
{
	if (!ours)
		return __real_registry_file_taken(f, byte);
	edit_often();
	return locked >> (byte & 7) & 1;
}

struct registry *
__wrap_registry_open_existing(bool datagram, uint16_t port)
{
	return ours && !anew ? kept.reader :
	    __real_registry_open_existing(datagram, port);
}

void
__wrap_registry_close(struct registry *r)
{
	if (!ours || r != kept.reader || anew)
		__real_registry_close(r);
}

int
__wrap_owner_state(pid_t pid)
{
	return ours ? "RSTZ"[pid & 3] : __real_owner_state(pid);
}

/* One is never closed: the kernel takes milliseconds to close the last. */
int
__wrap_inotify_init1(int flags)
{
	static int first = -1;

	if (!ours)
		return __real_inotify_init1(flags);
	if (first < 0)
		first = __real_inotify_init1(flags);
	return fcntl(first, F_DUPFD_CLOEXEC, 0);
}

struct slot *
__wrap_registry_slot(struct registry *r, int index)
{
	edit_often();
	return __real_registry_slot(r, index);
}

struct shared *
__wrap_registry_shared(struct registry *r)
{
	edit_often();
	return __real_registry_shared(r);
}

static void
read_slots(struct registry *r)
{
	char text[SLOT_TEXT], name[REGISTRY_NAME];

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		if (s->kind == SLOT_FREE)
			continue;
		HOLDS(strlen(slot_text(s, text)) < SLOT_TEXT);
		HOLDS(strlen(slot_name(s, name)) < REGISTRY_NAME);
		state_name(s->state);
		slot_socket(s, 7);
		slot_target(s);
		mode_weight(r, i);
		mode_weight_is_default(r, i);
		request_is_here(r, i);
		replace_taken_from(r, s);
	}
	registry_find_socket(r, 7, NULL);
	registry_drops(r, 7, 7, 7);
	registry_drops(r, 9, 9, 7);
	registry_room(r);
	registry_has_name(r, "A");
	registry_name_taken(r, "A/1", 1, true);
	registry_find(r, "B", 0);
	registry_find_process(r, 1);
	request_of(r, 7);
	request_any(r);
	replace_is_name(r, "7", "A");
	port_group_is_steered(r);
}

static void
read_steering(struct registry *r)
{
	const struct steering *s = &registry_shared(r)->steering;
	char text[MODE_TEXT];

	HOLDS(strlen(mode_text(s, text)) < MODE_TEXT);
	HOLDS(mode_of(s) < STEER_MODES);
	HOLDS(mode_older(s) < STEER_MODES);
	HOLDS(mode_offset(s) <= STEER_OFFSET_MAX);
	mode_suits(s, true);
}

/* A group of sockets that are partly the members' own. */
static void
read_group(struct registry *r)
{
	static struct group g;
	static struct diag_sock list[SOCKETS];

	for (int i = 0; i < SOCKETS; i++) {
		list[i].inode = (uint64_t)i;
		list[i].cookie = (uint64_t)i;
	}
	memset(&g, 0, sizeof(g));
	g.registry = r;
	g.list = list;
	g.n = SOCKETS;
	group_take(&g);
	group_share(&g);
	group_is_uneven(&g);
	HOLDS(group_mode(&g) < STEER_MODES);
	reconcile_known(r, list, SOCKETS);
}

static void
read_members(struct registry *r)
{
	static struct group_stats stats;
	char text[SHARES_TEXT];
	struct sockinfo none = { 0 };
	struct sock_set set = { 0 };
	struct members members;

	memset(&stats, 0, sizeof(stats));
	for (int i = 0; i < 2; i++) {
		if (members_list(&none, r, false, &set, &members) < 0 ||
		    group_stats_take(&stats, r, &members, i - 1, false) < 0)
			break;
		group_stats_shares(&stats, r, text);
		group_stats_sample(&stats, 1 + i * 2000000);
	}
	group_stats_free(&stats);
}

static void
expect(struct registry_counts *c, struct tally *t)
{
	static struct expected_shares x;
	enum knowledge known = KNOW_ALL;
	bool changed = false;

	memset(&x, 0, sizeof(x));
	x.local = true;
	x.weighed = locked & 1;
	expected_shares_apply(&x, c, t, &known, &changed);
	HOLDS(known <= KNOW_NOTHING);
}

static void
read_counts(void)
{
	static struct registry_counts c;
	static struct tally t;
	char text[MODE_TEXT + 80];

	memset(&t, 0, sizeof(t));
	if (registry_counts_open(&c, false, 9) < 0)
		return;
	registry_counts_begin(&c, &t);
	registry_counts_follow(&c, &t);
	registry_counts_is_full(&c);
	registry_counts_has(&c, &t);
	registry_counts_name(&c, &t);
	registry_counts_steering(&c, text, sizeof(text));
	expect(&c, &t);
	registry_counts_end(&c, &t);
	registry_counts_forget(&c, 0);
	registry_counts_close(&c);
	tally_free(&t);
}

/* As processes that come now. */
static void
read_anew(void)
{
	struct registry *r;

	anew = true;
	r = registry_open(false, 9);
	if (r)
		registry_close(r);
	read_counts();
	anew = false;
}

static void
read_all(struct registry *r)
{
	read_slots(r);
	read_steering(r);
	read_group(r);
	read_members(r);
	read_counts();
}

static void
change(struct registry *r)
{
	struct steering s;

	registry_claim(r, SLOT_MEMBER, NULL, 0);
	registry_claim(r, SLOT_MEMBER, "C", 1);
	replace_find(r, "B");
	replace_take_name(r, "B", "B");
	replace_give_back(r, registry_slot(r, 2), "B");
	replace_request(r, 1);
	if (mode_parse("A=7,B=3", &s) == 0)
		mode_set(r, &s);
	registry_set_state(r, 0, STATE_FULL);
	if (registry_steer_begin(r) == 0) {
		registry_forgive(r, 9, 9, 1);
		registry_steer_end(r);
	}
}

static void
on_slot(struct registry_events *e, const struct slot *s)
{
	char text[SLOT_TEXT];

	(void)e;
	HOLDS(strlen(slot_text(s, text)) < SLOT_TEXT);
}

static void
on_steering(struct registry_events *e, const struct steering *s)
{
	char text[MODE_TEXT];

	(void)e;
	HOLDS(strlen(mode_text(s, text)) < MODE_TEXT);
}

static void
make(void)
{
	const uint64_t inode = 7;
	struct registry *r = registry_private();
	struct stat st;
	int a, request;

	HOLDS(r);
	a = registry_claim(r, SLOT_MEMBER, "A", 0);
	HOLDS(a >= 0 && registry_claim(r, SLOT_MEMBER, "A/1",
	    registry_slot(r, a)->process) >= 0);
	HOLDS(registry_claim(r, SLOT_MEMBER, "B", 0) >= 0);
	registry_slot(r, a)->inodes[0] = inode;
	request = request_claim(r);
	HOLDS(request >= 0 && request_set(r, request, getpid(), &inode,
	    1) == 0);
	HOLDS(fstat(kept.file, &st) == 0);
	kept.size = (size_t)st.st_size;
	kept.registry = r;
}

/* Maps the file, and copies what is to be put back. */
static void
keep(void)
{
	size_t size = malloc_usable_size(kept.registry);

	kept.bytes = mmap(NULL, kept.size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    kept.file, 0);
	HOLDS(kept.bytes != MAP_FAILED);
	kept.image = fuzz_copy(kept.bytes, kept.size);
	kept.copy = fuzz_copy(kept.registry, size);
}

static void
watch(void)
{
	static const struct registry_events_ops ops = {
		.on_join = on_slot, .on_leave = on_slot, .on_state = on_slot,
		.on_steering = on_steering, .on_request = on_slot,
		.on_request_end = on_slot,
	};

	kept.events.ops = &ops;
	HOLDS(loop_open(&kept.loop) == 0);
	HOLDS(registry_events_open(&kept.events, &kept.loop,
	    kept.registry) == 0);
}

static void
prepare_timer(void)
{
	struct sigaction action = { .sa_handler = on_timer,
		.sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMIN };

	event.sigev_notify_thread_id = gettid();	/* libFuzzer has threads */
	HOLDS(sigaction(SIGRTMIN, &action, NULL) == 0);
	HOLDS(timer_create(CLOCK_MONOTONIC, &event, &kept.timer) == 0);
	kept.timed = true;
}

static void
prepare(void)
{
	make();
	ours = anew = true;
	kept.reader = registry_open_existing(false, 9);
	anew = false;
	HOLDS(kept.reader);
	locked = CUT;
	watch();
	keep();
}

static void
look_again(void)
{
	struct registry_events *e = &kept.events;

	e->source.on_event(&e->source, EPOLLIN);
}

/* A file that was short has lost its pages: all begins anew. */
static void
discard(void)
{
	registry_events_close(&kept.events);
	loop_close(&kept.loop);
	ours = false;
	registry_close(kept.reader);
	registry_close(kept.registry);
	munmap(kept.bytes, kept.size);
	free(kept.image);
	free(kept.copy);
	kept.registry = NULL;
}

static void
put_back(void)
{
	memcpy(kept.bytes, kept.image, kept.size);
	memcpy(kept.registry, kept.copy, malloc_usable_size(kept.registry));
	locked = CUT;
	look_again();
}

static void
read_edited(unsigned flags)
{
	if (flags & CHANGING)
		edits.every = 1 + (flags >> 2) * 16;
	else
		edit_all();
	if ((flags & BY_TIMER) && (flags & CHANGING))
		start_timer(edits.delay);
	look_again();
	read_all(kept.registry);
	if (edits.head || edits.cut)
		read_anew();
	change(kept.registry);
	read_steering(kept.registry);
	look_again();
	kept.events.again.on_timer(&kept.events.again);
	edits.every = 0;
	edits.times = 0;	/* or a signal that is due starts it again */
	if (flags & BY_TIMER)
		start_timer(0);
	edits.length = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	unsigned flags = fuzz_byte(&data, &length);
	unsigned others = fuzz_byte(&data, &length);

	if (!kept.timed)
		prepare_timer();
	if (!kept.registry)
		prepare();
	ours = true;
	locked = others;
	edits = (struct edits){
		.data = data, .length = length, .times = TIMES,
		.delay = 1000 + (flags >> 2) * 1000,
	};
	read_edited(flags);
	if (edits.cut)
		discard();
	else
		put_back();
	ours = false;
	return 0;
}
