#include "terminal/columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/num.h"

enum { COLUMNS_USUAL = 80, COLUMNS_LEAST = 20, COLUMNS_MOST = 1000 };

int
terminal_columns(int fd)
{
	const char *wanted = getenv("COLUMNS");
	struct winsize now;
	int64_t n;

	if (ioctl(fd, TIOCGWINSZ, &now) == 0 && now.ws_col)
		return now.ws_col;
	if (wanted && num_parse(wanted, COLUMNS_LEAST, COLUMNS_MOST, &n) == 0)
		return (int)n;
	return COLUMNS_USUAL;
}
