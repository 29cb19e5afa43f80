/*
 * The registry, of which another process of this user may have written any
 * byte, at any time. The input is a list of edits of a registry that has three
 * members: a place (3 bytes), a length, and so many bytes. A place beyond the
 * end cuts the file short. The first byte's lowest bit: a thread goes on making
 * the edits while all is read.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "group/group_stats.h"
#include "group/registry/registry_events.h"
#include "group/registry/registry_file.h"
#include "group/registry/spare_request.h"
#include "group/steer/shares.h"
#include "probe/who/registry_counts.h"

/* The registry's file; -1: another target's turn. */
static int file = -1;

struct edits {
	const uint8_t *at;
	size_t length, size;
	atomic_bool stop;
};

int __wrap_registry_file_private(struct registry_file *, const void *, size_t,
    size_t);
int __real_registry_file_private(struct registry_file *, const void *, size_t,
    size_t);
int __wrap_registry_file_look(struct registry_file *, bool, uint16_t);
int __real_registry_file_look(struct registry_file *, bool, uint16_t);

int
__wrap_registry_file_private(struct registry_file *f, const void *head,
    size_t head_length, size_t size)
{
	int result = __real_registry_file_private(f, head, head_length, size);

	file = f->fd;
	return result;
}

int
__wrap_registry_file_look(struct registry_file *f, bool datagram, uint16_t port)
{
	char path[32];

	if (file < 0)
		return __real_registry_file_look(f, datagram, port);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	HOLDS(f->fd >= 0);
	return 0;
}

static void
edit(const struct edits *e)
{
	const uint8_t *at = e->at;
	size_t left = e->length;

	while (left > 4) {
		size_t place = at[0] | (size_t)at[1] << 8 |
		    (size_t)at[2] << 16;
		size_t n = at[3];

		at += 4;
		left -= 4;
		n = n < left ? n : left;
		if (place >= e->size)
			(void)!ftruncate(file, (off_t)(place % e->size));
		else
			(void)!pwrite(file, at, n, (off_t)place);
		at += n;
		left -= n;
	}
}

static void *
edit_on(void *user)
{
	struct edits *e = user;

	while (!atomic_load(&e->stop))
		edit(e);
	return NULL;
}

static void
read_slots(struct registry *r)
{
	char text[SLOT_TEXT], name[REGISTRY_NAME];

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		const struct slot *s = registry_slot(r, i);

		HOLDS(strlen(slot_text(s, text)) < SLOT_TEXT);
		HOLDS(strlen(slot_name(s, name)) < REGISTRY_NAME);
		state_name(s->state);
		slot_socket(s, 7);
		slot_target(s);
		mode_weight(r, i);
		mode_weight_is_default(r, i);
		request_is_here(r, i);
	}
	registry_find_socket(r, 7, NULL);
	registry_drops(r, 7, 7, 7);
	registry_room(r);
	registry_has_name(r, "A");
	registry_name_taken(r, "A/1", 1, true);
	registry_find(r, "B", 0);
	registry_find_process(r, 1);
	request_of(r, 7);
	request_any(r);
}

static void
read_steering(struct registry *r)
{
	const struct steering *s = &registry_shared(r)->steering;
	char text[MODE_TEXT];

	HOLDS(strlen(mode_text(s, text)) < MODE_TEXT);
	HOLDS(mode_of(s) < STEER_MODES);
	HOLDS(mode_older(s) < STEER_MODES);
	mode_suits(s, true);
}

/* A group of sockets that are partly the members' own. */
static void
read_group(struct registry *r)
{
	struct group *g = calloc(1, sizeof(*g));
	struct diag_sock list[8] = { 0 };

	HOLDS(g);
	for (int i = 0; i < 8; i++) {
		list[i].inode = (uint64_t)i;
		list[i].cookie = (uint64_t)i;
	}
	g->registry = r;
	g->list = list;
	g->n = 8;
	group_take(g);
	group_share(g);
	group_is_uneven(g);
	HOLDS(group_mode(g) < STEER_MODES);
	reconcile_known(r, list, 8);
	free(g);
}

static void
read_members(struct registry *r)
{
	struct group_stats *stats = calloc(1, sizeof(*stats));
	char text[SHARES_TEXT];
	struct sockinfo none = { 0 };
	struct sock_set set = { 0 };
	struct members members;

	HOLDS(stats);
	if (members_list(&none, r, false, &set, &members) >= 0 &&
	    group_stats_take(stats, r, &members, 0, false) == 0)
		group_stats_shares(stats, r, text);
	group_stats_free(stats);
	free(stats);
}

static void
read_counts(void)
{
	struct registry_counts *c = calloc(1, sizeof(*c));
	struct tally *t = calloc(1, sizeof(*t));
	char text[MODE_TEXT + 80];

	HOLDS(c && t);
	if (registry_counts_open(c, false, 9) >= 0) {
		registry_counts_begin(c, t);
		registry_counts_follow(c, t);
		registry_counts_is_full(c);
		registry_counts_name(c, t);
		registry_counts_steering(c, text, sizeof(text));
		registry_counts_end(c, t);
		registry_counts_close(c);
	}
	tally_free(t);
	free(t);
	free(c);
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

static struct registry *
make(void)
{
	const uint64_t inode = 7;
	struct registry *r = registry_private();
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
	return r;
}

static void
change(struct registry *r)
{
	struct steering s;

	registry_claim(r, SLOT_MEMBER, NULL, 0);
	registry_claim(r, SLOT_MEMBER, "C", 1);
	if (mode_parse("A=7,B=3", &s) == 0)
		mode_set(r, &s);
	registry_set_state(r, 0, STATE_FULL);
	if (registry_steer_begin(r) == 0) {
		registry_forgive(r, 9, 9, 1);
		registry_steer_end(r);
	}
}

static void
watch(struct registry *r, struct edits *e)
{
	static const struct registry_events_ops ops;
	struct registry_events *events = calloc(1, sizeof(*events));
	struct loop loop;

	HOLDS(events && loop_open(&loop) == 0);
	events->ops = &ops;
	if (registry_events_open(events, &loop, r) == 0) {
		edit(e);
		events->source.on_event(&events->source, EPOLLIN);
		registry_events_close(events);
	}
	loop_close(&loop);
	free(events);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	bool meanwhile = fuzz_byte(&data, &length) & 1;
	struct edits e = { .at = data, .length = length };
	struct registry *r = make();
	struct stat st;
	pthread_t thread;

	HOLDS(fstat(file, &st) == 0);
	e.size = (size_t)st.st_size;
	watch(r, &e);
	if (meanwhile)
		HOLDS(pthread_create(&thread, NULL, edit_on, &e) == 0);
	read_all(r);
	change(r);
	read_steering(r);
	atomic_store(&e.stop, true);
	if (meanwhile)
		pthread_join(thread, NULL);
	file = -1;
	registry_close(r);
	return 0;
}
