#include "serve/confine.h"

#include <string.h>

#include "serve/membership.h"

int
server_confine(struct app *a, const struct membership *m, unsigned keeps)
{
	const struct settings *s = a->settings;
	char directory[sizeof(m->unix_name.path)], *slash;

	keeps |= KEEPS_ACCEPT;
	if (s->reuseport || s->adopt || s->replace || s->inherits)
		keeps |= KEEPS_OTHERS;
	/* a socket that leaves is connected, and needs another for that */
	if (s->udp)
		keeps |= KEEPS_DIAL;
	memcpy(directory, m->unix_name.path, sizeof(directory));
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	return app_confine(a, keeps, !directory[0] ? NULL : slash ? directory :
	    ".");
}
