/*
 * How it works. If a holder of a socket is the parent of another holder, it is
 * a manager that accepts nothing, like nginx's master. If several others are
 * left, each may accept.
 */
#include "kernel/sock_acceptor.h"

#include <string.h>

enum { HOLDERS_MAX = 256 };

bool
sock_acceptor_is_manager(const pid_t *pids, int n, pid_t pid)
{
	for (int i = 0; i < n; i++)
		if (pids[i] != pid && owner_parent(pids[i]) == pid)
			return true;
	return false;
}

void
sock_acceptor_find(struct owners *o, uint64_t inode, struct sock_acceptor *out)
{
	pid_t pids[HOLDERS_MAX];
	int n;

	*out = (struct sock_acceptor){ 0 };
	if (!o || !inode)
		return;
	out->count = owners_holders(o, inode, pids, HOLDERS_MAX);
	n = out->count > HOLDERS_MAX ? HOLDERS_MAX : out->count;
	out->all_stopped = n > 0;
	for (int i = 0; i < n; i++) {
		char command[sizeof(out->command)];

		if (sock_acceptor_is_manager(pids, n, pids[i]))
			continue;
		owner_command(pids[i], command);
		if (!out->servers++)
			memcpy(out->command, command, sizeof(command));
		else if (strcmp(command, out->command) != 0)
			out->command[0] = '\0';
		out->pid = out->servers == 1 ? pids[i] : 0;
		out->all_stopped &= owner_is_stopped(pids[i]);
	}
}
