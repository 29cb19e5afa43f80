#ifndef BASE_GLYPH_H
#define BASE_GLYPH_H

#include <stdbool.h>

/*
 * The characters beyond ASCII that rpnc itself writes. In a locale without
 * UTF-8 each has a form in ASCII.
 */
enum glyph {
	GLYPH_MICRO, GLYPH_PLUS_MINUS, GLYPH_RULE, GLYPH_MARK, GLYPH_TICK,
	GLYPH_BAND, GLYPH_BAND_FILLED, GLYPH_STOPPED, GLYPH_ARROWS, GLYPHS,
};

const char *glyph(enum glyph);

/* Whether only ASCII is written; false until glyph_locale(). */
bool glyph_ascii(void);

/* Asks the environment: LC_ALL, LC_CTYPE, LANG. */
void glyph_locale(void);

#endif
