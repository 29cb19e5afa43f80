#include "report/rate_history.h"

#include <stdlib.h>
#include <string.h>

static struct rate_track *
track_find(const struct rate_history *h, uint64_t key)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->tracks[i]->key == key)
			return h->tracks[i];
	return NULL;
}

static struct rate_track *
track_new(struct rate_history *h, uint64_t key)
{
	struct rate_track **all = realloc(h->tracks, (h->count + 1) *
	    sizeof(struct rate_track *));
	struct rate_track *t;

	if (!all)
		return NULL;
	h->tracks = all;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = key;
	all[h->count++] = t;
	return t;
}

static void
track_push(struct rate_track *t, struct rate_sample sample)
{
	if (t->count == RATE_SAMPLES)
		memmove(t->samples, t->samples + 1, --t->count *
		    sizeof(*t->samples));
	t->samples[t->count++] = sample;
}

void
rate_history_add(struct rate_history *h, uint64_t key, uint64_t total,
    double seconds, bool stopped)
{
	struct rate_track *t = track_find(h, key);
	bool first = t == NULL;

	if (!t && !(t = track_new(h, key)))
		return;
	if (!first && seconds > 0)
		track_push(t, (struct rate_sample){ .stopped = stopped,
			.rate = total > t->total ? (float)((double)
			(total - t->total) / seconds) : 0 });
	t->total = total;
	t->counted = true;
}

void
rate_history_forget(struct rate_history *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++) {
		struct rate_track *t = h->tracks[i];

		if (!t->counted) {
			free(t);
			continue;
		}
		t->counted = false;
		h->tracks[kept++] = t;
	}
	h->count = kept;
}

const struct rate_track *
rate_history_find(const struct rate_history *h, uint64_t key)
{
	const struct rate_track *t = track_find(h, key);

	return t && t->count ? t : NULL;
}

void
rate_history_free(struct rate_history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->tracks[i]);
	free(h->tracks);
	h->tracks = NULL;
	h->count = 0;
}
