/*
 * A running command: its loop, stdout and stderr as sinks, the signals that it
 * reads from a signalfd(2), and its exit status.
 *
 *	running		ends by SIGINT, SIGTERM or SIGHUP (app_end_by(), or the
 *			command's own on_signal), by app_fatal(), by an error
 *			of stdout, or because the command is done
 *	flushing	app_close() waits for the reader of stdout: without
 *			limit, or after a signal for PATIENCE_MS. A further
 *			signal ends the process at once
 *	closed		the caller ends the process by the signal that ended
 *			the command, so that its parent sees that signal
 */
#include "app/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "app/ready.h"
#include "base/container.h"
#include "base/signals.h"
#include "terminal/columns.h"

enum { PATIENCE_MS = 1000 };	/* a slow reader delays the end by this much */

/*
 * If the terminal has gone, the kernel sends SIGHUP before or after this
 * error, so SIGHUP ends the command. If SIGHUP is ignored, a prompt reads the
 * end of its input and ends in order; without a prompt the error is a fault.
 */
static void
on_out_fail(struct sink *s)
{
	struct app *d = container_of(s, struct app, out);
	struct stat st;
	bool gone = (errno == EIO || errno == EPIPE) &&
	    fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode);

	if (gone && sigismember(&d->signal_set, SIGHUP) == 1)
		raise(SIGHUP);
	else if (!gone || !d->interactive)
		app_fatal(d);
}

static bool
is_end_signal(const struct signalfd_siginfo *info)
{
	return info->ssi_signo == SIGTERM || info->ssi_signo == SIGINT ||
	    info->ssi_signo == SIGHUP;
}

static bool
is_repeated(const struct signalfd_siginfo *info)
{
	return is_end_signal(info) && signals_is_twin((int)info->ssi_signo,
	    info->ssi_code == SI_USER ? (pid_t)info->ssi_pid : 0);
}

void
app_end_by(struct app *d, int number)
{
	d->ended_by = number;
	loop_stop(&d->loop);
	signals_hurry();
}

/* The terminal has echoed ^C into the line that we would go on with. */
static void
end_echo(struct app *d, const struct signalfd_siginfo *info)
{
	struct termios t;

	if (info->ssi_signo == SIGINT && info->ssi_code == SI_KERNEL &&
	    !d->settings->quiet && !d->interactive && !d->worker &&
	    tcgetattr(STDERR_FILENO, &t) == 0 && t.c_lflag & ECHO)
		sink_write(&d->err, "\n", 1);
}

static void
on_signals(struct source *s, uint32_t events)
{
	struct app *d = container_of(s, struct app, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		if (is_repeated(&info))
			continue;
		end_echo(d, &info);
		if (d->on_signal)
			d->on_signal(d, &info);
		else if (info.ssi_signo != SIGCHLD)
			app_end_by(d, (int)info.ssi_signo);
	}
}

int
app_catch(struct app *d, int number)
{
	int fd;

	sigaddset(&d->signal_set, number);
	sigprocmask(SIG_BLOCK, &d->signal_set, NULL);
	fd = signalfd(d->signals.fd, &d->signal_set,
	    SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return fail("signalfd");
	d->signals.fd = fd;
	return 0;
}

static int
signals_open(struct app *d)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP };
	struct sigaction now;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&d->signal_set);
	d->signals.fd = -1;
	d->signals.on_event = on_signals;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* ignored for us by nohup(1), or by a shell's & */
		if ((numbers[i] == SIGHUP || numbers[i] == SIGINT) &&
		    sigaction(numbers[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_IGN)
			continue;
		if (app_catch(d, numbers[i]) < 0)
			return -1;
	}
	return loop_watch(&d->loop, &d->signals, EPOLLIN);
}

static void
print_on_stderr(struct app *d, const char *line, size_t length, bool news)
{
	(void)news;
	sink_write(&d->err, line, length);
}

static bool
wants_color(const struct settings *s, int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (s->color != CHOICE_AUTO)
		return s->color == CHOICE_ALWAYS;
	return isatty(fd) && !(no && *no) &&
	    term && strcmp(term, "dumb") != 0;
}

int
app_open(struct app *d, const struct settings *s)
{
	*d = (struct app){
		.settings = s, .color = wants_color(s, STDERR_FILENO),
		.style = {
			.columns = terminal_columns(STDOUT_FILENO),
			.color = wants_color(s, STDOUT_FILENO),
			.terminal = isatty(STDOUT_FILENO),
		},
		.print = print_on_stderr,
	};
	if (loop_open(&d->loop) < 0 ||
	    sink_open(&d->err, &d->loop, STDERR_FILENO, true) < 0 ||
	    sink_open(&d->out, &d->loop, STDOUT_FILENO, false) < 0)
		return -1;
	d->out.on_fail = on_out_fail;
	return signals_open(d);
}

/* Waits for the reader of stdout; after a signal, not for long. */
static void
flush_out(struct app *d)
{
	struct signalfd_siginfo info;

	while (sink_flush(&d->out, d->ended_by ? PATIENCE_MS : -1,
	    d->signals.fd) < 0 && !d->out.failed &&
	    read(d->signals.fd, &info, sizeof(info)) == sizeof(info))
		if (is_end_signal(&info))
			app_end_by(d, (int)info.ssi_signo);
}

int
app_close(struct app *d)
{
	rate_limit_end(&d->peers, &d->loop);
	if (d->ended_by)
		signals_hurry();
	flush_out(d);
	sink_flush(&d->err, PATIENCE_MS, -1);
	sink_close(&d->out);
	sink_close(&d->err);
	loop_del(&d->loop, &d->signals);
	close(d->signals.fd);
	loop_close(&d->loop);
	return d->status;
}

void
app_abandon(struct app *d)
{
	sigset_t terminals;

	/* ^Z must stop the child as well */
	sigemptyset(&terminals);
	sigaddset(&terminals, SIGTSTP);
	sigaddset(&terminals, SIGWINCH);
	sigprocmask(SIG_UNBLOCK, &terminals, NULL);
	sink_close(&d->out);
	sink_close(&d->err);
	close(d->signals.fd);
	loop_close(&d->loop);
}

void
report_error(const char *command)
{
	dprintf(STDERR_FILENO, "rpnc%s%s: %s\n", *command ? " " : "", command,
	    fail_text());
}

void
app_fault(struct app *d)
{
	char line[FAIL_TEXT + 32];
	int n = snprintf(line, sizeof(line), "rpnc %s: %s\n",
	    d->settings->command, fail_text());

	d->print(d, line, (size_t)n, false);
	d->status = fail_status();
}

void
app_fatal(struct app *d)
{
	app_fault(d);
	loop_stop(&d->loop);
}

/* If --ready-fd is a full pipe, waits for its reader or for a signal. */
static bool
ready_fd_is_writable(const struct app *d)
{
	struct pollfd p[] = {
		{ .fd = (int)d->settings->ready_fd, .events = POLLOUT },
		{ .fd = d->signals.fd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	return p[0].revents;
}

void
app_ready(struct app *d, const struct sock_set *set)
{
	if (d->settings->ready_fd >= 0 && ready_fd_is_writable(d))
		ready_write((int)d->settings->ready_fd, set);
	ready_notify();
}
