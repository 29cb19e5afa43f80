/*
 * The words after a command: the tables of options, their rules and checks. The
 * first line is the command's name, each other one a word.
 */
#include "app/settings.h"
#include "base/glyph.h"
#include "cmd/command.h"
#include "cmd/probe_at.h"
#include "cmd/probe_plan.h"
#include "fuzz.h"
#include "group/steer/mode.h"

static const struct command *const commands[] = {
	&listen_command, &echo_command, &connect_command, &probe_command,
};
enum { WORDS = 40 };

/* No files, name servers or sources: see the other targets. */
static void
plan(const struct settings *given, const struct endpoint *e)
{
	struct settings s = *given;
	struct probe_plan p;

	s.proxy_auth_file = s.sources = NULL;
	s.tls = false;
	if (probe_plan_make(&p, &s, e) == 0)
		probe_plan_free(&p);
	if (s.at)
		probe_at_check(&s);
}

static void
check_values(struct settings *s, int count, char *const *words)
{
	struct endpoint e = { 0 };
	struct congestion c = { 0 };
	struct steering steering;

	if (s->watch)
		settings_interval(s);
	settings_congestion(s, &c);
	settings_spin(s);
	settings_workers(s);
	settings_stream(s);
	if (s->steer)
		mode_parse(s->steer, &steering);
	if (settings_endpoint(s, count, words, &e) == 0 &&
	    strcmp(s->command, "probe") == 0)
		plan(s, &e);
}

static void
check(const struct command *c, struct settings *s, int count,
    char *const *words)
{
	const char *what = "";
	unsigned mode = c->mode ? c->mode(s, count, words, &what) : 0;

	s->events = NULL;		/* would make a file */
	if (opt_check(&s->given, NULL, mode, what) == 0 &&
	    settings_check(s) == 0)
		check_values(s, count, words);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length), *words[WORDS + 1] = { NULL };
	int count = fuzz_words(text, words, WORDS), first;
	struct settings s;

	for (int i = 0; count && i < 4; i++) {
		if (strcmp(words[0], commands[i]->name) != 0)
			continue;
		settings_init(&s, words[0]);
		first = opt_parse(count, words, commands[i]->tables, hints, &s,
		    &s.given);
		if (first >= 0)
			check(commands[i], &s, count - first, words + first);
		break;
	}
	free(text);
	return 0;
}
