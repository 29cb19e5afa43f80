#include "cmd/version.h"

void
version_print(FILE *out)
{
	fputs("rpnc " RPNC_VERSION "\n", out);
}
