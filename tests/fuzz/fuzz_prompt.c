/*
 * Lines at the prompt, with two connections. Lines that begin with 1 or 2 are
 * data of one of these. No terminal is needed: readline is left out.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "group/steer/mode.h"
#include "session/session.h"

enum { LINES = 40, CONNS = 2 };

/* Whether the prompt is ours; else it is another target's turn. */
static bool ours;
static const struct relay_options options = { .no_input = true };
static struct loop loop;
static struct sink out;

int __wrap_prompt_open(struct prompt *, struct loop *);
int __real_prompt_open(struct prompt *, struct loop *);

int
__wrap_prompt_open(struct prompt *p, struct loop *l)
{
	return ours ? 0 : __real_prompt_open(p, l);
}

static void
nothing(struct session *s)
{
	(void)s;
}

static int
nothing_done(struct session *s)
{
	(void)s;
	return 0;
}

static int
steer(struct session *s, const char *text)
{
	struct steering steering;

	(void)s;
	return mode_parse(text, &steering);
}

static const struct scoreboard *
no_group(struct session *s)
{
	(void)s;
	return NULL;
}

static const struct session_ops ops = {
	.pause = nothing, .resume = nothing, .leave = nothing_done,
	.join = nothing_done, .drain = nothing, .quit = nothing,
	.steer = steer, .group = no_group,
};

static void
open_streams(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	HOLDS(fd >= 0 && loop_open(&loop) == 0);
	HOLDS(sink_open(&out, &loop, fd, false) == 0);
}

static void
connect_one(struct session *s, unsigned id, int *peer)
{
	struct conn *c;
	int ends[2];

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, ends) == 0);
	*peer = ends[1];
	c = conn_adopt(&loop, ends[0], &conn_stream);
	HOLDS(c);
	c->id = id;
	HOLDS(relay_add(s->relay, c) == 0);
	session_connected(s, c);
}

static void
type(struct session *s, char *line)
{
	struct conn *from = *line == '1' || *line == '2' ?
	    session_conn(s, (unsigned)(*line - '0')) : NULL;

	if (from) {
		session_data(s, from, line + 1, strlen(line + 1));
		return;
	}
	for (int n = 0; n < 3; n++)
		free(s->prompt.complete(&s->prompt, n ? line : "", line, n));
	s->prompt.on_line(&s->prompt, line);
	session_print_event(s, line, strlen(line));
}

/* The session must not point to a connection that has gone. */
static void
on_closed(struct relay *r, struct conn *c, const struct relay_end *end)
{
	(void)end;
	session_closed(r->user, c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct relay_ops closing = { .on_closed = on_closed };
	char *text = fuzz_text(data, length), *lines[LINES];
	int count = fuzz_words(text, lines, LINES), peers[CONNS];
	struct session *s = calloc(1, sizeof(*s));
	struct relay relay;

	if (!loop.epfd)
		open_streams();
	HOLDS(s && relay_init(&relay, &loop, &options, &closing, &out) == 0);
	relay.user = s;
	s->ops = &ops;
	s->commands = session_commands;
	s->name = "A";
	s->server = length % 2;
	s->crlf = length % 3 == 0;
	ours = true;
	HOLDS(session_open(s, &loop, &relay) == 0);
	for (unsigned i = 0; i < CONNS; i++)
		connect_one(s, i + 1, &peers[i]);
	for (int i = 0; i < count; i++)
		type(s, lines[i]);
	relay_close_all(&relay, REASON_LOCAL);
	session_close(s);
	loop_timer_cancel(&loop, &s->flush);
	loop_timer_cancel(&loop, &s->fold);
	relay_free(&relay);
	ours = false;
	for (int i = 0; i < CONNS; i++)
		close(peers[i]);
	free(s);
	free(text);
	return 0;
}
