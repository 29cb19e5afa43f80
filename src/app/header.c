#include "app/header.h"

#include <signal.h>

int
screen_open(struct live *l, struct desk *d, struct sink *out, int terminal)
{
	if (desk_catch(d, SIGWINCH) < 0 || desk_catch(d, SIGTSTP) < 0)
		return -1;
	l->loop = &d->loop;
	l->out = out;
	l->terminal = terminal;
	live_open(l);
	return 0;
}

bool
screen_signal(struct live *l, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGWINCH:
		live_resize(l);
		return true;
	case SIGTSTP:
		live_suspend(l);
		raise(SIGSTOP);
		live_resume(l);
		return true;
	default:
		return false;
	}
}
