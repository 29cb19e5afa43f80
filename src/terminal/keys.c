/*
 * Single keys. How it works. The terminal is taken out of canonical mode, and
 * its echo is turned off; ^C, ^\ and ^Z stay signals. All is left alone while
 * another job is in front, since a shell reads there: the owner calls
 * keys_update() from time to time.
 */
#include "terminal/keys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/signals.h"
#include "terminal/foreground.h"

static struct keys *the_keys;		/* whose modes the terminal has */

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
	if (bytes[0] != KEY_ESCAPE || n == 1 || (bytes[1] != '[' &&
	    bytes[1] != 'O'))
		return (unsigned char)bytes[0] < 128 ? bytes[0] : KEY_NONE;
	/* parameters, then one final byte: ECMA-48, section 5.4 */
	while (at < n && bytes[at] >= 0x20 && bytes[at] < 0x40)
		at++;
	*used = at < n ? at + 1 : n;
	if (at == n)
		return KEY_NONE;
	if (at == 2)
		return final_key(bytes[2]);
	return at == 3 && bytes[3] == '~' ? number_key(bytes[2]) : KEY_NONE;
}

/* Also called by the handler of a signal that ends the process. */
static void
modes_restore(void)
{
	if (the_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &the_keys->modes);
	the_keys = NULL;
}

static void
modes_take(struct keys *k)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &k->modes) < 0)
		return;
	raw = k->modes;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return;
	k->taken = true;
	the_keys = k;
	signals_before_end(modes_restore);
	if (loop_watch(k->loop, &k->source, EPOLLIN) < 0)
		keys_release(k);
}

static void
on_keys(struct source *source, uint32_t events)
{
	struct keys *k = container_of(source, struct keys, source);
	char bytes[64];
	ssize_t n;

	(void)events;
	if (in_background(STDIN_FILENO)) {	/* read(2) would stop us */
		loop_del(k->loop, &k->source);
		the_keys = NULL;
		k->taken = false;
		return;
	}
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {				/* the terminal is gone */
		keys_close(k);
		return;
	}
	for (size_t at = 0, used; at < (size_t)n && k->taken; at += used)
		k->on_key(k, keys_parse(bytes + at, (size_t)n - at, &used));
}

bool
keys_open(struct keys *k)
{
	if (!isatty(STDIN_FILENO))
		return false;
	k->source.fd = STDIN_FILENO;
	k->source.on_event = on_keys;
	k->open = true;
	keys_update(k);
	return true;
}

void
keys_update(struct keys *k)
{
	if (k->open && !k->taken && in_foreground(STDIN_FILENO))
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
		modes_restore();
	the_keys = NULL;
}

void
keys_close(struct keys *k)
{
	keys_release(k);
	k->open = false;
}
