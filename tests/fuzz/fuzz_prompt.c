/*
 * Lines at the prompt, with two connections. Lines that begin with 1 or 2 are
 * data of one of these, in which ^A is an LF; 3 and 4 are the timers, 5 is ^C.
 * The first byte says how the session is set up. No terminal is needed: readline
 * is left out. The relay and its connections are kept for the next input.
 */
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "fuzz.h"
#include "group/steer/mode.h"
#include "session/session.h"

enum {
	LINES = 40, CONNS = 2,
	/* In the first byte; the bits above are a state. */
	SERVER = 1, CRLF = 2, GROUP = 4, COUNTED = 8, FAILING = 16,
};

/* Whether the prompt is ours; else it is another target's turn. */
static bool ours;
static const struct relay_options options = { .no_input = true };

static struct kept {
	struct loop loop;
	struct sink out;
	struct relay relay;
	int peers[CONNS];
	bool open;
} kept;

/* What the session asks for, by the input. */
static bool failing;
static struct scoreboard *board;

int __wrap_prompt_open(struct prompt *, struct loop *);
int __real_prompt_open(struct prompt *, struct loop *);

int
__wrap_prompt_open(struct prompt *p, struct loop *l)
{
	return ours ? 0 : __real_prompt_open(p, l);
}

static void
on_pause(struct session *s)
{
	s->state = STATE_PAUSED;
}

static void
on_resume(struct session *s)
{
	s->state = STATE_RUNNING;
}

static int
on_leave(struct session *s)
{
	if (failing)
		return fail("leave");
	s->state = STATE_AWAY;
	return 0;
}

static int
on_join(struct session *s)
{
	if (failing)
		return fail("join");
	s->state = STATE_RUNNING;
	return 0;
}

static void
on_drain(struct session *s)
{
	s->state = STATE_LEFT;
}

static void
on_quit(struct session *s)
{
	s->focus = NULL;
}

static int
on_steer(struct session *s, const char *text)
{
	struct steering steering;

	(void)s;
	return mode_parse(text, &steering);
}

static const struct scoreboard *
on_group(struct session *s)
{
	(void)s;
	if (!board)
		fail("group");
	return board;
}

static const struct session_ops ops = {
	.pause = on_pause, .resume = on_resume, .leave = on_leave,
	.join = on_join, .drain = on_drain, .quit = on_quit,
	.steer = on_steer, .group = on_group,
};

/* The session must not point to a connection that has gone. */
static void
on_closed(struct relay *r, struct conn *c, const struct relay_end *end)
{
	(void)end;
	session_closed(r->user, c);
	close(kept.peers[c->id - 1]);
}

static void
open_streams(void)
{
	static const struct relay_ops closing = { .on_closed = on_closed };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	HOLDS(fd >= 0 && loop_open(&kept.loop) == 0);
	HOLDS(sink_open(&kept.out, &kept.loop, fd, false) == 0);
	HOLDS(relay_init(&kept.relay, &kept.loop, &options, &closing,
	    &kept.out) == 0);
	kept.open = true;
}

static struct conn *
connect_one(unsigned id)
{
	struct conn *c;
	int ends[2];

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, ends) == 0);
	kept.peers[id - 1] = ends[1];
	c = conn_adopt(&kept.loop, ends[0], &conn_stream);
	HOLDS(c);
	c->id = id;
	HOLDS(relay_add(&kept.relay, c) == 0);
	return c;
}

static void
connect_all(struct session *s)
{
	for (unsigned id = 1; id <= CONNS; id++) {
		struct conn *c = session_conn(s, id);

		session_connected(s, c ? c : connect_one(id));
	}
}

/* The peers read all, so that the next input finds empty queues. */
static void
empty(void)
{
	char room[4096];

	for (struct conn *c = kept.relay.conns; c; c = c->next) {
		if (c->out)
			while (read(kept.peers[c->id - 1], room,
			    sizeof(room)) == (ssize_t)sizeof(room))
				continue;
		c->in = c->out = 0;
	}
}

static void
receive(struct session *s, struct conn *from, char *data)
{
	size_t length = strlen(data);

	for (char *at = data; (at = strchr(at, 1)); at++)
		*at = '\n';
	from->in += length;
	session_data(s, from, data, length);
}

static void
enter(struct session *s, const char *line)
{
	char *before = fuzz_text(line, strcspn(line, " "));

	for (int n = 0; n < 3; n++) {
		free(s->prompt.complete(&s->prompt, "", line, n));
		free(s->prompt.complete(&s->prompt, before,
		    line + strlen(before), n));
	}
	free(before);
	s->prompt.on_line(&s->prompt, line);
	session_print_event(s, line, strlen(line));
}

static void
type(struct session *s, char *line)
{
	struct conn *from = *line == '1' || *line == '2' ?
	    session_conn(s, (unsigned)(*line - '0')) : NULL;

	if (from)
		receive(s, from, line + 1);
	else if (*line == '3')
		s->flush.on_timer(&s->flush);
	else if (*line == '4')
		s->fold.on_timer(&s->fold);
	else if (*line == '5')
		session_interrupt(s, line[1]);
	else
		enter(s, line);
}

/* A group of which two members have the names that the input says. */
static void
fill_board(struct scoreboard *b, struct member_row rows[2], char *name,
    char *command)
{
	for (int i = 0; i < 2; i++)
		rows[i] = (struct member_row){
			.name = i ? NULL : name, .command = command,
			.state = i ? "paused" : NULL, .own = !i,
			.pid = i - 1, .accepted = 7, .open = -1, .queue = 1,
			.limit = 8, .drops = i, .since = 7, .expected = 0.5,
			.rate = NAN,
		};
	*b = (struct scoreboard){
		.name = name, .address = command, .protocol = "tcp",
		.steering = name, .unjudged = command, .rows = rows, .count = 2,
		.accepted = 14, .rate = NAN,
	};
}

static void
talk(struct session *s, char **lines, int count)
{
	HOLDS(session_open(s, &kept.loop, &kept.relay) == 0);
	connect_all(s);
	for (int i = 0; i < count; i++)
		type(s, lines[i]);
	session_close(s);
	loop_timer_cancel(&kept.loop, &s->flush);
	loop_timer_cancel(&kept.loop, &s->fold);
	empty();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	unsigned flags = fuzz_byte(&data, &length);
	char *text = fuzz_text(data, length), *lines[LINES];
	int count = fuzz_words(text, lines, LINES);
	struct session s = {
		.relay = &kept.relay, .ops = &ops, .name = "A",
		.commands = session_commands, .server = flags & SERVER,
		.crlf = flags & CRLF, .state = (flags >> 5) % (STATE_LEFT + 1),
		.total = flags & COUNTED ? 9 : 0,
		.denied = flags & COUNTED ? 1 : 0,
	};
	struct scoreboard group;
	struct member_row rows[2];
	char *name = fuzz_text(count ? lines[0] : "", count ?
	    strlen(lines[0]) : 0);

	if (!kept.open)
		open_streams();
	fill_board(&group, rows, name, name);
	board = flags & GROUP ? &group : NULL;
	failing = flags & FAILING;
	kept.relay.user = &s;
	ours = true;
	talk(&s, lines, count);
	ours = false;
	free(name);
	free(text);
	return 0;
}
