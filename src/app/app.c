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
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "app/ready.h"
#include "base/container.h"
#include "base/signals.h"
#include "base/standard_fds.h"
#include "report/wrap.h"

enum {
	PATIENCE_MS = 1000,	/* a slow reader delays the end by this much */
	OUTPUT_LOST = 128,	/* a child's status: this, plus the errno of
				 * stdout, or 0 if stderr has lost lines; so
				 * the errno must be less: EKEYEXPIRED is 127 */
};

/*
 * If the terminal has gone, the kernel sends SIGHUP before or after this
 * error, so SIGHUP ends the command. If SIGHUP is ignored, a prompt reads the
 * end of its input and ends in order; without a prompt the error is a fault.
 */
static void
on_out_fail(struct sink *s)
{
	struct app *a = container_of(s, struct app, out);
	struct stat st;
	bool gone = (errno == EIO || errno == EPIPE) &&
	    fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode);

	if (gone && sigismember(&a->signal_set, SIGHUP) == 1)
		raise(SIGHUP);
	else if (!gone || !a->interactive) {
		a->output_error = errno < OUTPUT_LOST ? errno : EIO;
		if (a->forked)
			loop_stop(&a->loop);
		else
			app_fatal(a);
	}
}

bool
app_child_lost_output(struct app *a, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) < OUTPUT_LOST)
		return false;
	if (WEXITSTATUS(status) == OUTPUT_LOST) {
		a->err.lost = true;
		return false;
	}
	errno = WEXITSTATUS(status) - OUTPUT_LOST;
	if (!a->out.failed)
		sink_break(&a->out);
	return true;
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
app_end_by(struct app *a, int number)
{
	a->ended_by = number;
	loop_stop(&a->loop);
	signals_hurry();
}

/* The terminal has echoed ^C into the line that we would go on with. */
static void
end_echo(struct app *a, const struct signalfd_siginfo *info)
{
	struct termios t;

	if (info->ssi_signo == SIGINT && info->ssi_code == SI_KERNEL &&
	    !a->settings->quiet && !a->interactive && !a->worker &&
	    tcgetattr(STDERR_FILENO, &t) == 0 && t.c_lflag & ECHO)
		sink_write(&a->err, "\n", 1);
}

static void
on_signals(struct source *s, uint32_t events)
{
	struct app *a = container_of(s, struct app, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		if (is_repeated(&info))
			continue;
		end_echo(a, &info);
		if (a->on_signal)
			a->on_signal(a, &info);
		else if (info.ssi_signo != SIGCHLD)
			app_end_by(a, (int)info.ssi_signo);
	}
}

int
app_catch(struct app *a, int number)
{
	int fd;

	sigaddset(&a->signal_set, number);
	sigprocmask(SIG_BLOCK, &a->signal_set, NULL);
	fd = signalfd(a->signals.fd, &a->signal_set,
	    SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return fail("signalfd");
	a->signals.fd = fd;
	return 0;
}

static int
signals_open(struct app *a)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGCHLD, SIGHUP };
	struct sigaction now;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&a->signal_set);
	a->signals.fd = -1;
	a->signals.on_event = on_signals;
	a->signals.urgent = true;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* ignored for us by nohup(1), or by a shell's & */
		if ((numbers[i] == SIGHUP || numbers[i] == SIGINT) &&
		    sigaction(numbers[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_IGN)
			continue;
		if (app_catch(a, numbers[i]) < 0)
			return -1;
	}
	return loop_watch(&a->loop, &a->signals, EPOLLIN);
}

