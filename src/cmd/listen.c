/* rpnc listen: wait for clients and talk to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/num.h"
#include "cmd/command.h"
#include "cmd/place.h"
#include "cmd/talk.h"
#include "net/peers.h"
#include "serve/accept.h"

enum { PEERS_MAX = 1024 };

struct server {
	struct talk talk;	/* first */
	struct settings *settings;
	struct place place;
	struct acceptor acceptor;
	struct peers peers;
	struct timer waiting;	/* --accept-timeout */
	bool closing;		/* the last clients are being accepted */
};

static struct server *
server_of(struct talk *t)
{
	return (struct server *)t;
}

static void
wait_for_client(struct server *v)
{
	if (v->settings->accept_timeout)
		loop_timer_set(&v->talk.desk.loop, &v->waiting, loop_now() +
		    v->settings->accept_timeout);
}

static void
on_waited(struct timer *timer)
{
	struct server *v = (struct server *)((char *)timer -
	    offsetof(struct server, waiting));
	char time[NUM_TEXT];

	fail_as(STATUS_TIMEOUT, "no client came in %s",
	    duration_text(v->settings->accept_timeout, time));
	desk_fatal(&v->talk.desk);
}

static void
count(struct server *v, const struct conn *c, bool opened)
{
	struct counters *n = &place_slot(&v->place)->counters;

	if (opened) {
		n->accepted++;
		return;
	}
	n->closed++;
	n->in += c->in;
	n->out += c->out;
}

static void
on_closed(struct talk *t, struct conn *c)
{
	struct server *v = server_of(t);

	count(v, c, false);
	if (!v->settings->udp)
		acceptor_freed(&v->acceptor);
}

static void
on_last(struct talk *t)
{
	struct server *v = server_of(t);

	if (v->settings->keep)
		wait_for_client(v);
	else
		loop_stop(&t->desk.loop);
}

static void
on_drained(struct talk *t)
{
	struct server *v = server_of(t);

	if (v->settings->udp)
		peers_resume(&v->peers);
	else
		acceptor_resume(&v->acceptor);
}

/*
 * One client is enough: later ones are refused. In a group those that are
 * queued already would be reset, so they are served too.
 */
static void
close_door(struct server *v)
{
	struct acceptor *a = &v->acceptor;

	v->closing = true;
	if (v->settings->reuseport)
		acceptor_drain(a);
	acceptor_close(a);
}

static void
on_accept(struct acceptor *a, int fd)
{
	struct server *v = a->user;

	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	if (talk_add(&v->talk, fd, &conn_stream) < 0) {
		desk_error(&v->talk.desk);
		close(fd);
		acceptor_freed(a);
		return;
	}
	count(v, NULL, true);
	if (!v->settings->keep && !v->closing)
		close_door(v);
	else if (sink_full(&v->talk.desk.out))
		acceptor_pause(a);
}

static void
on_exhausted(struct acceptor *a)
{
	struct server *v = a->user;

	desk_error(&v->talk.desk);
}

static bool
ready(struct peers *p)
{
	struct server *v = p->user;

	return !sink_full(&v->talk.desk.out);
}

static int
on_peer(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	loop_timer_cancel(&v->talk.desk.loop, &v->waiting);
	if (talk_add_conn(&v->talk, c) < 0)
		return -1;
	count(v, NULL, true);
	return 0;
}

static void
on_evict(struct peers *p, struct conn *c)
{
	struct server *v = p->user;

	relay_close(&v->talk.relay, c, REASON_LOCAL, 0);
}

static int
serve_datagrams(struct server *v)
{
	v->peers = (struct peers){
		.lock = !v->settings->keep, .ready = ready,
		.on_peer = on_peer, .on_evict = on_evict, .user = v,
		.limit = v->settings->max_conns ?
		    (unsigned)v->settings->max_conns : PEERS_MAX,
	};
	return peers_open(&v->peers, &v->talk.desk.loop, &v->place.set);
}

static int
serve_streams(struct server *v)
{
	v->acceptor = (struct acceptor){
		.limit = (unsigned)v->settings->max_conns,
		.on_accept = on_accept, .on_exhausted = on_exhausted,
		.user = v,
	};
	return acceptor_open(&v->acceptor, &v->talk.desk.loop, &v->place.set);
}

static int
serve(struct server *v)
{
	v->waiting.on_timer = on_waited;
	place_tell(&v->place, &v->talk.desk, 1);
	if ((v->settings->udp ? serve_datagrams(v) : serve_streams(v)) < 0)
		return -1;
	desk_ready(&v->talk.desk, &v->place.set);
	wait_for_client(v);
	return loop_run(&v->talk.desk.loop);
}

static int
run(struct settings *s, int words_count, char *const *words, int *ended_by)
{
	struct server v = {
		.talk = { .on_last = on_last, .on_closed = on_closed,
		    .on_drained = on_drained },
		.settings = s,
	};
	struct endpoint e;
	int status;

	if (settings_endpoint(s, words_count, words, &e) < 0 ||
	    place_check(s, &e) < 0)
		return -1;
	s->keep = s->keep || (s->reuseport && !s->once);
	if (place_open(&v.place, s, &e, SLOT_MEMBER) < 0 || talk_open(&v.talk, s) < 0)
		return -1;
	raise_descriptor_limit();
	if (serve(&v) < 0)
		desk_fault(&v.talk.desk);
	*ended_by = v.talk.desk.ended_by;
	relay_close_all(&v.talk.relay, REASON_CUT);
	if (s->udp)
		peers_close(&v.peers);
	else
		acceptor_close(&v.acceptor);
	status = talk_close(&v.talk);
	place_close(&v.place);
	return status;
}

const struct command listen_command = {
	.name = "listen",
	.synopsis = "listen [-r] [options] [host] port",
	.summary = "wait for clients and talk to them",
	.tables = { listen_options, talk_once_options, talk_options,
	    address_options, stream_options, NULL },
	.run = run,
};
