#include "serve/confine.h"

#include <string.h>

#include "serve/membership.h"

int
server_confine(struct app *a, const struct membership *m, unsigned keeps)
{
	const struct settings *s = a->settings;
	char directory[sizeof(m->unix_name.path) + 2], *slash;

	keeps |= KEEPS_ACCEPT;
	if (s->reuseport || s->adopt || s->replace || s->inherits)
		keeps |= KEEPS_OTHERS;
	/* a socket that leaves is connected, and needs another for that */
	if (s->udp)
		keeps |= KEEPS_DIAL;
	strcpy(directory, m->unix_name.path);
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	else
		strcpy(directory, ".");
	return app_confine(a, keeps, m->unix_name.path[0] ? directory : NULL);
}
