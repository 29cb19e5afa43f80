/*
 * A line being typed, by readline(3), while other output goes above it.
 *
 *	state		moves on when
 *	closed		prompt_open()
 *	open, shown	prompt_hide(): other output; Enter or ^D: answering
 *	open, hidden	prompt_show()
 *	answering	on_line() or on_end() returns: readline shows the prompt
 *			again; other output needs no hiding meanwhile
 *	waiting		stdin is not watched, because another job has the
 *			terminal or its output is stopped; `retry` looks again
 *	suspended	prompt_resume(), after the process went on; in the
 *			background not before `retry` finds it in the foreground
 *	over		-; stdin has ended: on_end() was called, or, for a
 *			terminal that has gone, SIGHUP was raised instead
 *
 * ^D on an empty line calls on_end(), too, but ends nothing here: more keys may
 * come, and another ^D.
 *
 * readline writes to `screen`, which leads to the sink: a terminal that is not
 * read never blocks the loop. readline has globals, so there is one prompt.
 */
#include "terminal/prompt.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/container.h"
#include "base/fail.h"
#include "terminal/foreground.h"
#include "terminal/readline.h"

enum {
	RETRY_US = 200 * 1000,
	FLUSH_MS = 100,		/* wait this long before a stop */
};

static struct prompt *the_prompt;	/* readline has one set of globals */
static const struct readline *rl;

bool
prompt_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    in_foreground(STDIN_FILENO);
}

static void
history_load(struct prompt *p)
{
	char *text, *rest, *line;

	history_open(&p->history);
	rl->using_history();
	rl->stifle_history(HISTORY_LINES);
	rest = text = history_read(&p->history);
	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			rl->add_history(line);
	free(text);
}

static void
history_keep(struct prompt *p, const char *line)
{
	HIST_ENTRY *last = *rl->history_length ?
	    rl->history_get(*rl->history_base + *rl->history_length - 1) : NULL;

	if (!*line || (last && strcmp(last->line, line) == 0))
		return;
	rl->add_history(line);
	history_add(&p->history, line);
}

/*
 * Stdin has ended, or its terminal has gone: reports that once. A terminal that
 * goes also sends SIGHUP, before or after this; the two count as one.
 */
static void
input_over(struct prompt *p)
{
	struct sigaction now;

	loop_del(p->loop, &p->source);
	if (p->terminal && sigaction(SIGHUP, NULL, &now) == 0 &&
	    now.sa_handler != SIG_IGN)
		raise(SIGHUP);
	else
		p->on_end(p);
}

static void
on_readline(char *line)
{
	struct prompt *p = the_prompt;

	/* readline shows the prompt again when this returns */
	p->answering = true;
	if (line) {
		history_keep(p, line);
		p->on_line(p, line);
	} else if (!isatty(STDIN_FILENO)) {
		input_over(p);
	} else {
		fputc('\n', *rl->outstream);
		p->on_end(p);
	}
	p->answering = false;
	free(line);
}

static char *
prompt_generate(const char *text, int state)
{
	struct prompt *p = the_prompt;
	static int next;
	char *before, *found;

	if (!state)
		next = 0;
	before = strndup(*rl->line_buffer, (size_t)*rl->point - strlen(text));
	if (!before)
		return NULL;
	found = p->complete(p, before, text, next++);
	free(before);
	return found;
}

static char **
complete(const char *text, int start, int end)
{
	(void)start;
	(void)end;
	*rl->attempted_completion_over = 1;
	return rl->completion_matches(text, prompt_generate);
}

static void
on_key_retry(struct timer *t)
{
	struct prompt *p = container_of(t, struct prompt, retry);

	if (p->suspended)
		prompt_resume(p);
	else
		loop_watch(p->loop, &p->source, EPOLLIN);
}

/* Another job has the terminal, or its output is stopped. */
static void
prompt_wait(struct prompt *p)
{
	loop_del(p->loop, &p->source);
	loop_timer_set(p->loop, &p->retry, loop_now() + RETRY_US);
}

