#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "app/settings.h"
#include "serve/activation.h"

/*
 * listen and echo with --check: reports whether the server could listen, and
 * the processes whose group it would join. Returns a status, or -1 with the
 * fault that it would have without --check.
 */
int check_server(const struct settings *, const struct endpoint *,
    struct activation *);

#endif
