#include "base/fail.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* If a failure records no reason, the report still says so. */
static struct fault last = {
	"it failed without a reason: a fault in rpnc", STATUS_NETWORK,
};

static const char *const *remedies;

/*
 * A fault is one line, even if it quotes the user's text: each control
 * character in it becomes a question mark.
 */
static void
one_line(void)
{
	for (char *c = last.text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

int
fail(const char *format, ...)
{
	int saved = errno;
	size_t used;
	va_list args;

	va_start(args, format);
	vsnprintf(last.text, sizeof(last.text), format, args);
	va_end(args);
	used = strlen(last.text);
	snprintf(last.text + used, sizeof(last.text) - used, ": %s",
	    strerror(saved));
	one_line();
	last.status = STATUS_NETWORK;
	errno = saved;
	return -1;
}

int
fail_as(enum status status, const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	vsnprintf(last.text, sizeof(last.text), format, args);
	va_end(args);
	one_line();
	last.status = status;
	errno = saved;
	return -1;
}

void
fail_add(const char *format, ...)
{
	size_t used = strlen(last.text);
	int saved = errno;
	va_list args;

	used += (size_t)snprintf(last.text + used, sizeof(last.text) - used,
	    ": ");
	if (used < sizeof(last.text)) {
		va_start(args, format);
		vsnprintf(last.text + used, sizeof(last.text) - used, format,
		    args);
		va_end(args);
	}
	one_line();
	errno = saved;
}

int
fail_advise(enum advice advice)
{
	if (remedies)
		fail_add("%s", remedies[advice]);
	return -1;
}

void
fail_advise_with(const char *const words[ADVICES])
{
	remedies = words;
}

int
fail_option(const char *option)
{
	char text[FAIL_TEXT];

	memcpy(text, last.text, sizeof(text));
	snprintf(last.text, sizeof(last.text), "%s %.*s", option,
	    (int)(sizeof(last.text) - strlen(option) - 2), text);
	return -1;
}

int
fail_status_set(enum status status)
{
	last.status = status;
	return -1;
}

void
fail_save(struct fault *out)
{
	*out = last;
}

void
fail_restore(const struct fault *saved)
{
	last = *saved;
}

const char *
fail_text(void)
{
	return last.text;
}

enum status
fail_status(void)
{
	return last.status;
}
