/*
 * The listening sockets of a group and their weights. A row's weight is the
 * number of its sockets, because the hash chooses a socket: a process with two
 * of them gets twice as many connections.
 *
 * Several processes may hold one socket, as nginx's do. Its weight goes to:
 *
 *	one was seen to accept		that one
 *	several were, or none was	all of them, in equal parts; but not to a
 *					manager: a parent of another holder that
 *					never answers
 */
#include "probe/who/listeners.h"

#include <stdlib.h>

#include "kernel/proc_fd.h"
#include "net/accept_queue.h"
#include "probe/who/newcomer.h"

enum { HOLDERS_MAX = 256 };

struct listener {
	uint64_t inode, cookie;
	int own;			/* its references while it is idle */
	int seen;			/* the row that accepts; -1: none yet,
					   -2: several */
	int count, rows[];		/* its holders; ascending by pid */
};

/* Its holders; after the first look, without newcomers: see newcomer.c. */
static int
listener_holders(const struct listeners *before, const struct tally *t,
    struct owners *o, uint64_t inode, pid_t pids[static HOLDERS_MAX])
{
	pid_t all[HOLDERS_MAX];
	int count = owners_holders(o, inode, all, HOLDERS_MAX), kept = 0;

	if (count > HOLDERS_MAX)
		count = HOLDERS_MAX;
	for (int i = 0; i < count; i++)
		if (!before || !newcomer_is(t, all, count, all[i], inode))
			pids[kept++] = all[i];
	return kept;
}

static struct listener *
listener_new(const struct listeners *before, struct tally *t,
    struct owners *o, uint64_t inode, uint64_t cookie, int own)
{
	pid_t pids[HOLDERS_MAX];
	int count = listener_holders(before, t, o, inode, pids);
	struct listener *l;

	l = calloc(1, sizeof(*l) + (size_t)count * sizeof(l->rows[0]));
	if (!l)
		return NULL;
	l->inode = inode;
	l->cookie = cookie;
	l->own = own;
	l->seen = -1;
	for (int i = 0; i < count; i++) {
		int row = tally_process(t, pids[i]);

		if (row < 0)
			continue;
		tally_joins(t, pids[i], row);
		t->rows[row].listens = true;
		l->rows[l->count++] = row;
	}
	return l;
}

static int
listeners_take(struct listeners *s, const struct listeners *before, struct tally
    *t, struct owners *o, const struct diag_sock *list, int count)
{
	s->at = calloc((size_t)count + 1, sizeof(struct listener *));
	if (!s->at)
		return -1;
	s->family = count > 0 ? list[0].local.sa.sa_family : AF_UNSPEC;
	for (int i = 0; i < count; i++) {
		s->at[s->count] = listener_new(before, t, o, list[i].inode,
		    list[i].cookie, list[i].mptcp ? 2 : 1);
		s->count += s->at[s->count] != NULL;
	}
	return 0;
}

int
listeners_fill(struct listeners *s, struct tally *t, struct owners *o,
    const struct diag_sock *list, int count)
{
	return listeners_take(s, NULL, t, o, list, count);
}

void
listeners_free(struct listeners *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->at[i]);
	free(s->at);
	*s = (struct listeners){ 0 };
}

static struct listener *
listener_find(const struct listeners *s, uint64_t inode)
{
	for (int i = 0; i < s->count; i++)
		if (s->at[i]->inode == inode)
			return s->at[i];
	return NULL;
}

static bool
listener_is_held_by(const struct listener *l, int row)
{
	for (int i = 0; i < l->count; i++)
		if (l->rows[i] == row)
			return true;
	return false;
}

int
listeners_follow(struct listeners *s, struct tally *t, struct owners *o,
    const struct diag_sock *list, int count)
{
	struct listeners now = { 0 };

	if (listeners_take(&now, s, t, o, list, count) < 0)
		return -1;
	for (int i = 0; i < now.count; i++) {
		const struct listener *l = listener_find(s, now.at[i]->inode);

		if (l && listener_is_held_by(now.at[i], l->seen))
			now.at[i]->seen = l->seen;
	}
	listeners_free(s);
	*s = now;
	return 0;
}

static bool
listener_has_moved(const struct listeners *s, const struct listener *l,
    const struct tally *t, struct owners *o)
{
	pid_t pids[HOLDERS_MAX];
	int count = listener_holders(s, t, o, l->inode, pids);

	if (count != l->count)
		return true;
	for (int i = 0; i < count; i++)
		if (t->rows[l->rows[i]].pid != pids[i])
			return true;
	return false;
}

bool
listeners_moved(const struct listeners *s, const struct tally *t,
    struct owners *o)
{
	for (int i = 0; i < s->count; i++)
		if (listener_has_moved(s, s->at[i], t, o))
			return true;
	return false;
}

int
listeners_row(const struct listeners *s, uint64_t inode)
{
	const struct listener *l = listener_find(s, inode);

	return l && l->count == 1 ? l->rows[0] : -1;
}

bool
listeners_have(const struct listeners *s, uint64_t inode)
{
	return listener_find(s, inode) != NULL;
}

bool
listeners_held_by(const struct listeners *s, pid_t pid)
{
	DIR *dir = proc_fd_open(pid);
	uint64_t inode;
	bool held = false;

	while (dir && !held && proc_fd_next(dir, &inode) >= 0)
		held = listener_find(s, inode) != NULL;
	if (dir)
		closedir(dir);
	return held;
}

