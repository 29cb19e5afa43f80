/*
 * Single keys. How it works. The terminal is taken out of canonical mode, and
 * its echo is turned off; ^C, ^\ and ^Z stay signals. All is left alone while
 * another job is in front, since a shell reads there: the owner calls
 * keys_update() from time to time.
 */
#include "terminal/keys.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "terminal/foreground.h"

static int
final_key(char final)
{
	switch (final) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'H': return KEY_HOME;
	case 'F': return KEY_END;
	default: return KEY_NONE;
	}
}

/* "\033[5~": the number is in front of the tilde. */
static int
number_key(char number)
{
	switch (number) {
	case '1': case '7': return KEY_HOME;
	case '4': case '8': return KEY_END;
	case '5': return KEY_PAGE_UP;
	case '6': return KEY_PAGE_DOWN;
	default: return KEY_NONE;
	}
}

int
keys_parse(const char *bytes, size_t n, size_t *used)
{
	size_t at = 2;

	*used = 1;
	if (bytes[0] != KEY_ESCAPE || n == 1)
		return (unsigned char)bytes[0] < 128 ? bytes[0] : KEY_NONE;
	*used = 2;
	if (bytes[1] != '[' && bytes[1] != 'O')
		return KEY_NONE;
	/* parameters, then one final byte: ECMA-48, section 5.4 */
	while (at < n && bytes[at] >= 0x20 && bytes[at] < 0x40)
		at++;
	*used = at < n ? at + 1 : 0;
	if (at == n)
		return KEY_NONE;
	if (at == 2)
		return final_key(bytes[2]);
	return at == 3 && bytes[3] == '~' ? number_key(bytes[2]) : KEY_NONE;
}

static void
modes_take(struct keys *k)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &k->modes) < 0)
		return;
	raw = k->modes;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	/* a read(2) never waits: another process may have had the byte */
	raw.c_cc[VMIN] = raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return;
	k->taken = true;
	k->count = 0;
	if (loop_watch(k->loop, &k->source, EPOLLIN) < 0)
		keys_release(k);
}

/* Passes on whole keys; keeps the start of one that goes on. */
static void
keys_pass(struct keys *k)
{
	size_t at = 0, used;
	bool full = k->count == sizeof(k->bytes);	/* more may follow */

	while (at < k->count && k->taken) {
		int key = keys_parse(k->bytes + at, k->count - at, &used);

		if (!used || (full && key == KEY_ESCAPE &&
		    at + 1 == k->count))
			break;
		k->on_key(k, key);
		at += used;
	}
	if (!at && full)
		at = k->count;		/* no terminal sends such a key */
	k->count -= at;
	memmove(k->bytes, k->bytes + at, k->count);
}

static void
on_keys(struct source *source, uint32_t events)
{
	struct keys *k = container_of(source, struct keys, source);
	ssize_t n;

	if (in_background(STDIN_FILENO)) {	/* read(2) would stop us */
		loop_del(k->loop, &k->source);
		k->taken = false;
		return;
	}
	n = read(STDIN_FILENO, k->bytes + k->count, sizeof(k->bytes) -
	    k->count);
	if (n > 0) {
		k->count += (size_t)n;
		keys_pass(k);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		keys_close(k);			/* the terminal is gone */
	}
}

static bool
is_same_terminal(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
	    one.st_rdev == other.st_rdev;
}

void
keys_open(struct keys *k, int terminal)
{
	if (!isatty(STDIN_FILENO) || !is_same_terminal(STDIN_FILENO, terminal))
		return;
	k->source.fd = STDIN_FILENO;
	k->source.on_event = on_keys;
	k->open = true;
	keys_update(k);
}

static bool
is_canonical(void)
{
	struct termios now;

	return tcgetattr(STDIN_FILENO, &now) == 0 && now.c_lflag & ICANON;
}

void
keys_update(struct keys *k)
{
	if (k->open && in_foreground(STDIN_FILENO) && is_canonical())
		modes_take(k);
}

void
keys_release(struct keys *k)
{
	if (!k->taken)
		return;
	k->taken = false;
	loop_del(k->loop, &k->source);
	if (!in_background(STDIN_FILENO))	/* tcsetattr(3) would stop us */
		tcsetattr(STDIN_FILENO, TCSANOW, &k->modes);
}

void
keys_close(struct keys *k)
{
	keys_release(k);
	k->open = false;
}
