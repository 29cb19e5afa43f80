#include "cmd/probe_confine.h"

#include "math/hist_hdr.h"

int
probe_confine(struct app *a, unsigned more)
{
	const struct settings *s = a->settings;
	unsigned keeps = KEEPS_DIAL | KEEPS_OTHERS | more;

	if ((s->json || s->events || s->hdr_log) && hist_hdr_load() < 0)
		return -1;

	/* written at the end, and renamed */
	if (s->openmetrics || s->html)
		keeps |= KEEPS_FILES;
	/* keys, and the size of the terminal */
	if (s->watch || s->live)
		keeps |= KEEPS_PROMPT;
	return app_confine(a, keeps, NULL);
}
