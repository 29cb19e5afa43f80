#include "cmd/talk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"

static struct talk *
talk_of(struct relay *r)
{
	return r->user;
}

static void
on_data(struct relay *r, struct conn *c, const void *data, size_t length)
{
	struct talk *t = talk_of(r);

	if (t->desk.settings->hex)
		desk_hex(&t->desk, c, data, length);
	if (c)
		desk_payload(&t->desk, c, data, length);
}

/* The one connection was all there was to do: its fault is the command's. */
static void
end_fault(struct talk *t, const struct conn *c, enum reason reason, int error)
{
	char peer[ADDR_TEXT], time[NUM_TEXT];

	addr_text(&c->peer, peer);
	if (reason == REASON_TIMEOUT && !error)
		fail_as(STATUS_TIMEOUT, "%s: nothing heard or said for %s",
		    peer, duration_text(t->desk.settings->idle_timeout, time));
	else if (reason == REASON_TIMEOUT || reason == REASON_RESET) {
		errno = error;
		fail("%s", peer);
	} else
		return;
	if (error == ETIMEDOUT)
		fail_status_set(STATUS_TIMEOUT);
	desk_fault(&t->desk);
}

static void
on_closed(struct relay *r, struct conn *c, enum reason reason, int error)
{
	struct talk *t = talk_of(r);

	desk_closed(&t->desk, c, reason);
	if (!t->relay_options.keep)
		end_fault(t, c, reason, error);
	if (t->on_closed)
		t->on_closed(t, c);
	if (!r->count)
		t->on_last(t);
}

static void
on_input_fail(struct relay *r)
{
	desk_fault(&talk_of(r)->desk);
}

static void
on_drained(struct sink *s)
{
	struct desk *d = s->user;
	struct talk *t = (struct talk *)d;

	relay_resume(&t->relay);
	if (t->on_drained)
		t->on_drained(t);
}

int
talk_open(struct talk *t, const struct settings *s)
{
	static const struct relay_ops ops = {
		.on_data = on_data, .on_closed = on_closed,
		.on_input_fail = on_input_fail,
	};

	t->relay_options = (struct relay_options){
		.both = s->both, .crlf = s->crlf, .no_input = s->no_stdin,
		.keep = s->keep, .idle = s->idle_timeout,
		.linger = s->linger,
	};
	if (desk_open(&t->desk, s) < 0 || relay_init(&t->relay,
	    &t->desk.loop, &t->relay_options, &ops, &t->desk.out) < 0)
		return -1;
	t->relay.user = t;
	t->desk.out.on_drained = on_drained;
	return 0;
}

int
talk_add_conn(struct talk *t, struct conn *c)
{
	c->id = ++t->last_id;
	if (relay_add(&t->relay, c) < 0)
		return -1;
	desk_connected(&t->desk, c);
	return 0;
}

int
talk_add(struct talk *t, int fd, const struct conn_ops *ops)
{
	struct conn *c = conn_adopt(&t->desk.loop, fd, ops);

	if (!c)
		return -1;
	if (talk_add_conn(t, c) == 0)
		return 0;
	c->source.fd = -1;	/* stays the caller's */
	conn_free(c);
	return -1;
}

int
talk_close(struct talk *t)
{
	relay_free(&t->relay);
	return desk_close(&t->desk);
}
