/*
 * The names of glibc that Debian's libmnl.so wants, for tests/musl. Only its
 * functions that print messages use them, which rpnc does not call.
 */
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *out, int flag, const char *format, ...);
const unsigned short **__ctype_b_loc(void);

int
__fprintf_chk(FILE *out, int flag, const char *format, ...)
{
	va_list list;
	int n;

	(void)flag;
	va_start(list, format);
	n = vfprintf(out, format, list);
	va_end(list);
	return n;
}

/* No character is of any class. */
const unsigned short **
__ctype_b_loc(void)
{
	static const unsigned short classes[384];
	static const unsigned short *zero = classes + 128;

	return &zero;
}
