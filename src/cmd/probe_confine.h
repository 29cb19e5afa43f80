#ifndef CMD_PROBE_CONFINE_H
#define CMD_PROBE_CONFINE_H

#include "app/confine.h"

/*
 * app_confine() for a mode of probe: it opens connections, and looks at the
 * members of the port. more: what else it keeps.
 */
int probe_confine(struct app *, unsigned more);

#endif