static void
on_key(struct source *s, uint32_t events)
{
	struct prompt *p = container_of(s, struct prompt, source);

	/* readline beeps and sets terminal modes by calls that may block */
	if (in_background(STDIN_FILENO) || sink_stuck(p->out)) {
		prompt_wait(p);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) {
		input_over(p);
		return;
	}
	rl->callback_read_char();
	if (p->screen)
		fflush(p->screen);
}

/* Writes readline's output to the sink, which reports a fault. */
static ssize_t
on_screen(void *user, const char *data, size_t length)
{
	struct prompt *p = user;

	sink_write(p->out, data, length);
	return (ssize_t)length;
}

static int
prompt_open_streams(struct prompt *p)
{
	static const cookie_io_functions_t functions = { .write = on_screen };

	p->screen = fopencookie(p, "w", functions);
	if (!p->screen)
		return fail("prompt");
	*rl->outstream = p->screen;
	return 0;
}

/* Like readline's own, but does not wait until the output has been read. */
static void
restore_modes(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &the_prompt->modes);
}

static int
on_clear_key(int count, int key)
{
	if (!the_prompt->on_clear)
		return rl->clear_screen(count, key);
	the_prompt->on_clear(the_prompt);
	return 0;
}

static int
on_page_key(int direction)
{
	the_prompt->on_page(the_prompt, direction);
	return 0;
}

static int
on_page_up(int count, int key)
{
	(void)count;
	(void)key;
	return on_page_key(-1);
}

static int
on_page_down(int count, int key)
{
	(void)count;
	(void)key;
	return on_page_key(1);
}

static int
ignore_key(int count, int key)
{
	(void)count;
	(void)key;
	return 0;
}

/* readline 8.2 blocks inside a bracketed paste that does not end. */
static void
bind_sequences(void)
{
	static const char *const maps[] = { "emacs-standard", "vi-insert" };

	rl->variable_bind("enable-bracketed-paste", "off");
	for (int i = 0; i < 2; i++) {
		Keymap map = rl->get_keymap_by_name(maps[i]);

		rl->bind_keyseq_in_map("\\e[200~", ignore_key, map);
		rl->bind_keyseq_in_map("\\e[201~", ignore_key, map);
		if (!the_prompt->on_page)
			continue;
		rl->bind_keyseq_in_map("\\e[5~", on_page_up, map);
		rl->bind_keyseq_in_map("\\e[6~", on_page_down, map);
	}
}

/*
 * readline reads the locale from the environment at each line. In the C locale,
 * or in one that is not installed, it takes a byte over 127 for a key with
 * Meta.
 */
