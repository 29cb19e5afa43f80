#include "base/glyph.h"

#include <langinfo.h>
#include <locale.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static bool ascii;

const char *
glyph(enum glyph which)
{
	static const char *const forms[GLYPHS][2] = {
		[GLYPH_MICRO] = { "µ", "u" },
		[GLYPH_PLUS_MINUS] = { "±", "+-" },
		[GLYPH_RULE] = { "─", "-" },
		[GLYPH_MARK] = { "┴", "+" },	/* on a rule */
		[GLYPH_TICK] = { "│", "|" },	/* in a bar */
		[GLYPH_BAND] = { "░", "." },
		[GLYPH_BAND_FILLED] = { "▓", "=" },
		[GLYPH_STOPPED] = { "×", "x" },
		[GLYPH_ARROWS] = { "↑↓", "arrows" },
	};

	return forms[which][ascii];
}

bool
glyph_ascii(void)
{
	return ascii;
}

/*
 * "en_US.UTF-8" counts even if this locale is not installed here, and need not
 * be loaded.
 */
static bool
has_utf8_name(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < 3 && !(value && *value); i++)
		value = getenv(names[i]);
	return value && (strcasestr(value, "utf-8") ||
	    strcasestr(value, "utf8"));
}

void
glyph_locale(void)
{
	locale_t locale = (locale_t)0;

	ascii = !has_utf8_name();
	if (ascii)
		locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	if (!locale)
		return;
	ascii = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") != 0;
	freelocale(locale);
}
