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
 * The reply is complete when the echo is, or when the patterns are found. A
 * match at the end of the text is loose: more text may make it longer. The
 * attempt settles it when nothing more has come for a moment.
 */
#include "probe/load/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "probe/load/pattern.h"

enum { TEXT_MAX = 64 * 1024 };

static const char greeting_start[] = "rpnc/1 ";

void
exchange_start(struct exchange *d, const struct plan *plan, uint64_t id,
    bool wants_greeting)
{
	*d = (struct exchange){
		.plan = plan, .id = id, .wants_greeting = wants_greeting,
		.greeting = plan->datagram ? GREETING_NONE : GREETING_OPEN,
	};
}

void
exchange_free(struct exchange *d)
{
	free(d->text);
	d->text = NULL;
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

size_t
exchange_piece(const struct exchange *d, char *room, size_t size)
{
	const struct plan *p = d->plan;
	size_t length = (p->echo ? p->echo : p->send_length) - d->out;

	if (length > size)
		length = size;
	if (!p->echo && length)
		memcpy(room, p->send + d->out, length);
	for (size_t i = 0; p->echo && i < length; i++)
		room[i] = (char)echo_byte(d->id, d->out + i);
	return length;
}

void
exchange_sent(struct exchange *d, size_t length)
{
	d->out += length;
}

static void
echo_take(struct exchange *d, const char *data, size_t length)
{
	for (size_t i = 0; i < length && !d->wrong; i++)
		d->wrong = d->in + i >= d->plan->echo ||
		    (unsigned char)data[i] != echo_byte(d->id, d->in + i);
	d->in += length;
}

/* Searches the last bytes. They may contain zeros. */
static bool
text_matches(const struct exchange *d, const regex_t *pattern_, regmatch_t *m)
{
	size_t from = d->length > PATTERN_WINDOW ?
	    d->length - PATTERN_WINDOW : 0;

	m[0] = (regmatch_t){
		.rm_so = (regoff_t)from, .rm_eo = (regoff_t)d->length,
	};
	m[1] = (regmatch_t){ .rm_so = -1 };
	return regexec(pattern_, d->text ? d->text : "", 2, m,
	    REG_STARTEND) == 0;
}

static void
match_take(struct exchange *d)
{
	regmatch_t m[2];
	size_t group;

	/* a match longer than the window is complete */
	d->loose &= d->length - d->match_at <= PATTERN_WINDOW;
	if (d->matched && !d->loose)
		return;
	d->matched = text_matches(d, d->plan->match, m);
	if (!d->matched)
		return;
	d->match_at = (size_t)m[0].rm_so;
	d->loose = (size_t)m[0].rm_eo == d->length && !d->plan->datagram;
	group = m[1].rm_so >= 0;
	d->name_length = (size_t)(m[group].rm_eo - m[group].rm_so);
	if (d->name_length > NAME_CAP)
		d->name_length = NAME_CAP;
	memcpy(d->name, d->text + m[group].rm_so, d->name_length);
}

/* Adds to the text, and searches it. */
static void
text_take(struct exchange *d, const char *data, size_t length)
{
	const struct plan *p = d->plan;
	regmatch_t m[2];

	memcpy(d->text + d->length, data, length);
	d->length += length;
	if (p->expect && !d->expected)
		d->expected = text_matches(d, p->expect, m);
	if (p->match && (!d->matched || d->loose))
		match_take(d);
}

static void
body_take(struct exchange *d, const char *data, size_t length)
{
	const struct plan *p = d->plan;

	if (p->echo) {
		echo_take(d, data, length);
		return;
	}
	d->in += length;
	if (length > TEXT_MAX - d->length)
		length = TEXT_MAX - d->length;
	if (!length || (!p->expect && !p->match))
		return;
	if (!d->text)
		d->text = malloc(TEXT_MAX + 1);
	if (!d->text)
		return;
	d->text[TEXT_MAX] = '\0';	/* in case regexec(3) reads on */
	for (size_t step; length; data += step, length -= step) {
		step = length < PATTERN_STEP ? length : PATTERN_STEP;
		text_take(d, data, step);
	}
}

/* The bytes that looked like a greeting are a part of the reply. */
static void
greeting_drop(struct exchange *d)
{
	size_t length = d->line_length;

	d->greeting = GREETING_NONE;
	d->line_length = 0;
	if (length)
		body_take(d, d->line, length);
}

/* Takes the first line if it is a greeting; returns the bytes taken. */
static size_t
greeting_take(struct exchange *d, const char *data, size_t length)
{
	size_t taken = 0;

	while (taken < length && d->greeting == GREETING_OPEN) {
		size_t at = d->line_length;
		char c = data[taken];

		if (at == GREETING_MAX - 1 || (at < sizeof(greeting_start) - 1
		    && c != greeting_start[at])) {
			greeting_drop(d);
			break;
		}
		d->line[d->line_length++] = c;
		taken++;
		if (c == '\n')
			d->greeting = GREETING_SEEN;
	}
	if (d->greeting == GREETING_SEEN && !d->plan->echo)
		body_take(d, d->line, d->line_length);
	return taken;
}

void
exchange_take(struct exchange *d, const char *data, size_t length)
{
	if (d->greeting == GREETING_OPEN) {
		size_t taken = greeting_take(d, data, length);

		data += taken;
		length -= taken;
	}
	if (length && d->greeting != GREETING_OPEN)
		body_take(d, data, length);
}

void
exchange_no_greeting(struct exchange *d)
{
	if (d->greeting == GREETING_OPEN)
		greeting_drop(d);
}

/* Half of a greeting is none, unless one is awaited. */
void
exchange_settle(struct exchange *d)
{
	if (d->line_length && !d->wants_greeting)
		exchange_no_greeting(d);
	d->loose = false;
}

static bool
is_answered(const struct exchange *d)
{
	const struct plan *p = d->plan;

	if (p->echo)
		return d->wrong || d->in >= p->echo;
	if (p->expect && !d->expected)
		return false;
	if (p->match)
		return d->matched && !d->loose;
	return p->expect || !p->send || d->in > 0;
}

void
exchange_end(struct exchange *d)
{
	exchange_no_greeting(d);
	exchange_settle(d);
	if (d->plan->echo && d->in < d->plan->echo)
		d->wrong = true;
	if (d->plan->expect && !d->expected)
		d->wrong = true;
}

bool
exchange_is_done(const struct exchange *d)
{
	return is_answered(d) && d->out >= (d->plan->echo ? d->plan->echo :
	    d->plan->send_length) &&
	    (!d->wants_greeting || d->greeting != GREETING_OPEN);
}

bool
exchange_is_greeting_left(const struct exchange *d)
{
	return d->wants_greeting && d->greeting == GREETING_OPEN;
}

bool
exchange_is_loose(const struct exchange *d)
{
	return d->loose || (d->greeting == GREETING_OPEN && d->line_length &&
	    !d->wants_greeting);
}
