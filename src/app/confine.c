/*
 * The sandbox of a running command: right before it reads the first byte of a
 * stranger. Whatever needs more (libraries, the resolver, history's directory)
 * comes before; processes that run a program of the user come from the spawner
 * (base/spawner.h), which was forked before.
 */
#include "app/confine.h"

#include <jansson.h>
#include <time.h>

#include "app/emit.h"
#include "net/interface.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"

/* These need files by name, or look into other processes. */
enum {
	NO_LANDLOCK = KEEPS_FILES | KEEPS_NAMES | KEEPS_OTHERS | KEEPS_PROMPT,
};

/* The kernel can't do it: -1 if it must. */
static int
confine_failed(const struct settings *s, const char *what)
{
	fail("the sandbox lacks %s", what);
	return s->sandbox == SANDBOX_MUST ? -1 : 0;
}

static int
confine_report(struct app *a, const char *what)
{
	if (confine_failed(a->settings, what) < 0)
		return -1;
	if (a->settings->verbose)
		emit_notice(a, fail_text());
	return 0;
}

/* Libraries read files when they first need them: have them do so now. */
static void
prepare(const struct settings *s)
{
	tzset();
	if (!s->local)
		interface_prepare();
	if (s->json || s->events)
		json_object_seed(0);
}

int
app_confine(struct app *a, unsigned keeps, const char *directory)
{
	if (a->settings->sandbox == SANDBOX_OFF)
		return 0;
	keeps |= KEEPS_BYTES;
	prepare(a->settings);
	if (!(keeps & NO_LANDLOCK) && landlock_close(directory,
	    keeps & KEEPS_CHILDREN) < 0 &&
	    confine_report(a, "Landlock") < 0)
		return -1;
	return filter_calls(keeps) < 0 ? confine_report(a, "seccomp") : 0;
}

int
app_confine_early(const struct settings *s, unsigned keeps)
{
	if (s->sandbox == SANDBOX_OFF ||
	    filter_calls(keeps | KEEPS_BYTES) == 0)
		return 0;
	return confine_failed(s, "seccomp");
}
