/*
 * rpnc: the netcat that sees SO_REUSEPORT.
 *
 * The map. A file uses its own room, and rooms that stand below it here:
 *
 *	main.c		the table of subcommands
 *	completion	scripts for shells, from the tables of options
 *	cmd		a file for each command and mode: order of steps, exit
 *			status; which accept model echo starts
 *	ops		operations on a live port: --during, --watch, --compare,
 *			--quarantine, --rescue
 *	session		a person at the prompt
 *	serve		accept models, workers, services, programs; joining a
 *			group and leaving it
 *	probe/load	attempts, their pace, and what they found
 *	probe/who	which process answered, asked of the kernel
 *	probe/inspect	--group: the sockets of a port, without a packet
 *	probe/stats	counts and verdicts: no socket, no clock
 *	app		what a running command has: options, loop, streams,
 *			signals, events
 *	group/reach	a connection to one given member of a port
 *	group		the members of one port
 *	group/diagnose	who else has the port, and why bind(2) fails
 *	group/steer	BPF programs that choose a group's member
 *	relay		bytes between stdin, stdout and connections
 *	group/registry	the shared file where the members of a port meet
 *	kernel		what the kernel says about sockets: sock_diag(7), /proc
 *	report		events and reports, for people and as JSON
 *	terminal	the prompt, and the header above it
 *	tls		TLS on connections, by OpenSSL
 *	net		addresses, sockets, connections
 *	sandbox		which system calls and files a process keeps
 *	math		histograms, and the statistics of fair hashing
 *	base		faults, numbers, options, the event loop, sinks
 *
 * A mode of probe is in three rooms: cmd/probe_watch.c starts --watch,
 * ops/watch.c does it, report/watch.c shows it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "base/fail.h"
#include "base/glyph.h"
#include "base/num.h"
#include "base/opt_help.h"
#include "base/signals.h"
#include "base/standard_fds.h"
#include "cmd/advice.h"
#include "cmd/command.h"
#include "cmd/version.h"
#include "completion/completion.h"
#include "completion/words.h"

static const struct command *const commands[] = {
	&listen_command, &echo_command, &connect_command, &probe_command,
};

/* The options that come instead of a command. */
struct own {
	int what, shell;		/* enum own_option; a shell + 1 */
};
enum own_option { OWN_NONE, OWN_HELP, OWN_VERSION };
#define OWN(kind_, letter_, name_, arg_, field, value, help_) { \
	.kind = (kind_), .letter = (letter_), .name = (name_), .arg = (arg_), \
	.offset = offsetof(struct own, field), .min = (value), \
	.help = (help_), .operands = WORDS_NOTHING }
static const struct opt own_options[] = {
	OWN(OPT_VALUE, 'h', "help", NULL, what, OWN_HELP, "list the commands"),
	OWN(OPT_VALUE, 'V', "version", NULL, what, OWN_VERSION,
	    "print the version, and what is built in"),
	OWN(OPT_CHOICE, 0, "completion", "bash|zsh|fish", shell, 1,
	    "write a shell's completion script"),
	{ .kind = OPT_END }
};
enum { HOST_LIKELY = 64 };	/* a longer word is hardly a host's name */
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int
flush_stdout(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout) &&
	    fd_settle(STDOUT_FILENO) == 0)
		return STATUS_OK;
	fail("stdout");
	report_error("");
	return STATUS_NETWORK;
}

static void
print_usage(FILE *out)
{
	fputs("usage:\n", out);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  rpnc %s\n        %s\n", commands[i]->synopsis,
		    commands[i]->summary);
	fputs("\n'rpnc COMMAND --help' lists a command's options; 'man rpnc' "
	    "has examples.\n'rpnc --version' says what is built in; 'rpnc "
	    "--completion bash', zsh or\nfish writes what that shell needs "
	    "to complete rpnc's words.\n", out);
}

