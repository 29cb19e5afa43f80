#include "group/diagnose/bind_error_unix.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/diagnose/port_sockets.h"
#include "kernel/unix_diag.h"

static void
explain_holder(const struct addr *a)
{
	struct port_sockets p = { .registry_tried = true };
	struct diag_sock s = { .inode = unix_diag_inode(a) };
	char who[PORT_SOCKET_TEXT];
	struct owner o;

	p.sockinfo.owners = owners_new();
	if (port_socket_owner(&p, &s, &o) > 0) {
		s.uid = o.uid;
		fail_add("%s has it", port_socket_text(&p, &s, who));
	} else {
		fail_add("a process that can't be seen has it");
	}
	port_sockets_close(&p);
}

static void
bind_error_unix_in_use(const struct addr *a)
{
	const char *name = a->un.sun_path;
	char user[PORT_SOCKET_TEXT];
	struct stat st;

	if (*name && lstat(name, &st) == 0 && st.st_uid != geteuid())
		fail_add("that is a socket of user %s: take another name",
		    user_text(st.st_uid, user));
	else
		explain_holder(a);
}

void
bind_error_explain_unix(const struct addr *a, int error)
{
	if (error == EADDRINUSE)
		bind_error_unix_in_use(a);
	else if (error == EACCES)
		fail_add("you may not make files in that directory");
}
