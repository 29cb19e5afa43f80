#include "report/html_write.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/escape.h"

static const char *
entity_of(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* U+FFFE and U+FFFF are in no XML, section 2.2. */
static bool
is_no_character(const char *c)
{
	return strncmp(c, "\357\277\276", 3) == 0 ||
	    strncmp(c, "\357\277\277", 3) == 0;
}

void
html_text(FILE *out, const char *text)
{
	char safe[HTML_TEXT_MAX * ESCAPE_MAX + 1];

	if (!text)
		return;
	escape(text, strnlen(text, HTML_TEXT_MAX), false, safe);
	for (const char *c = safe; *c; c++) {
		const char *entity = entity_of(*c);

		if (is_no_character(c)) {
			fprintf(out, "\\xef\\xbf\\x%02x", (unsigned char)c[2]);
			c += 2;
		} else if (entity) {
			fputs(entity, out);
		} else {
			fputc(*c, out);
		}
	}
}

void
html_textf(FILE *out, const char *format, ...)
{
	char text[HTML_TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	html_text(out, text);
}