static int
print_help(const struct command *c, const char *which)
{
	bool all = strcmp(which, "all") == 0;
	char *rows;

	if (!all && *which) {
		fail_as(STATUS_USAGE, "--help=%.40s: want --help or "
		    "--help=all", which);
		report_error(c->name);
		return STATUS_USAGE;
	}
	rows = opt_help(c->tables, all);
	printf("usage: rpnc %s\n%s\n%s", c->synopsis, c->summary,
	    rows ? rows : "");
	if (all)
		puts("\nPORT may be HOST:PORT, [V6]:PORT, unix:PATH or "
		    "unix:@NAME.\nTIME is in seconds, or has a unit: 250ms, "
		    "5m.");
	else
		printf("More: 'rpnc %s --help=all', rpnc-%s(1).\n", c->name,
		    c->name);
	free(rows);
	return flush_stdout();
}

static const struct command *
find_subcommand(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static bool
is_port(const char *word)
{
	int64_t port;

	return num_parse(word, 0, 65535, &port) == 0;
}

/* Words that other tools have for a command. */
static const char *
find_synonym(const char *word)
{
	static const char *const others[][2] = {
		{ "serve", "'rpnc listen' or 'rpnc echo'" },
		{ "server", "'rpnc listen' or 'rpnc echo'" },
		{ "client", "'rpnc connect'" }, { "dial", "'rpnc connect'" },
		{ "ping", "'rpnc probe'" }, { "scan", "'rpnc probe'" },
		{ "test", "'rpnc probe'" }, { "bench", "'rpnc probe'" },
		{ "status", "'rpnc probe --group'" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(others[i][0], word) == 0)
			return others[i][1];
	return NULL;
}

static const struct command *
nearest_command(const char *word, size_t *distance)
{
	const struct command *near = commands[0];

	*distance = SIZE_MAX;
	for (int i = 0; i < COMMANDS; i++) {
		const char *name = commands[i]->name;
		size_t d = strncmp(word, name, strlen(word)) == 0 ? 0 :
		    edit_distance(word, name);

		if (d < *distance) {
			*distance = d;
			near = commands[i];
		}
	}
	return near;
}

/* Records what was meant by a word that no command has; next may be NULL. */
static void
suggest(const char *word, const char *next)
{
	static const char wrong[] = "no such command; did you mean";
	const char *other = find_synonym(word);
	char said[URL_TEXT];
	size_t distance;
	const struct command *near = nearest_command(word, &distance);

	if (other)
		fail_as(STATUS_USAGE, "%s: %s %s?", word, wrong, other);
	else if (addr_of_url(word, said))
		fail_as(STATUS_USAGE, "%.40s: %s 'rpnc connect %s'?", word,
		    wrong, said);
	else if (next && distance > 2 && strlen(word) < HOST_LIKELY &&
	    is_port(next))
		fail_as(STATUS_USAGE, "%.40s: %s 'rpnc connect %.40s %s'?",
		    word, wrong, word, next);
	else if (distance > 2 && strpbrk(word, ":./"))
		fail_as(STATUS_USAGE, "%.40s: %s 'rpnc connect %.40s'?", word,
		    wrong, word);
	else if (distance > 2)
		fail_as(STATUS_USAGE, "%.40s: no such command: there are "
		    "listen, echo, connect and probe", word);
	else
		fail_as(STATUS_USAGE, "%.40s: %s 'rpnc %s'?", word, wrong,
		    near->name);
}

/* Suggests the command that was meant; next: the word after it, or NULL. */
static int
report_unknown(const char *word, const char *next)
{
	if (*word == '-')
		fail_as(STATUS_USAGE, "%.40s: the command comes first: rpnc "
		    "listen, echo, connect or probe", word);
	else if (is_port(word) && next && find_subcommand(next))
		fail_as(STATUS_USAGE, "%s: the command comes first: 'rpnc %s "
		    "%s'", word, next, word);
	else if (is_port(word))
		fail_as(STATUS_USAGE, "%s: the command comes first: 'rpnc "
		    "listen %s' or 'rpnc connect %s'?", word, word, word);
	else
		suggest(word, next);
	report_error("");
	return STATUS_USAGE;
}

/* Checks the rules between options, then their values. */
static int
check_options(const struct command *c, struct settings *s, int count,
    char *const *words)
{
	int own = s->given.behind > 0 ? count - s->given.behind : count;
	bool is_unix = own == 1 && strncmp(words[0], "unix:", 5) == 0;
	const char *what = "";
	unsigned mode = c->mode ? c->mode(s, count, words, &what) : 0;

	if (opt_check(&s->given, is_unix ? "unix" : NULL, mode, what) < 0)
		return -1;
	return settings_check(s);
}

static int
command_run(const struct command *c, int argc, char **argv)
{
	struct settings settings;
	int first, status = -1, ended_by = 0;

	settings_init(&settings, c->name);
	first = opt_parse(argc, argv, c->tables, hints, &settings,
	    &settings.given);
	if (!settings.json)		/* which is UTF-8 anywhere */
		glyph_locale();
	if (first >= 0 && settings.help)
		return print_help(c, settings.help);
	if (first >= 0 && check_options(c, &settings, argc - first,
	    argv + first) == 0)
		status = c->run(&settings, argc - first, argv + first,
		    &ended_by);
	if (status < 0) {
		report_error(c->name);
		status = fail_status();
	}
	if (status == STATUS_OK)
		signals_end_by(ended_by);
	return status;
}

/* "rpnc help [COMMAND]"; name: NULL without one. */
static int
help_run(const char *name)
{
	const struct command *c = name ? find_subcommand(name) : NULL;

	if (name && !c)
		return report_unknown(name, NULL);
	if (c)
		return print_help(c, "");
	print_usage(stdout);
	return flush_stdout();
}

static bool
is_own_option(const char *word)
{
	size_t span = strcspn(word, "=");

	for (const struct opt *o = own_options; o->kind; o++)
		if ((word[0] == '-' && word[1] && word[1] == o->letter &&
		    !word[2]) || (span == strlen(o->name) + 2 &&
		    strncmp(word, "--", 2) == 0 &&
		    strncmp(word + 2, o->name, span - 2) == 0))
			return true;
	return false;
}

static int
own_run(int argc, char **argv)
{
	const struct opt *const tables[] = { own_options, NULL };
	struct own own = { OWN_NONE, 0 };
	struct opt_given given;

	if (opt_parse(argc, argv, tables, NULL, &own, &given) < 0) {
		report_error("");
		return STATUS_USAGE;
	}
	if (own.what == OWN_HELP)
		return help_run(NULL);
	if (own.what == OWN_VERSION)
		version_print(stdout);
	else
		completion_write(stdout, (enum completion_shell)(own.shell - 1),
		    own_options, commands, COMMANDS);
	return flush_stdout();
}

/* "rpnc --complete KIND [WORD...]", as the scripts say it. */
static int
complete_run(int count, char *const *words)
{
	if (count < 1 || words_write(stdout, words[0], count - 1, words + 1) < 0)
		return STATUS_USAGE;
	return flush_stdout();
}

int
main(int argc, char **argv)
{
	const struct command *c;

	signals_init();
	standard_fds_hold();
	fail_advise_with(advice_words);
	if (argc < 2) {
		print_usage(stderr);
		return STATUS_USAGE;
	}
	if (is_own_option(argv[1]))
		return own_run(argc, argv);
	if (strcmp(argv[1], "help") == 0)
		return help_run(argv[2]);
	if (strcmp(argv[1], "--complete") == 0)
		return complete_run(argc - 2, argv + 2);
	c = find_subcommand(argv[1]);
	return c ? command_run(c, argc - 1, argv + 1) :
	    report_unknown(argv[1], argv[2]);
}