static void
print_on_stderr(struct app *a, const char *line, size_t length, bool news)
{
	(void)news;
	sink_write(&a->err, line, length);
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
app_open(struct app *a, const struct settings *s)
{
	*a = (struct app){
		.settings = s, .color = wants_color(s, STDERR_FILENO),
		.style = {
			.color = wants_color(s, STDOUT_FILENO),
			.terminal = isatty(STDOUT_FILENO),
		},
		.print = print_on_stderr, .events = s->events_file,
		.manager.fd = -1,
	};
	if (loop_open(&a->loop) < 0 ||
	    sink_open(&a->err, &a->loop, STDERR_FILENO, true) < 0 ||
	    sink_open(&a->out, &a->loop, STDOUT_FILENO, false) < 0)
		return -1;
	a->out.on_fail = on_out_fail;
	a->err.keeps = s->hex;	/* a dump is whole */
	a->err.lost = standard_fds_was_closed(STDERR_FILENO);
	return signals_open(a);
}

bool
app_has_signal(const struct app *a)
{
	struct pollfd p = { .fd = a->signals.fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Waits for its reader; after a signal, not for long. */
static void
flush_whole(struct app *a, struct sink *s)
{
	struct signalfd_siginfo info;

	while (sink_flush(s, a->ended_by ? PATIENCE_MS : -1,
	    a->signals.fd) < 0 && !s->failed &&
	    read(a->signals.fd, &info, sizeof(info)) == sizeof(info))
		if (is_end_signal(&info))
			app_end_by(a, (int)info.ssi_signo);
}

/*
 * A verdict that came later is no reason to end with 0. On stderr, what -x and
 * -v print was asked for.
 */
static int
final_status(const struct app *a)
{
	bool asked = a->settings->hex || a->settings->verbose;
	bool lost = asked && !a->interactive && a->err.lost;

	if (a->forked && (a->output_error || (lost && !a->status)))
		return OUTPUT_LOST + a->output_error;
	lost |= a->output_error ||
	    (a->events.faults && a->events.faults->lost);
	return lost && a->status == STATUS_OK ? STATUS_NETWORK :
	    (int)a->status;
}

int
app_close(struct app *a)
{
	rate_limit_end(&a->peers, &a->loop);
	if (a->ended_by)
		signals_hurry();
	flush_whole(a, &a->out);
	sink_settle(&a->out);
	if (event_file_settle(&a->events) < 0)
		app_fault(a);
	if (a->settings->hex)
		flush_whole(a, &a->err);
	if (sink_flush(&a->err, PATIENCE_MS, -1) < 0)
		a->err.lost = true;
	sink_settle(&a->err);
	sink_close(&a->out);
	sink_close(&a->err);
	loop_del(&a->loop, &a->signals);
	close(a->signals.fd);
	manager_close(&a->manager);
	loop_close(&a->loop);
	return final_status(a);
}

void
app_abandon(struct app *a)
{
	sigset_t terminals;

	/* ^Z must stop the child as well */
	sigemptyset(&terminals);
	sigaddset(&terminals, SIGTSTP);
	sigaddset(&terminals, SIGWINCH);
	sigprocmask(SIG_UNBLOCK, &terminals, NULL);
	loop_leave(&a->loop);
	sink_close(&a->out);
	sink_close(&a->err);
	close(a->signals.fd);
	manager_close(&a->manager);
	loop_close(&a->loop);
}

void
report_error(const char *command)
{
	dprintf(STDERR_FILENO, "rpnc%s%s: %s\n", *command ? " " : "", command,
	    fail_text());
}

void
app_print(struct app *a, const char *line, bool news)
{
	char *text = a->interactive ? wrap_for_stdout(line) : strdup(line);

	if (text)
		a->print(a, text, strlen(text), news);
	free(text);
}

void
app_fault(struct app *a)
{
	char line[FAIL_TEXT + 32];

	snprintf(line, sizeof(line), "rpnc %s: %s\n", a->settings->command,
	    fail_text());
	/* a slow reader, too, learns why the status is not 0 */
	a->err.keeps = true;
	app_print(a, line, false);
	a->err.keeps = a->settings->hex;
	a->status = fail_status();
}

void
app_fatal(struct app *a)
{
	app_fault(a);
	loop_stop(&a->loop);
}

/* If --ready-fd is a full pipe, waits for its reader or for a signal. */
static bool
ready_fd_is_writable(const struct app *a)
{
	struct pollfd p[] = {
		{ .fd = (int)a->settings->ready_fd, .events = POLLOUT },
		{ .fd = a->signals.fd, .events = POLLIN },
	};

	int n;

	while ((n = poll(p, 2, -1)) < 0 && errno == EINTR)
		continue;
	return n < 0 || p[0].revents;
}

/* A loop that runs is a sign of life. Twice in the time, as systemd advises. */
static void
on_watchdog(struct timer *t)
{
	struct app *a = container_of(t, struct app, watchdog);

	manager_notify(&a->manager, "WATCHDOG=1");
	t->on_timer = on_watchdog;
	loop_timer_set(&a->loop, t, loop_now() + a->manager.watchdog / 2);
}

void
app_ready(struct app *a, const struct sock_set *set)
{
	if (a->settings->ready_fd >= 0 && ready_fd_is_writable(a))
		ready_write((int)a->settings->ready_fd, set);
	manager_notify_ready(&a->manager, set);
	if (a->manager.fd >= 0 && a->manager.watchdog)
		on_watchdog(&a->watchdog);
}

void
app_stopping(struct app *a)
{
	manager_notify(&a->manager, "STOPPING=1\nSTATUS=stopping");
	manager_close(&a->manager);
	loop_timer_cancel(&a->loop, &a->watchdog);
}
