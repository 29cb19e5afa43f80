#include "cmd/probe_confine.h"

int
probe_confine(struct app *a, unsigned more)
{
	unsigned keeps = KEEPS_DIAL | KEEPS_OTHERS | more;

	/* written at the end, and renamed */
	if (a->settings->openmetrics || a->settings->html)
		keeps |= KEEPS_FILES;
	/* keys, and the size of the terminal */
	if (a->settings->watch || a->settings->live)
		keeps |= KEEPS_PROMPT;
	return app_confine(a, keeps, NULL);
}
