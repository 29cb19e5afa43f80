/*
 * Says why a process's descriptors can't be taken. ptrace(2) has the rule,
 * under "ptrace access mode checking". The kernel only says EPERM, so /proc is
 * read to find the part of the rule that refused.
 */
#include "kernel/adopt_error.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fail.h"
#include "kernel/proc.h"
#include "kernel/sock_owner.h"

/* The fields of /proc/PID/status that the rule needs. */
struct status_lines {
	int leader;		/* the process of a thread; 0: gone */
	unsigned uid;		/* effective */
	uint64_t may;		/* permitted capabilities */
};

static struct status_lines
read_status(pid_t pid)
{
	struct status_lines s = { 0 };
	char line[256];
	unsigned long long may;
	FILE *in = proc_open(pid, "status");

	while (in && fgets(line, sizeof(line), in)) {
		sscanf(line, "Tgid: %d", &s.leader);
		sscanf(line, "Uid: %*u %u", &s.uid);
		if (sscanf(line, "CapPrm: %llx", &may) == 1)
			s.may = may;
	}
	if (in)
		fclose(in);
	return s;
}

const char *
adopt_who(pid_t pid, char text[static ADOPT_WHO])
{
	char command[16 + 1], safe[16 * ESCAPE_MAX + 1];

	owner_command(pid, command);
	escape(command, strlen(command), false, safe);
	if (*command)
		snprintf(text, ADOPT_WHO, "pid %d (%s)", (int)pid, safe);
	else
		snprintf(text, ADOPT_WHO, "pid %d", (int)pid);
	return text;
}

static int
fail_gone(pid_t pid)
{
	return fail_as(STATUS_BIND, owner_state(pid) == 'Z' ? "pid %d has "
	    "ended: its sockets are closed" : "pid %d: no such process",
	    (int)pid);
}

int
adopt_process(pid_t pid)
{
	struct status_lines s = read_status(pid);
	int process;

	if (pid == getpid())
		return fail_as(STATUS_USAGE, "pid %d is this very process",
		    (int)pid);
	if (s.leader && s.leader != pid)
		return fail_as(STATUS_USAGE, "pid %d is a thread of process "
		    "%d: give that pid", (int)pid, s.leader);
	if (!s.leader || owner_state(pid) == 'Z')
		return fail_gone(pid);
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process >= 0)
		return process;
	return errno == ESRCH ? fail_gone(pid) : adopt_refused(pid);
}

/* Whether a process may take a descriptor from itself: no rule forbids it. */
static int
try_self(void)
{
	int process = (int)syscall(SYS_pidfd_open, getpid(), 0), fd, saved;

	if (process < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, process, process, 0);
	saved = errno;
	close(process);
	if (fd >= 0)
		close(fd);
	errno = saved;
	return fd < 0 ? -1 : 0;
}

/* If a process is not dumpable, root owns its files in /proc/PID: proc(5). */
static bool
is_protected(pid_t pid, const struct status_lines *s)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return stat(path, &st) == 0 && st.st_uid != s->uid;
}

static int
refused_by_yama(const char *who, int scope)
{
	static const char *const cure[] = {
		"",
		"only its ancestors and root may: be root, or set it to 0",
		"only root may: be root",
		"nobody may until this machine is restarted",
	};

	return fail_as(STATUS_BIND, "%s: kernel.yama.ptrace_scope is %d: %s",
	    who, scope, cure[scope < 0 || scope > 3 ? 3 : scope]);
}

static int
of_user(const char *who, unsigned uid)
{
	const struct passwd *p = getpwuid(uid);
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	return fail_as(STATUS_BIND, "%s: the process is user %.64s's: only "
	    "this user and root may take its sockets", who,
	    p ? p->pw_name : number);
}

int
adopt_refused(pid_t pid)
{
	int error = errno;
	struct status_lines s = read_status(pid), own = read_status(getpid());
	char who[ADOPT_WHO];

	adopt_who(pid, who);
	if (!s.leader || owner_state(pid) == 'Z')
		return fail_gone(pid);
	errno = error;
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		return fail("%s", who);
	if (try_self() < 0)
		return errno == ENOSYS ? fail_as(STATUS_BIND, "%s: this "
		    "needs pidfd_getfd(2): Linux 5.6 or later", who) :
		    fail_as(STATUS_BIND, "%s: a seccomp filter refuses "
		    "pidfd_getfd(2), as in many containers: allow it, or "
		    "start rpnc outside", who);
	if (s.uid != own.uid && own.uid)
		return of_user(who, s.uid);
	if (s.may & ~own.may)
		return fail_as(STATUS_BIND, "%s: the process has capabilities "
		    "that this one lacks: %s", who,
		    own.uid ? "be root" : "rpnc needs CAP_SYS_PTRACE");
	if (is_protected(pid, &s))
		return fail_as(STATUS_BIND, "%s: the process is not dumpable "
		    "(prctl(2)), like a server that has changed its user: "
		    "be root", who);
	if (proc_sys("/proc/sys/kernel/yama/ptrace_scope", 0))
		return refused_by_yama(who,
		    proc_sys("/proc/sys/kernel/yama/ptrace_scope", 0));
	return fail_as(STATUS_BIND, "%s: a security module or a user "
	    "namespace forbids ptrace(2) on it", who);
}
