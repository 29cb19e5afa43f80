#include "base/date.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/num.h"

enum { SECOND_US = 1000000, MINUTE_S = 60, HOUR_MIN = 60, HOURS = 24 };

/* Reads exactly so many digits; returns what follows, or NULL. */
static const char *
take_digits(const char *at, int digits, int min, int max, int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, at++) {
		if (*at < '0' || *at > '9')
			return NULL;
		*out = *out * 10 + (*at - '0');
	}
	return *out >= min && *out <= max ? at : NULL;
}

/* The same, behind this character. */
static const char *
take_part(const char *at, char before, int min, int max, int *out)
{
	return at && *at == before ? take_digits(at + 1, 2, min, max, out) :
	    NULL;
}

/* A fraction of a second, or none. Digits below a microsecond are dropped. */
static const char *
take_fraction(const char *at, int64_t *us)
{
	int64_t unit = SECOND_US / 10;

	*us = 0;
	if (!at || *at != '.')
		return at;
	if (*++at < '0' || *at > '9')
		return NULL;
	for (; *at >= '0' && *at <= '9'; at++, unit /= 10)
		*us += (*at - '0') * unit;
	return at;
}

/* "Z", or "+02:00": minutes to subtract. */
static const char *
take_offset(const char *at, int *minutes)
{
	int hour, minute, sign;

	*minutes = 0;
	if (!at || *at == 'Z' || *at == 'z')
		return at ? at + 1 : NULL;
	if (*at != '+' && *at != '-')
		return NULL;
	sign = *at == '-' ? -1 : 1;
	at = take_digits(at + 1, 2, 0, HOURS - 1, &hour);
	at = take_part(at, ':', 0, HOUR_MIN - 1, &minute);
	*minutes = at ? sign * (hour * HOUR_MIN + minute) : 0;
	return at;
}

/* timegm(3) makes the 1st of March of the 29th of February, if there is none. */
static bool
has_day(const struct tm *asked)
{
	struct tm tm = *asked;

	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	timegm(&tm);
	return tm.tm_mday == asked->tm_mday;
}

static int
date_read(const char *at, int64_t *when)
{
	struct tm tm = { 0 };
	int64_t us;
	int minutes;

	at = take_digits(at, 4, 1970, 9999, &tm.tm_year);
	at = take_part(at, '-', 1, 12, &tm.tm_mon);
	at = take_part(at, '-', 1, 31, &tm.tm_mday);
	if (!at || (*at != 'T' && *at != 't' && *at != ' '))
		return -1;
	at = take_digits(at + 1, 2, 0, HOURS - 1, &tm.tm_hour);
	at = take_part(at, ':', 0, HOUR_MIN - 1, &tm.tm_min);
	at = take_part(at, ':', 0, MINUTE_S, &tm.tm_sec);	/* a leap one */
	at = take_offset(take_fraction(at, &us), &minutes);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!at || *at || !has_day(&tm))
		return -1;
	*when = ((int64_t)timegm(&tm) - (int64_t)minutes * MINUTE_S) *
	    SECOND_US + us;
	return 0;
}

int
date_parse(const char *text, int64_t now, int64_t *when)
{
	int64_t later;

	if (*text != '+')
		return date_read(text, when);
	if (text[1] == '+' || text[1] == '-' ||
	    duration_parse(text + 1, &later) < 0)
		return -1;
	*when = now + later;
	return 0;
}
