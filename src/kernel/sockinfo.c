#include "kernel/sockinfo.h"

#include <stddef.h>

void
sockinfo_open(struct sockinfo *l)
{
	l->diag = sock_diag_open();
	l->owners = owners_new();
}

void
sockinfo_close(struct sockinfo *l)
{
	if (l->diag)
		sock_diag_close(l->diag);
	if (l->owners)
		owners_free(l->owners);
	l->diag = NULL;
	l->owners = NULL;
}
