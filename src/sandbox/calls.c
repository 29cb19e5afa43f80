/*
 * The table of the sandbox: which system calls each part of rpnc makes when a
 * peer's first byte can have come. rpnc-sandbox(7) shows it;
 * tests/unit/test_sandbox.c compares the two.
 *
 * To find a call that is missing: let filter.c return SECCOMP_RET_TRAP instead
 * of ENOSYS, and run the tests; SIGSYS then shows its number (signal(7)).
 *
 * Some calls have an older and a newer form. A libc may make the older one if
 * the processor has it; musl does so more often than glibc. So both have a row.
 */
#include "sandbox/calls.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>

#define CALL(name, keeps) { #name, SYS_##name, (keeps), { false, 0, 0, 0 } }
#define CALL_IF(name, keeps, ...) \
	{ #name, SYS_##name, (keeps), { __VA_ARGS__ } }
#define DEADLY(name) { #name, SYS_##name }
/* Newer processors do not have the older form. */
#define ABSENT (-1)
#ifndef SYS_epoll_wait
#define SYS_epoll_wait ABSENT
#endif
#ifndef SYS_poll
#define SYS_poll ABSENT
#endif
#ifndef SYS_readlink
#define SYS_readlink ABSENT
#endif
#ifndef SYS_access
#define SYS_access ABSENT
#endif
#ifndef SYS_rename
#define SYS_rename ABSENT
#endif
#ifndef SYS_unlink
#define SYS_unlink ABSENT
#endif
#ifndef SYS_mkdir
#define SYS_mkdir ABSENT
#endif
#ifndef SYS_chmod
#define SYS_chmod ABSENT
#endif
#ifndef SYS_dup2
#define SYS_dup2 ABSENT
#endif
#ifndef SYS_stat
#define SYS_stat ABSENT
#endif
#ifndef SYS_lstat
#define SYS_lstat ABSENT
#endif
#ifndef SYS_open
#define SYS_open ABSENT
#endif
#ifndef SYS_fork
#define SYS_fork ABSENT
#endif
#ifndef SYS_getpgrp
#define SYS_getpgrp ABSENT
#endif

#define IS(i, wanted) true, (i), UINT32_MAX, (wanted)
#define LACKS(i, bits) true, (i), (bits), 0

enum {
	KEEPS_SOCKETS = KEEPS_DIAL | KEEPS_NAMES | KEEPS_OTHERS,
	KEEPS_WRITES = KEEPS_FILES | KEEPS_OTHERS | KEEPS_PROMPT,
	KEEPS_READS = KEEPS_WRITES | KEEPS_NAMES,
	NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
	    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
};

const struct sandbox_call sandbox_calls[] = {
	/* bytes */
	CALL(read, KEEPS_BYTES),
	CALL(readv, KEEPS_BYTES),
	CALL(pread64, KEEPS_BYTES),
	CALL(write, KEEPS_BYTES),
	CALL(writev, KEEPS_BYTES),
	CALL(pwrite64, KEEPS_BYTES),
	CALL(close, KEEPS_BYTES),
	CALL(lseek, KEEPS_BYTES),
	CALL(fcntl, KEEPS_BYTES),
	CALL(pipe2, KEEPS_BYTES),
	CALL(dup2, KEEPS_BYTES),
	CALL(dup3, KEEPS_BYTES),
	CALL(splice, KEEPS_BYTES),
	CALL(sendfile, KEEPS_BYTES),
	CALL(recvfrom, KEEPS_BYTES),
	CALL(recvmsg, KEEPS_BYTES),
	CALL(recvmmsg, KEEPS_BYTES),
	CALL(sendto, KEEPS_BYTES),
	CALL(sendmsg, KEEPS_BYTES),
	CALL(sendmmsg, KEEPS_BYTES),
	CALL(shutdown, KEEPS_BYTES),
	CALL(socketpair, KEEPS_BYTES),
	CALL(getsockopt, KEEPS_BYTES),
	CALL(setsockopt, KEEPS_BYTES),
	CALL(getsockname, KEEPS_BYTES),
	CALL(getpeername, KEEPS_BYTES),
	CALL(fstat, KEEPS_BYTES),
	CALL(newfstatat, KEEPS_BYTES),
	CALL(stat, KEEPS_BYTES),
	CALL(lstat, KEEPS_BYTES),
	/* the loop, and time */
	CALL(epoll_create1, KEEPS_BYTES),
	CALL(epoll_ctl, KEEPS_BYTES),
	CALL(epoll_wait, KEEPS_BYTES),
	CALL(epoll_pwait, KEEPS_BYTES),
	CALL(poll, KEEPS_BYTES),
	CALL(ppoll, KEEPS_BYTES),
	CALL(signalfd4, KEEPS_BYTES),
	CALL(timerfd_create, KEEPS_BYTES),
	CALL(timerfd_settime, KEEPS_BYTES),
	CALL(setitimer, KEEPS_BYTES),
	CALL(clock_gettime, KEEPS_BYTES),
	CALL(clock_getres, KEEPS_CHILDREN),
	CALL(clock_nanosleep, KEEPS_BYTES),
	CALL(nanosleep, KEEPS_BYTES),
	CALL(restart_syscall, KEEPS_BYTES),
	/* memory; no new code */
	CALL(brk, KEEPS_BYTES),
	CALL_IF(mmap, KEEPS_BYTES, LACKS(2, PROT_EXEC)),
	CALL(mmap, KEEPS_NAMES),
	CALL_IF(mprotect, KEEPS_BYTES, LACKS(2, PROT_EXEC)),
	CALL(mprotect, KEEPS_NAMES),
	CALL(munmap, KEEPS_BYTES),
	CALL(mremap, KEEPS_BYTES),
	CALL(madvise, KEEPS_BYTES),
	/* the process itself */
	CALL(rt_sigaction, KEEPS_BYTES),
	CALL(rt_sigprocmask, KEEPS_BYTES),
	CALL(rt_sigreturn, KEEPS_BYTES),
	CALL(sigaltstack, KEEPS_BYTES),
	CALL(kill, KEEPS_CHILDREN | KEEPS_PROMPT),
	CALL(tgkill, KEEPS_BYTES),
	CALL(tkill, KEEPS_BYTES),
	CALL(getpid, KEEPS_BYTES),
	CALL(getppid, KEEPS_BYTES),
	/* getpgrp(2): whether another job has the terminal */
	CALL(getpgrp, KEEPS_BYTES),
	CALL_IF(getpgid, KEEPS_BYTES, IS(0, 0)),
	CALL(gettid, KEEPS_BYTES),
	CALL(getuid, KEEPS_BYTES),
	CALL(geteuid, KEEPS_BYTES),
	CALL(getgid, KEEPS_BYTES),
	CALL(getegid, KEEPS_BYTES),
	CALL(getrusage, KEEPS_BYTES),
	CALL(prlimit64, KEEPS_BYTES),
	CALL(uname, KEEPS_BYTES),
	CALL(sysinfo, KEEPS_BYTES),
	CALL(getrandom, KEEPS_BYTES),
	CALL(sched_yield, KEEPS_BYTES),
	CALL(sched_getaffinity, KEEPS_BYTES),
	CALL(futex, KEEPS_BYTES),
	CALL(set_robust_list, KEEPS_BYTES),
	CALL(rseq, KEEPS_BYTES),
	CALL(exit, KEEPS_BYTES),
	CALL(exit_group, KEEPS_BYTES),
	/* a second filter: a worker's, or a stricter one later */
	CALL(seccomp, KEEPS_BYTES),
	CALL_IF(prctl, KEEPS_BYTES, IS(0, PR_SET_NO_NEW_PRIVS)),
	CALL_IF(prctl, KEEPS_BYTES, IS(0, PR_GET_NO_NEW_PRIVS)),
	CALL_IF(prctl, KEEPS_BYTES, IS(0, PR_SET_SECCOMP)),
	CALL_IF(prctl, KEEPS_CHILDREN | KEEPS_NAMES, IS(0, PR_SET_PDEATHSIG)),
	CALL(landlock_create_ruleset, KEEPS_BYTES),
	CALL(landlock_add_rule, KEEPS_BYTES),
	CALL(landlock_restrict_self, KEEPS_BYTES),
	/* ioctl(2), by request: never TIOCSTI, which types for the user */
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, FIONREAD)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, SIOCOUTQ)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, SIOCATMARK)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TIOCGDEV)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TCGETS)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TIOCGWINSZ)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TCSETS)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TCSETSW)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TCSETSF)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, TIOCGPGRP)),
	CALL_IF(ioctl, KEEPS_PROMPT, IS(1, TIOCSWINSZ)),
	CALL_IF(ioctl, KEEPS_PROMPT, IS(1, TCXONC)),
	CALL_IF(ioctl, KEEPS_BYTES, IS(1, SIOCGIFNAME)),
	CALL_IF(ioctl, KEEPS_SOCKETS, IS(1, SIOCGIFINDEX)),
	/* clients */
	CALL(accept4, KEEPS_ACCEPT),
	/* sockets to others */
	CALL_IF(socket, KEEPS_SOCKETS, IS(0, AF_INET)),
	CALL_IF(socket, KEEPS_SOCKETS, IS(0, AF_INET6)),
	CALL_IF(socket, KEEPS_SOCKETS, IS(0, AF_NETLINK)),
	CALL_IF(socket, KEEPS_SOCKETS, IS(0, AF_UNIX)),
	CALL(bind, KEEPS_SOCKETS),
	CALL(connect, KEEPS_SOCKETS),
	CALL(listen, KEEPS_OTHERS),
	/* files */
	CALL(openat, KEEPS_READS),
	CALL(open, KEEPS_READS),
	CALL(readlink, KEEPS_READS),
	CALL(readlinkat, KEEPS_READS),
	CALL(access, KEEPS_READS),
	CALL(faccessat2, KEEPS_WRITES),
	CALL(getdents64, KEEPS_WRITES),
	CALL(ftruncate, KEEPS_WRITES),
	CALL(fchmod, KEEPS_WRITES),
	CALL(rename, KEEPS_FILES | KEEPS_PROMPT),
	CALL(unlink, KEEPS_WRITES | KEEPS_ACCEPT),
	CALL(unlinkat, KEEPS_WRITES | KEEPS_ACCEPT),
	CALL(mkdir, KEEPS_OTHERS | KEEPS_PROMPT),
	CALL(chmod, KEEPS_PROMPT),
	CALL(fchown, KEEPS_PROMPT),
	CALL(umask, KEEPS_WRITES),
	CALL(flock, KEEPS_OTHERS | KEEPS_PROMPT),
	/* other processes */
	CALL(pidfd_open, KEEPS_OTHERS | KEEPS_CHILDREN),
	CALL(pidfd_getfd, KEEPS_OTHERS),
	CALL(membarrier, KEEPS_OTHERS | KEEPS_ACCEPT),
	CALL(inotify_init1, KEEPS_OTHERS),
	CALL(inotify_add_watch, KEEPS_OTHERS),
	/* the prompt */
	CALL(pselect6, KEEPS_PROMPT),
	CALL(getpgid, KEEPS_PROMPT | KEEPS_CHILDREN),
	/* children */
	CALL(fork, KEEPS_CHILDREN | KEEPS_NAMES),
	CALL_IF(clone, KEEPS_CHILDREN | KEEPS_NAMES, LACKS(0, NAMESPACES)),
	CALL(wait4, KEEPS_CHILDREN | KEEPS_NAMES),
	CALL(close_range, KEEPS_NAMES | KEEPS_CHILDREN),
	{ NULL, 0, 0, { false, 0, 0, 0 } },
};

const struct sandbox_deadly sandbox_deadly[] = {
	DEADLY(execve),
	DEADLY(execveat),
	DEADLY(ptrace),
	DEADLY(process_vm_readv),
	DEADLY(process_vm_writev),
	DEADLY(mount),
	DEADLY(umount2),
	DEADLY(pivot_root),
	DEADLY(move_mount),
	DEADLY(open_tree),
	DEADLY(fsopen),
	DEADLY(fsmount),
	DEADLY(mount_setattr),
	DEADLY(unshare),
	DEADLY(setns),
	DEADLY(init_module),
	DEADLY(finit_module),
	DEADLY(delete_module),
	DEADLY(kexec_load),
	DEADLY(kexec_file_load),
	DEADLY(add_key),
	DEADLY(request_key),
	DEADLY(keyctl),
	DEADLY(bpf),
	DEADLY(perf_event_open),
	DEADLY(userfaultfd),
	{ NULL, 0 },
};