uint64_t
listeners_half_open(const struct listeners *s)
{
	uint64_t *inodes = calloc((size_t)s->count + 1, sizeof(*inodes));
	int *own = calloc((size_t)s->count + 1, sizeof(*own));
	int one = -1;

	for (int i = 0; inodes && own && i < s->count; i++) {
		inodes[i] = s->at[i]->inode;
		own[i] = s->at[i]->own;
	}
	if (inodes && own && s->count > 0)
		one = listener_half_open(s->family, inodes, own, s->count);
	free(inodes);
	free(own);
	return one < 0 ? 0 : s->at[one]->inode;
}

void
listeners_observe(struct listeners *s, uint64_t inode, int row)
{
	struct listener *l = listener_find(s, inode);

	if (l && listener_is_held_by(l, row) && l->seen != row)
		l->seen = l->seen == -1 ? row : -2;
}

static bool
listeners_have_cookie(const struct listeners *s, uint64_t cookie)
{
	for (int i = 0; i < s->count; i++)
		if (s->at[i]->cookie == cookie)
			return true;
	return false;
}

bool
listeners_differ(const struct listeners *s, const struct diag_sock *list,
    int count)
{
	bool differ = count != s->count;

	for (int i = 0; i < count && !differ; i++)
		differ = !listeners_have_cookie(s, list[i].cookie);
	return differ;
}

bool
listeners_known(const struct listeners *s)
{
	for (int i = 0; i < s->count; i++)
		if (!s->at[i]->count)
			return false;
	return s->count > 0;
}

bool
listeners_complete(struct listeners *s, struct tally *t, struct owners *o)
{
	owners_refresh(o);
	for (int i = 0; i < s->count; i++) {
		struct listener *old = s->at[i];
		struct listener *l = old->count ? NULL :
		    listener_new(NULL, t, o, old->inode, old->cookie,
		    old->own);

		if (l) {
			l->seen = old->seen;
			s->at[i] = l;
			free(old);
		}
	}
	return listeners_known(s);
}

/* A holder that is the parent of another one, and never answered. */
static bool
listener_is_manager(const struct tally *t, const struct listener *l, int holder)
{
	const struct row *rows = t->rows;
	const struct row *r = &rows[l->rows[holder]];

	if (r->count || r->predicted)
		return false;
	for (int i = 0; i < l->count; i++)
		if (i != holder && owner_parent(rows[l->rows[i]].pid) ==
		    r->pid)
			return true;
	return false;
}

static bool
listener_is_accepting(const struct listeners *s, const struct tally *t,
    const struct listener *l, int holder)
{
	if (l->count == 1)
		return true;
	if (s->count > 1 && listener_is_held_by(l, l->seen))
		return l->rows[holder] == l->seen;
	return !listener_is_manager(t, l, holder);
}

bool
listeners_are_shared(const struct listeners *s, const struct tally *t)
{
	int members = 0;

	for (int i = 0; i < s->count; i++)
		if (s->at[i]->count > 1 && s->at[i]->seen == -2)
			return true;
	for (int i = 0; s->count == 1 && i < s->at[0]->count; i++)
		members += listener_is_accepting(s, t, s->at[0], i);
	return members > 1;
}

/* A socket counts for a row if it is its own, or the only one. */
static void
listener_weigh(const struct listeners *s, struct tally *t, const struct listener
    *l)
{
	bool member[HOLDERS_MAX];
	int members = 0;

	for (int i = 0; i < l->count; i++)
		members += member[i] = listener_is_accepting(s, t, l, i);
	for (int i = 0; i < l->count; i++) {
		struct row *r = &t->rows[l->rows[i]];

		if (!member[i])
			continue;
		r->weight += 1.0 / members;
		r->sockets += members == 1 || s->count == 1;
	}
}

static void
listener_queue_add(const struct listeners *s, struct tally *t,
    const struct diag_sock *d)
{
	const struct listener *l = listener_find(s, d->inode);
	int members = 0;

	for (int i = 0; l && i < l->count; i++)
		members += listener_is_accepting(s, t, l, i);
	for (int i = 0; l && i < l->count; i++) {
		struct row *r = &t->rows[l->rows[i]];

		if (!listener_is_accepting(s, t, l, i))
			continue;
		if (members > 1 || d->protocol != IPPROTO_TCP)
			r->waiting = -1;
		else if (r->waiting >= 0)
			r->waiting += d->rqueue;
	}
}

void
rows_ask(struct tally *t, int64_t waiting)
{
	for (int i = 0; i < t->count; i++) {
		struct row *r = &t->rows[i];

		r->asked = r->pid > 0 && !r->gone;
		r->stopped = r->asked && owner_is_stopped(r->pid);
		r->waiting = waiting;
	}
}

void
listeners_ask(const struct listeners *s, struct tally *t,
    const struct diag_sock *list, int count)
{
	rows_ask(t, 0);
	for (int i = 0; i < count; i++)
		listener_queue_add(s, t, &list[i]);
}

/* Managers get no row. No attempt is in flight, so rows may move. */
static void
tally_drop_managers(struct tally *t)
{
	int kept = 0;

	for (int i = 0; i < t->count; i++) {
		struct row *r = &t->rows[i];

		if (r->weight > 0 || r->count || r->predicted || r->queued ||
		    r->failed)
			t->rows[kept++] = *r;
	}
	t->count = kept;
}

void
listeners_weigh(const struct listeners *s, struct tally *t)
{
	for (int i = 0; i < s->count; i++)
		listener_weigh(s, t, s->at[i]);
	tally_drop_managers(t);
}
