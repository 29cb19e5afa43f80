/*
 * The bytes sent and read on one connection. The peer may send a greeting first
 * (the line of --identify); all that follows is the reply.
 *
 *	greeting	what it means		what moves it on
 *	OPEN		may still come		the first bytes: SEEN, or NONE
 *						if they are no greeting
 *	SEEN		the line is complete	final
 *	NONE		none comes; its bytes	final
 *			belong to the reply
 *
 * The reply is complete when the echo is, when the question is answered (right
 * or wrong), or when the patterns are found. A
 * match at the end of the text is loose: more text may make it longer. The
 * attempt settles it when nothing more has come for a moment.
 */
#include "probe/load/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/load/pattern.h"

enum { TEXT_MAX = 64 * 1024 };

static const char greeting_start[] = "rpnc/1 ";

void
exchange_start(struct exchange *e, const struct plan *plan, uint64_t id,
    bool wants_greeting)
{
	*e = (struct exchange){
		.plan = plan, .id = id, .wants_greeting = wants_greeting,
		.greeting = plan->datagram ? GREETING_NONE : GREETING_OPEN,
	};
}

void
exchange_free(struct exchange *e)
{
	free(e->text);
	e->text = NULL;
}

/*
 * The byte of an echo at this place. It differs between attempts (the last step
 * of MurmurHash3). The first one is never the 'r' of a greeting.
 */
static unsigned char
echo_byte(uint64_t id, size_t at)
{
	uint64_t z = (id << 32 | at / 8) + 1;

	z = (z ^ z >> 33) * 0xff51afd7ed558ccd;
	z = (z ^ z >> 33) * 0xc4ceb9fe1a85ec53;
	z ^= z >> 33;
	z >>= at % 8 * 8;
	return (unsigned char)(at ? z : z | 0x80);
}

/* Writes the plan's request; returns its length. */
static size_t
question_write(const struct exchange *e, unsigned char *room)
{
	const struct plan *p = e->plan;

	return p->question->request(room, e->id, p->host);
}

static size_t
exchange_length(const struct exchange *e)
{
	const struct plan *p = e->plan;
	unsigned char request[QUESTION_ROOM];

	if (p->question)
		return question_write(e, request);
	return p->echo ? p->echo : p->send_length;
}

size_t
exchange_left(const struct exchange *e)
{
	return exchange_length(e) - e->out;
}

static void
question_piece(const struct exchange *e, char *room, size_t length)
{
	unsigned char request[QUESTION_ROOM];

	question_write(e, request);
	memcpy(room, request + e->out, length);
}

size_t
exchange_piece(const struct exchange *e, char *room, size_t size)
{
	const struct plan *p = e->plan;
	size_t length = exchange_left(e);

	if (length > size)
		length = size;
	if (p->question)
		question_piece(e, room, length);
	else if (!p->echo && length)
		memcpy(room, p->send + e->out, length);
	for (size_t i = 0; p->echo && i < length; i++)
		room[i] = (char)echo_byte(e->id, e->out + i);
	return length;
}

void
exchange_sent(struct exchange *e, size_t length)
{
	e->out += length;
}

static void
echo_take(struct exchange *e, const char *data, size_t length)
{
	for (size_t i = 0; i < length && !e->wrong; i++)
		e->wrong = e->in + i >= e->plan->echo ||
		    (unsigned char)data[i] != echo_byte(e->id, e->in + i);
	e->in += length;
}

/*
 * regexec(3) in text from m[0].rm_so to rm_eo, which may contain zeros. Only
 * glibc has REG_STARTEND; elsewhere a copy has another byte in their place.
 */
