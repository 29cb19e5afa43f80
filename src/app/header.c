#include "app/header.h"

#include <signal.h>

int
app_header_open(struct header *l, struct app *d, struct sink *out, int terminal)
{
	if (app_catch(d, SIGWINCH) < 0 || app_catch(d, SIGTSTP) < 0)
		return -1;
	l->loop = &d->loop;
	l->out = out;
	l->terminal = terminal;
	header_open(l);
	return 0;
}

bool
app_header_signal(struct header *l, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGWINCH:
		header_resize(l);
		return true;
	case SIGTSTP:
		header_suspend(l);
		raise(SIGSTOP);
		header_resume(l);
		return true;
	default:
		return false;
	}
}
