#include "app/header.h"

#include <signal.h>

int
app_header_open(struct header *h, struct app *a, struct sink *out, int terminal)
{
	if (app_catch(a, SIGWINCH) < 0 || app_catch(a, SIGTSTP) < 0)
		return -1;
	h->loop = &a->loop;
	h->out = out;
	h->terminal = terminal;
	header_open(h);
	return 0;
}

bool
app_header_signal(struct header *h, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGWINCH:
		header_resize(h);
		return true;
	case SIGTSTP:
		header_suspend(h);
		raise(SIGSTOP);
		header_resume(h);
		return true;
	default:
		return false;
	}
}
