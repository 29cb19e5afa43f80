#ifndef APP_CONFINE_H
#define APP_CONFINE_H

#include "app/app.h"
#include "sandbox/calls.h"

/*
 * Enters the sandbox, unless --sandbox=off: from here on this process, and the
 * children that it starts, make only the calls that keeps (bits of calls.h) has
 * rows for. A process that keeps no files, and looks into no other, also loses
 * all files (Landlock); directory is one in which it may still remove the file
 * of its socket, or NULL. If the kernel can't do it, -v tells; -1 with a fault:
 * and --sandbox=must wants it.
 */
int app_confine(struct app *, unsigned keeps, const char *directory);

/*
 * The same before there is an app, without Landlock: what comes before the loop
 * is still to be done. app_confine() then takes the rest.
 */
int app_confine_early(const struct settings *, unsigned keeps);

#endif