static void
locale_init(void)
{
	const char *name = setlocale(LC_CTYPE, "");

	if (!name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
		setenv("LC_ALL", "C.UTF-8", 1);
}

/* If C.UTF-8 is not installed either: bytes over 127 are plain text. */
static void
take_all_bytes(void)
{
	if (MB_CUR_MAX > 1)
		return;
	rl->variable_bind("convert-meta", "off");
	rl->variable_bind("input-meta", "on");
	rl->variable_bind("output-meta", "on");
}

static void
readline_init(void)
{
	locale_init();
	*rl->readline_name = "rpnc";
	*rl->catch_signals = 0;
	*rl->catch_sigwinch = 0;
	*rl->change_environment = 0;
	*rl->attempted_completion_function = complete;
	*rl->basic_word_break_characters = " ";
	rl->initialize();
	take_all_bytes();
	bind_sequences();
	rl->bind_key('L' & 0x1f, on_clear_key);
	rl->variable_bind("bind-tty-special-chars", "on");
}

int
prompt_open(struct prompt *p, struct loop *l)
{
	the_prompt = p;
	p->loop = l;
	p->terminal = isatty(STDIN_FILENO);
	p->source.fd = STDIN_FILENO;
	p->source.on_event = on_key;
	p->retry.on_timer = on_key_retry;
	tcgetattr(STDIN_FILENO, &p->modes);
	rl = readline_load();
	if (!rl || loop_watch(l, &p->source, EPOLLIN) < 0 ||
	    prompt_open_streams(p) < 0)
		return -1;
	readline_init();
	history_load(p);
	rl->callback_handler_install("> ", on_readline);
	fflush(p->screen);
	p->open = true;
	return 0;
}

void
prompt_close(struct prompt *p)
{
	if (!p->open)
		return;
	p->open = false;
	loop_del(p->loop, &p->source);
	loop_timer_cancel(p->loop, &p->retry);
	if (!p->answering && !p->suspended)
		rl->clear_visible_line();
	if (p->terminal && sink_stuck(p->out))
		*rl->deprep_term_function = restore_modes;
	rl->callback_handler_remove();
	fclose(p->screen);
	p->screen = NULL;
	*rl->outstream = stdout;
}

/* Whether the line is on the screen, or would be, if it is not hidden. */
static bool
prompt_has_line(const struct prompt *p)
{
	return p->open && !p->answering && !p->suspended;
}

/*
 * The terminal may have been resized, perhaps before SIGWINCH is read. The rows
 * of a long line may then be anywhere. So the line is shown again below: going
 * up by its former rows could erase other output.
 */
static void
prompt_fit(void)
{
	int rows, columns, narrow;
	struct winsize now;

	rl->get_screen_size(&rows, &columns);
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &now) < 0 || !now.ws_col ||
	    !now.ws_row || (now.ws_col == columns && now.ws_row == rows))
		return;
	narrow = now.ws_col < columns ? now.ws_col : columns;
	if (*rl->prompt && (int)strlen(*rl->prompt) + *rl->end < narrow) {
		rl->resize_terminal();
		return;
	}
	rl->reset_screen_size();
	rl->crlf();
	rl->on_new_line();
	rl->redisplay();
	fflush(*rl->outstream);
}

void
prompt_set(struct prompt *p, const char *text)
{
	if (!p->open || (*rl->prompt && strcmp(*rl->prompt, text) == 0))
		return;
	if (!prompt_has_line(p)) {
		rl->set_prompt(text);
		return;
	}
	prompt_fit();
	rl->clear_visible_line();
	rl->set_prompt(text);
	rl->on_new_line();
	rl->redisplay();
	fflush(p->screen);
}

void
prompt_print(struct prompt *p, const char *text, size_t length)
{
	if (p->screen)
		fflush(p->screen);
	if (!prompt_has_line(p)) {
		sink_write(p->out, text, length);
		return;
	}
	prompt_fit();
	rl->clear_visible_line();
	fwrite(text, 1, length, p->screen);
	rl->on_new_line();
	rl->redisplay();
	fflush(p->screen);
}

void
prompt_hide(struct prompt *p)
{
	if (!prompt_has_line(p))
		return;
	rl->clear_visible_line();
	fflush(p->screen);
}

void
prompt_show(struct prompt *p)
{
	if (!prompt_has_line(p))
		return;
	rl->on_new_line();
	rl->redisplay();
	fflush(p->screen);
}

bool
prompt_clear(struct prompt *p)
{
	if (!p->open || p->suspended || !*rl->end)
		return false;
	rl->callback_sigcleanup();
	rl->crlf();
	rl->replace_line("", 1);
	*rl->point = 0;
	rl->on_new_line();
	rl->redisplay();
	fflush(p->screen);
	return true;
}

void
prompt_resize(struct prompt *p)
{
	if (p->open && !p->suspended)
		prompt_fit();
}

void
prompt_suspend(struct prompt *p)
{
	if (!p->open || p->suspended)
		return;
	p->suspended = true;
	rl->clear_visible_line();
	rl->deprep_terminal();
	fflush(p->screen);
	sink_flush(p->out, FLUSH_MS, -1);
}

void
prompt_resume(struct prompt *p)
{
	if (!p->open)
		return;
	if (in_background(STDIN_FILENO)) {	/* tcsetattr(3) would stop us */
		prompt_wait(p);
		return;
	}
	p->suspended = false;
	loop_watch(p->loop, &p->source, EPOLLIN);
	tcgetattr(STDIN_FILENO, &p->modes);
	rl->prep_terminal(1);
	rl->reset_screen_size();
	rl->on_new_line();
	rl->forced_update_display();
	fflush(p->screen);
}
