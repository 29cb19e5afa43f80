#include "report/color.h"

#include <stdarg.h>

void
paint(FILE *out, bool colored, enum color color, const char *format, ...)
{
	static const char *const codes[] = { "", "1", "32", "31", "2" };
	va_list args;

	colored = colored && color != PLAIN;
	if (colored)
		fprintf(out, "\033[%sm", codes[color]);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	if (colored)
		fputs("\033[0m", out);
}
