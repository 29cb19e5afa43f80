#include "kernel/sockinfo.h"

void
lookout_open(struct lookout *l)
{
	l->diag = diag_open();
	l->owners = owners_new();
}

void
lookout_close(struct lookout *l)
{
	if (l->diag)
		diag_close(l->diag);
	if (l->owners)
		owners_free(l->owners);
	l->diag = NULL;
	l->owners = NULL;
}
