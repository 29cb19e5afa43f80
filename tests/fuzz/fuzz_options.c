/*
 * The words after a command: the tables of options, their rules and checks. The
 * first line is the command's name, each other one a word. Behind a 0 is another
 * command.
 */
#include <unistd.h>

#include "app/settings.h"
#include "base/glyph.h"
#include "cmd/command.h"
#include "cmd/connect_to.h"
#include "cmd/echo_models.h"
#include "cmd/listen_program.h"
#include "cmd/listen_prompt.h"
#include "cmd/members_header.h"
#include "cmd/multicast_options.h"
#include "cmd/netcat.h"
#include "cmd/probe_at.h"
#include "cmd/probe_files.h"
#include "cmd/probe_plan.h"
#include "cmd/probe_scan.h"
#include "cmd/proxy_options.h"
#include "cmd/server_check.h"
#include "cmd/sockopt_options.h"
#include "cmd/tls_options.h"
#include "fuzz.h"
#include "group/steer/mode.h"

static const struct command *const commands[] = {
	&listen_command, &echo_command, &connect_command, &probe_command,
};
enum { WORDS = 40 };

/* What workers share is not made. */
static bool ours;
int __wrap_accept_setup_share(struct accept_setup *);
int __real_accept_setup_share(struct accept_setup *);

int
__wrap_accept_setup_share(struct accept_setup *a)
{
	return ours ? 0 : __real_accept_setup_share(a);
}

/* No files, name servers or sources: see the other targets. */
static void
plan(const struct settings *given, const struct endpoint *e)
{
	struct settings s = *given;
	struct probe_plan p;

	s.sources = NULL;
	if (probe_plan_make(&p, &s, e) == 0)
		probe_plan_free(&p);
}

static void
listen_check(struct settings *s, struct endpoint *e)
{
	static struct accept_setup setup;
	static struct tls_context tls;
	static struct netcat netcat;

	memset(&setup, 0, sizeof(setup));
	if (multicast_options(s, e) < 0 || server_check(s, e) < 0 ||
	    server_check_group(s, e) < 0 || netcat_check(&netcat, s) < 0)
		return;
	listen_prompt_check(s);
	echo_models_check(s);
	members_header_check(s, STDERR_FILENO);
	server_check_setup(s, &setup, &tls);
	admission_free(&setup.admission);
}

static void
connect_check(struct settings *s, const struct endpoint *e)
{
	static struct proxy_chain chain;
	static struct netcat netcat;
	struct connect_to to = { .server = e };
	const char *name;

	netcat_check(&netcat, s);
	multicast_options_client(s, e);
	sockopt_options_check(s, e, SOCKOPT_CLIENT);
	if (s->to)
		connect_to_read(&to, s);
	proxy_options(s, e, &chain);
	tls_options_name(s, e, &name);
}

static void
check_endpoint(struct settings *s, struct endpoint *e)
{
	const char *command = s->command;

	s->tls = false;			/* reads files, makes keys */
	s->proxy_auth_file = NULL;
	s->quiet = true;
	if (strcmp(command, "probe") == 0)
		plan(s, e);
	else if (strcmp(command, "connect") == 0)
		connect_check(s, e);
	else
		listen_check(s, e);
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
	probe_files_check(s, count, words);
	if (s->at)
		probe_at_check(s);
	if (probe_scan_wanted(count, words))
		return;
	if (settings_endpoint(s, count, words, &e) == 0)
		check_endpoint(s, &e);
}

static void
check(const struct command *c, struct settings *s, int count,
    char *const *words)
{
	const char *what = "";
	unsigned mode;

	if (c == &listen_command && listen_program_take(s, &count, words) < 0)
		return;
	mode = c->mode ? c->mode(s, count, words, &what) : 0;
	s->events = NULL;		/* would make a file */
	if (opt_check(&s->given, NULL, mode, what) == 0 &&
	    settings_check(s) == 0)
		check_values(s, count, words);
}

static void
read_words(char *text)
{
	char *words[WORDS + 1] = { NULL };
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
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length), *end = text + length, *next;

	ours = true;
	for (char *at = text; at <= end; at = next + 1) {
		next = at + strlen(at);
		read_words(at);
	}
	ours = false;
	free(text);
	return 0;
}
