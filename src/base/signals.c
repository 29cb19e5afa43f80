#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/loop.h"

enum { TWIN_US = 5 * 1000 };

/* Users and service managers end processes with these. */
static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/*
 * The C library keeps some signals for its threads (glibc 32 and 33, musl also
 * 34): its sigaction(2) refuses them, and its sigprocmask(2) hides them. What
 * rpnc was started with, and what a child gets, has them, too. So the kernel is
 * asked.
 */
struct kernel_mask {
	unsigned long words[NSIG / 8 / sizeof(unsigned long)];
};

static bool ignored[NSIG];
static struct kernel_mask blocked;
static const struct kernel_mask none;
static struct {
	int number;
	pid_t sender;
	int64_t time;
} last;

/* In the kernel's struct sigaction SIG_DFL is 0, as all else is. */
static void
action_default(int number)
{
	static const unsigned long zero[16];

	syscall(SYS_rt_sigaction, number, zero, NULL, sizeof(blocked));
}

/* mask: the signals to block; was: gets those that were blocked, or NULL. */
static void
mask_set(const struct kernel_mask *mask, struct kernel_mask *was)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, was, sizeof(*mask));
}

static bool
is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 &&
	    now.sa_handler == SIG_IGN;
}

static void
unblock(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* raise(3) returns in process 1. */
void
signals_end_by(int number)
{
	if (!number)
		return;
	signal(number, SIG_DFL);
	raise(number);
	unblock(number);
	_exit(128 + number);
}

bool
signals_is_twin(int number, pid_t sender)
{
	int64_t now = loop_now();
	bool twin = number == last.number && (number == SIGHUP || (sender &&
	    sender == last.sender && now - last.time < TWIN_US));

	last.number = number;
	last.sender = sender;
	last.time = now;
	return twin;
}

static void
on_further(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (!signals_is_twin(number, info->si_code == SI_USER ?
	    info->si_pid : 0))
		signals_end_by(number);
}

static bool
asks_to_end(int number)
{
	return number == SIGHUP || number == SIGINT || number == SIGQUIT;
}

/* Replaces the default actions, which process 1 lacks. */
static void
default_actions(void)
{
	for (int i = 0; i < ENDS; i++)
		if (!ignored[ends[i]])
			signal(ends[i], signals_end_by);
}

void
signals_init(void)
{
	for (int i = 1; i < NSIG; i++) {
		ignored[i] = is_ignored(i);
		if (ignored[i] && !asks_to_end(i))
			signal(i, SIG_DFL);
	}
	signal(SIGXFSZ, SIG_IGN);	/* the write then fails: EFBIG */
	if (getpid() == 1)
		default_actions();
	mask_set(&none, &blocked);
}

void
signals_restore(void)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, ignored[i] ? SIG_IGN : SIG_DFL);
	mask_set(&blocked, NULL);
}

void
signals_reset(void)
{
	for (int i = 1; i < NSIG; i++)
		action_default(i);
	mask_set(&none, NULL);
}

void
signals_hold(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < ENDS; i++)
		if (ends[i] != SIGQUIT)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void
signals_hurry(void)
{
	struct sigaction action = {
		.sa_sigaction = on_further,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	for (int i = 0; i < ENDS; i++) {
		if (is_ignored(ends[i]))
			continue;
		sigaction(ends[i], &action, NULL);
		unblock(ends[i]);
	}
}