static bool
bytes_match(const regex_t *pattern_, const char *text, regmatch_t *m)
{
#ifdef REG_STARTEND
	return regexec(pattern_, text, 2, m, REG_STARTEND) == 0;
#else
	char copy[PATTERN_WINDOW + 1];
	regoff_t from = m[0].rm_so, length = m[0].rm_eo - from;

	for (regoff_t i = 0; i < length; i++)
		copy[i] = text[from + i] ? text[from + i] : '\1';
	copy[length] = '\0';
	if (regexec(pattern_, copy, 2, m, from ? REG_NOTBOL : 0) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		if (m[i].rm_so >= 0) {
			m[i].rm_so += from;
			m[i].rm_eo += from;
		}
	return true;
#endif
}

/* Searches the last bytes. */
static bool
text_matches(const struct exchange *e, const regex_t *pattern_, regmatch_t *m)
{
	size_t from = e->length > PATTERN_WINDOW ?
	    e->length - PATTERN_WINDOW : 0;

	m[0] = (regmatch_t){
		.rm_so = (regoff_t)from, .rm_eo = (regoff_t)e->length,
	};
	m[1] = (regmatch_t){ .rm_so = -1 };
	return bytes_match(pattern_, e->text ? e->text : "", m);
}

static void
match_take(struct exchange *e)
{
	regmatch_t m[2];
	size_t group;

	/* a match longer than the window is complete */
	e->loose &= e->length - e->match_at <= PATTERN_WINDOW;
	if (e->matched && !e->loose)
		return;
	e->matched = text_matches(e, e->plan->match, m);
	if (!e->matched)
		return;
	e->match_at = (size_t)m[0].rm_so;
	e->loose = (size_t)m[0].rm_eo == e->length && !e->plan->datagram;
	group = m[1].rm_so >= 0;
	e->name_length = (size_t)(m[group].rm_eo - m[group].rm_so);
	if (e->name_length > NAME_CAP)
		e->name_length = NAME_CAP;
	memcpy(e->name, e->text + m[group].rm_so, e->name_length);
}

/* Adds to the text, and searches it. */
static void
text_take(struct exchange *e, const char *data, size_t length)
{
	const struct plan *p = e->plan;
	regmatch_t m[2];

	memcpy(e->text + e->length, data, length);
	e->length += length;
	if (p->expect && !e->expected)
		e->expected = text_matches(e, p->expect, m);
	if (p->match && (!e->matched || e->loose))
		match_take(e);
}

static void
question_fail(struct exchange *e, const char *why)
{
	e->wrong = true;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

/* Judges the text, unless it was judged. */
static void
question_judge(struct exchange *e)
{
	struct question_reply r = {
		.data = (const unsigned char *)e->text, .length = e->length,
		.id = e->id,
	};
	enum judgement answer = e->plan->question->judge(&r);

	e->right = answer == REPLY_RIGHT;
	if (answer == REPLY_WRONG)
		question_fail(e, r.why);
	if (!e->right || !r.name_length)
		return;
	_Static_assert((int)NAME_CAP >= (int)QUESTION_NAME, "room for a name");
	e->matched = true;
	e->name_length = r.name_length;
	memcpy(e->name, r.name, r.name_length);
}

/* An empty datagram has no data, and is no answer. */
static void
question_take(struct exchange *e, const char *data, size_t length)
{
	if (e->right || e->wrong || e->length + length > TEXT_MAX)
		return;
	memcpy(e->text + e->length, data, length);
	e->length += length;
	question_judge(e);
	if (!e->right && !e->wrong && e->length >= QUESTION_READ)
		question_fail(e, "the answer has no end");
}

/* Whether there is a text to add to; -1: no memory, or it is not wanted. */
static int
text_make(struct exchange *e)
{
	const struct plan *p = e->plan;

	if (!p->expect && !p->match && !p->question)
		return -1;
	if (!e->text)
		e->text = malloc(TEXT_MAX + 1);
	if (!e->text)
		return -1;
	e->text[TEXT_MAX] = '\0';	/* in case regexec(3) reads on */
	return 0;
}

static void
body_take(struct exchange *e, const char *data, size_t length)
{
	const struct plan *p = e->plan;

	if (p->echo) {
		echo_take(e, data, length);
		return;
	}
	e->in += length;
	if (length > TEXT_MAX - e->length)
		length = TEXT_MAX - e->length;
	if (!length || text_make(e) < 0)
		return;
	if (p->question) {
		question_take(e, data, length);
		return;
	}
	for (size_t step; length; data += step, length -= step) {
		step = length < PATTERN_STEP ? length : PATTERN_STEP;
		text_take(e, data, step);
	}
}

/* The bytes that looked like a greeting are a part of the reply. */
static void
greeting_drop(struct exchange *e)
{
	size_t length = e->line_length;

	e->greeting = GREETING_NONE;
	e->line_length = 0;
	if (length)
		body_take(e, e->line, length);
}

/* Takes the first line if it is a greeting; returns the bytes taken. */
static size_t
greeting_take(struct exchange *e, const char *data, size_t length)
{
	size_t taken = 0;

	while (taken < length && e->greeting == GREETING_OPEN) {
		size_t at = e->line_length;
		char c = data[taken];

		if (at == GREETING_MAX - 1 || (at < sizeof(greeting_start) - 1
		    && c != greeting_start[at])) {
			greeting_drop(e);
			break;
		}
		e->line[e->line_length++] = c;
		taken++;
		if (c == '\n')
			e->greeting = GREETING_SEEN;
	}
	if (e->greeting == GREETING_SEEN && !e->plan->echo)
		body_take(e, e->line, e->line_length);
	return taken;
}

void
exchange_take(struct exchange *e, const char *data, size_t length)
{
	if (e->greeting == GREETING_OPEN) {
		size_t taken = greeting_take(e, data, length);

		data += taken;
		length -= taken;
	}
	if (length && e->greeting != GREETING_OPEN)
		body_take(e, data, length);
}

void
exchange_no_greeting(struct exchange *e)
{
	if (e->greeting == GREETING_OPEN)
		greeting_drop(e);
}

/* Half of a greeting is none, unless one is awaited. */
void
exchange_settle(struct exchange *e)
{
	if (e->line_length && !e->wants_greeting)
		exchange_no_greeting(e);
	e->loose = false;
}

static bool
is_answered(const struct exchange *e)
{
	const struct plan *p = e->plan;

	if (p->echo)
		return e->wrong || e->in >= p->echo;
	if (p->question)
		return e->wrong || e->right;
	if (p->expect && !e->expected)
		return false;
	if (p->match)
		return e->matched && !e->loose;
	return p->expect || !p->send || e->in > 0;
}

void
exchange_end(struct exchange *e)
{
	exchange_no_greeting(e);
	exchange_settle(e);
	if (e->plan->echo && e->in < e->plan->echo)
		e->wrong = true;
	if (e->plan->expect && !e->expected)
		e->wrong = true;
	if (e->plan->question && !e->right && !e->wrong)
		question_fail(e, e->in ? "the answer is cut short" :
		    "an end without an answer");
}

bool
exchange_is_done(const struct exchange *e)
{
	/* a wrong answer may come before all is sent: no more is */
	return is_answered(e) && (e->why[0] || !exchange_left(e)) &&
	    (!e->wants_greeting || e->greeting != GREETING_OPEN);
}

bool
exchange_is_greeting_left(const struct exchange *e)
{
	return e->wants_greeting && e->greeting == GREETING_OPEN;
}

bool
exchange_is_loose(const struct exchange *e)
{
	return e->loose || (e->greeting == GREETING_OPEN && e->line_length &&
	    !e->wants_greeting);
}
