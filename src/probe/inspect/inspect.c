/*
 * How it works. The sockets of the last sample are put together to groups as
 * the kernel does it, and each is asked for all that /proc, the registry, and
 * earlier samples know of it. Those that are bound and don't listen are no
 * part of a group, but shown with those of the same address.
 */
#include "probe/inspect/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "probe/inspect/inspect_group.h"

int
survey_open(struct survey *s)
{
	lookout_open(&s->lookout);
	return s->lookout.diag ? 0 : -1;
}

static void
groups_free(struct survey *s)
{
	for (int i = 0; i < s->count; i++)
		found_free(&s->groups[i]);
	free(s->groups);
	s->groups = NULL;
	s->count = 0;
}

void
survey_close(struct survey *s)
{
	groups_free(s);
	for (int i = 0; i < s->taken; i++)
		sample_free(&s->samples[i]);
	s->taken = 0;
	lookout_close(&s->lookout);
}

int
survey_sample(struct survey *s)
{
	struct sample new;

	if (sample_take(&new, s->lookout.diag, s->datagram, s->port) < 0)
		return -1;
	if (s->taken == SURVEY_SAMPLES) {
		sample_free(&s->samples[0]);
		memmove(s->samples, s->samples + 1,
		    (SURVEY_SAMPLES - 1) * sizeof(s->samples[0]));
		s->taken--;
	}
	s->samples[s->taken++] = new;
	return 0;
}

bool
survey_is_settled(const struct survey *s)
{
	const struct rivals *now = &s->samples[s->taken - 1].listening;

	if (s->taken == SURVEY_SAMPLES)
		return true;
	for (int i = 0; i < now->count; i++)
		if (now->list[i].rqueue)
			return false;
	return true;
}

static bool
is_wanted(const struct survey *s, const struct diag_sock *d)
{
	struct diag_sock host = rival_like(&s->host, s->datagram, NULL);

	if (s->family != AF_UNSPEC && d->local.sa.sa_family != s->family)
		return false;
	return !s->host.len || relation_of(d, &host) != APART;
}

static bool
is_among(const struct rivals *r, const struct diag_sock *d)
{
	for (int i = 0; i < r->count; i++)
		if (in_one_group(&r->list[i], d))
			return true;
	return false;
}

static int
groups_fill(struct survey *s, struct rivals *r)
{
	struct sample *last = &s->samples[s->taken - 1];
	const struct rivals *lists[] = { &last->listening, &last->bound };

	for (int k = 0; k < 2; k++)
		for (int i = 0; i < lists[k]->count; i++) {
			const struct diag_sock *d = &lists[k]->list[i];
			struct group_found *g = &s->groups[s->count];

			if (!is_wanted(s, d) || !rival_is_first(lists[k], i) ||
			    (k && is_among(lists[0], d)))
				continue;
			g->at = k ? -1 : i;
			s->count++;
			if (found_fill(g, s->samples, s->taken, r, d) < 0)
				return -1;
		}
	return s->count;
}

int
survey_judge(struct survey *s)
{
	struct sample *last = &s->samples[s->taken - 1];
	struct rivals r = last->listening;
	struct fault told;
	int n;

	groups_free(s);
	s->groups = calloc((size_t)last->listening.count +
	    (size_t)last->bound.count + 1, sizeof(*s->groups));
	if (!s->groups)
		return fail("groups");
	if (s->lookout.owners)
		owners_refresh(s->lookout.owners);
	fail_save(&told);
	r.lookout = s->lookout;
	r.registry = registry_look(s->datagram, s->port);
	r.looked = true;
	fail_restore(&told);
	n = groups_fill(s, &r);
	if (r.registry)
		registry_close(r.registry);
	return n;
}

struct group_report *
survey_group(struct survey *s, int index)
{
	return &s->groups[index].report;
}
