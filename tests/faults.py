#!/usr/bin/env python3
"""Makes system calls of rpnc fail, one at a time, and checks how it ends.

faults.py [--sample N] [--seed N] [--scenario NAME] [--call NAME] [--part K/N]
          [--log FILE] [--list]

How it works: each scenario (fault_scenarios.py) runs once under strace(1), which
lists its calls after main() has begun. Then it runs again for each call, each
error that the call can give (ERRORS), and some of the times that it is made
(turns): that call then fails (strace's inject=). If the error does not pass by
itself, there are also runs in which the call fails from then on. Whatever
fails, these must hold:

  - it ends in time, without using the processor for long; a server that has no
    client sleeps
  - status 0 means that all data has arrived; a peer whose data is cut is told
  - another status comes with one line on stderr, and is one of the manual
  - a server that was ready goes on, serves the next client, and ends by SIGTERM
  - other members of the group are not touched
  - no process, no file and no descriptor is left; the terminal is as it was

The last line is "N faults, N not reached, N findings": a fault is not reached
if the call was not made as often in that run. Each finding is a line, with the
words to repeat it. Status 1 if there is one.
"""
import argparse
import collections
import os
import random
import re
import resource
import signal
import sys
import threading
import zlib

from driver import Finding
from fault_run import Run
from fault_scenarios import SCENARIOS

CPU_LIMIT = 3.0     # seconds of processor time of one run

# The errors of each call, by its manual page. EAGAIN is left out where epoll(7)
# would not report the socket a second time.
ERRORS = {
    "accept4": "EAGAIN ECONNABORTED EINTR EMFILE ENETDOWN ENFILE ENOBUFS ENOMEM EPERM",
    "access": "EACCES ENOENT",
    "bind": "EACCES EADDRINUSE EADDRNOTAVAIL ENOMEM",
    "bpf": "EPERM ENOMEM",
    "chmod": "EPERM",
    "clone": "EAGAIN ENOMEM",
    "clone3": "EAGAIN ENOMEM ENOSYS",
    "connect": "EACCES EADDRNOTAVAIL EAGAIN ECONNREFUSED EHOSTUNREACH ENETUNREACH "
               "ENOMEM",
    "clock_adjtime": "EPERM",
    "dup2": "EMFILE EBUSY",
    "epoll_create1": "EMFILE ENFILE ENOMEM",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR",
    "eventfd2": "EMFILE ENFILE ENOMEM",
    "execve": "EACCES ENOENT ENOMEM",
    "faccessat2": "EACCES ENOENT",
    "fadvise64": "EINVAL",
    "fallocate": "EINTR ENOSPC EOPNOTSUPP",
    "fchmod": "EPERM EROFS",
    "fchown": "EPERM",
    "fcntl": "EMFILE ENOLCK EINTR",
    "flock": "EINTR ENOLCK",
    "fstat": "ENOMEM",
    "fsync": "EIO",
    "ftruncate": "EIO ENOSPC",
    "futex": "EAGAIN EINTR",
    "getdents64": "ENOENT",
    "getpeername": "ENOTCONN ENOBUFS",
    "getrandom": "ENOSYS",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOPROTOOPT ENOMEM",
    "inotify_add_watch": "ENOMEM ENOSPC ENOENT",
    "inotify_init1": "EMFILE ENFILE ENOMEM",
    "ioctl": "EINVAL EIO ENOTTY",
    "kill": "EPERM",
    "landlock_add_rule": "EINVAL",
    "landlock_create_ruleset": "ENOSYS EOPNOTSUPP",
    "landlock_restrict_self": "EPERM E2BIG",
    "listen": "EADDRINUSE EOPNOTSUPP",
    "lseek": "ESPIPE",
    "madvise": "EINVAL",
    "membarrier": "ENOSYS EPERM",
    "memfd_create": "EMFILE ENOMEM",
    "mkdir": "EACCES ENOSPC",
    "mmap": "ENOMEM",
    "mprotect": "ENOMEM",
    "mremap": "ENOMEM",
    "munmap": "ENOMEM",
    "newfstatat": "EACCES ENOENT",
    "openat": "EACCES EMFILE ENFILE ENOENT ENOMEM",
    "pidfd_getfd": "EMFILE EPERM ESRCH",
    "pidfd_open": "EMFILE ENOSYS ESRCH",
    "pidfd_send_signal": "EPERM ESRCH",
    "pipe2": "EMFILE ENFILE",
    "poll": "EINTR ENOMEM",
    "ppoll": "EINTR ENOMEM",
    "prctl": "EINVAL",
    "pread64": "EIO",
    "prlimit64": "EPERM",
    "pselect6": "EINTR ENOMEM",
    "pwrite64": "EIO ENOSPC",
    "read": "EIO EINTR",
    "readlink": "EACCES ENOENT",
    "readlinkat": "EACCES ENOENT",
    "recvfrom": "ECONNRESET EHOSTUNREACH EINTR ENOMEM",
    "recvmmsg": "ECONNREFUSED EINTR ENOMEM",
    "recvmsg": "EINTR ENOBUFS ENOMEM",
    "rename": "EACCES ENOSPC",
    "sched_getaffinity": "EINVAL",
    "sched_setaffinity": "EINVAL EPERM",
    "seccomp": "EINVAL EACCES",
    "sendfile": "EINVAL EIO ENOMEM EPIPE",
    "sendmmsg": "ECONNREFUSED ENOBUFS EPERM",
    "sendmsg": "EINTR ENOBUFS EPERM EPIPE",
    "sendto": "ECONNRESET EHOSTUNREACH EINTR ENOBUFS EPERM EPIPE",
    "setsid": "EPERM",
    "setsockopt": "ENOPROTOOPT ENOMEM EPERM",
    "signalfd4": "EMFILE ENFILE ENOMEM",
    "socket": "EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS",
    "socketpair": "EMFILE ENFILE",
    "splice": "ECONNRESET EINVAL ENOMEM EPIPE",
    "statfs": "EACCES",
    "tee": "EINVAL ENOMEM",
    "timerfd_create": "EMFILE ENFILE ENOMEM",
    "unlink": "EACCES ENOENT",
    "utimensat": "EACCES ENOENT",
    "vfork": "EAGAIN ENOMEM",
    "wait4": "EINTR",
    "waitid": "EINTR",
    "write": "EIO ENOSPC EPIPE EINTR",
    "writev": "EIO ENOSPC EPIPE",
}
# Of some calls, only those with such arguments can give the error.
ARGUMENTS = {
    ("kill", "EPERM"): r"^-",   # a group of processes that have another user
    ("getdents64", "ENOENT"): r"^\d+<(?!/proc/)",
    **{("epoll_ctl", e): r"EPOLL_CTL_ADD" for e in ERRORS["epoll_ctl"].split()},
    ("fcntl", "EMFILE"): r"F_DUPFD",
    # an older kernel lacks it for all processes of a group
    **{("getsockopt", e): r"^(?!.*NETNS_COOKIE)" for e in ERRORS["getsockopt"].split()},
    ("fcntl", "ENOLCK"): r"SETLK",
    ("fcntl", "EINTR"): r"SETLKW",
    # a socket, not a pipe or a file
    **{("sendto", e): r"^\d+<(socket|TCP|UDP|UNIX)" for e in ERRORS["sendto"].split()},
    ("futex", "EAGAIN"): r"FUTEX_WAIT",
    ("futex", "EINTR"): r"FUTEX_WAIT",
    ("wait4", "EINTR"): r"^(?!.*WNOHANG)",
    ("waitid", "EINTR"): r"^(?!.*WNOHANG)",
}
# Only a network gives these errors; these scenarios read or write Unix sockets.
NETWORK = {"ECONNRESET", "EHOSTUNREACH", "EPERM", "ENOBUFS"}
LOCAL = re.compile("unix|seqpacket|program|exclusive|handoff|prompt|during")
# These calls are not made to fail. Some can't, as rpnc makes them. Others act
# in the kernel even if they fail, but strace does not make a call that it lets
# fail: close(2) would leave the descriptor open. open(2) is a sanitizer's.
NEVER = set("""
    alarm arch_prctl brk clock_getres clock_gettime clock_nanosleep close close_range exit
    exit_group getegid geteuid getgid getpgrp getpid getppid getrusage gettid getuid
    open restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn
    rt_sigsuspend sched_yield set_robust_list set_tid_address setitimer shutdown
    sigaltstack sysinfo tgkill timerfd_settime umask uname
""".split())
# These errors do not pass by themselves: the call may fail from then on.
PERSISTENT = set("EACCES EAFNOSUPPORT EIO EMFILE ENFILE ENOBUFS ENOLCK ENOMEM ENOSPC "
                 "ENOSYS EPERM".split())
WORDS = "--scenario %s --call %s --error %s --turn %s"
# A sample is drawn from these scenarios, which are quick on a busy machine.
SAMPLED = """
    connect connect-file connect-unix listen listen-events echo echo-reuseport
    echo-shared echo-blocking echo-handoff echo-fork echo-udp echo-unix member
""".split()
UNKNOWN = set()     # calls that were met and are in neither of them
# No finding if the fault hit several processes, one for each client.
IF_EACH_IS_HIT = re.compile("it does not serve any more|it has .* open, not ")
MAIN = "rt_sigaction"   # the first call that main() makes


def whole_trace(path):
    """The lines of strace(1): it writes the last one after rpnc has ended."""
    for _ in range(100):
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
        if lines and re.search(r" \+\+\+ (exited|killed)", lines[-1]):
            break
        threading.Event().wait(0.01)
    return lines


def ours(lines):
    """(call, arguments, turn, whether it is ours, process) of each line of a
    trace. Calls before main(), and those of a program that rpnc has started,
    are not ours. A turn counts the same call of a process."""
    turns = collections.defaultdict(collections.Counter)
    begun = {}
    foreign = set()
    first = lines[0].split()[0] if lines else ""
    for line in lines:
        m = re.match(r"(\d+) +(\w+)\((.*)", line)
        if not m:
            continue
        pid, call, rest = m.groups()
        begun[pid] = begun.get(pid, pid != first) or call == MAIN
        turns[pid][call] += 1
        yield (call, rest, turns[pid][call],
               begun[pid] and pid not in foreign, pid)
        if call == "execve" and pid != first and "INJECTED" not in rest:
            foreign.add(pid)


def clean_run(rpnc, scenario):
    """Runs a scenario without a fault. Returns what an idle server has open,
    the turns of each (call, error), and each call's last turn before main()."""
    run = Run(rpnc)
    try:
        SCENARIOS[scenario](run)
        lines = whole_trace(run.trace)
    except Finding as f:
        sys.exit("%s without a fault: %s" % (scenario, f))
    finally:
        left = run.close()
    if left:
        sys.exit("%s without a fault: left: %s" % (scenario, left))
    found = collections.defaultdict(set)
    loader = collections.Counter()  # turns before main(), which are not ours
    for call, arguments, turn, is_ours, _ in ours(lines):
        if call not in ERRORS and call not in NEVER:
            UNKNOWN.add(call)
        if not is_ours:
            loader[call] = max(loader[call], turn) if turn <= 40 else loader[call]
        if os.environ.get("SAN") and call in ("mmap", "munmap"):
            continue    # a sanitizer makes them, too, and ends if they fail
        for error in ERRORS.get(call, "").split() if is_ours else ():
            if re.search(ARGUMENTS.get((call, error), ""), arguments):
                found[call, error].add(turn)
    return run.open, found, loader


def plan(rpnc, scenario, options):
    """The faults of a scenario, and what it has open without one."""
    clean, found, loader = clean_run(rpnc, scenario)
    faults = []
    for (call, error), turns in sorted(found.items()):
        # strace counts the turns of each process, so a turn that the loader has
        # used in one process can't be hit in another
        turns = sorted(t for t in turns if t > loader[call])
        if (not turns or error in NETWORK and LOCAL.search(scenario) and
                call.startswith(("send", "recv")) or options.call and call not in options.call or
                options.error and error != options.error or
                not in_part(options.part, scenario, call, error)):
            continue
        chosen = {turns[1 if n == 1 < len(turns) else
                        n * (len(turns) - 1) // max(1, options.turns - 1)]
                  for n in range(options.turns)}
        faults += [(scenario, call, error, str(turn)) for turn in
                   [*sorted(chosen), *lasting(call, error, turns)]]
    return faults, clean


def lasting(call, error, turns):
    """The turns from which on the call fails, as "N+". Not for read(2), because
    no signal could be read then."""
    if error not in PERSISTENT or call == "read":
        return []
    if call == "epoll_ctl":     # later, EPOLL_CTL_DEL would fail, too
        return ["%d+" % turns[0]]
    if (call, error) in ARGUMENTS:
        return []
    return sorted({"%d+" % turns[0], "%d+" % turns[len(turns) // 2]})


def in_part(part, *fault):
    """Whether a fault is in part K/N. Its words decide that, not its index in
    the plan, which changes if a call is made once more."""
    if not part:
        return True
    k, n = map(int, part.split("/"))
    return zlib.crc32(" ".join(fault).encode()) % n == k - 1


def processor_time():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def inject(rpnc, clean, scenario, call, error, turn):
    """Returns what is wrong, or None; and whether the fault was reached."""
    run = Run(rpnc, "%s:error=%s:when=%s" % (call, error, turn), clean)
    began = processor_time()
    wrong = None
    try:
        SCENARIOS[scenario](run)
    except Finding as f:
        wrong = str(f)
    finally:
        hits = hits_of(run, call, error)
        left = run.close()
    if not wrong and left:
        wrong = "left: %s" % left
    if not wrong and processor_time() - began > CPU_LIMIT:
        wrong = "%.1f s of processor time" % (processor_time() - began)
    if not all(possible for possible, _ in hits) or (
            len({pid for _, pid in hits}) > 1 and IF_EACH_IS_HIT.match(wrong or "")):
        wrong = None
    return wrong, bool(hits)


def hits_of(run, call, error):
    """(whether it could fail so, process) of each call that was made to fail. A
    call of a program that rpnc has started does not count as possible."""
    return [(is_ours and bool(re.search(ARGUMENTS.get((call, error), ""), arguments)),
             pid) for made, arguments, _, is_ours, pid in ours(whole_trace(run.trace))
            if "(INJECTED)" in arguments and made == call]


def logged(path):
    """The faults that a former run wrote to its log."""
    if not path or not os.path.exists(path):
        return set()
    with open(path) as log:
        return {line.split(":")[0] for line in log}


def options_of():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, help="so many, by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--call", action="append", choices=sorted(ERRORS))
    parser.add_argument("--error")
    parser.add_argument("--turn", help='such as 3; "3+": from then on')
    parser.add_argument("--turns", type=int, default=4, help="of each call (4)")
    parser.add_argument("--part", metavar="K/N", help="the Kth of N parts")
    parser.add_argument("--log", metavar="FILE", help="add each fault that was "
                        "run; leave out those that are in it")
    parser.add_argument("--list", action="store_true", help="only the plan")
    return parser.parse_args()


def chosen(rpnc, options):
    """Each fault to run, with what a server has open without it."""
    scenarios = options.scenario or list(SCENARIOS)
    if options.turn:
        fault = scenarios[0], options.call[0], options.error, options.turn
        yield fault, clean_run(rpnc, scenarios[0])[0]
    elif options.sample:
        # one fault of each scenario drawn: only those run without a fault first
        draw = random.Random(options.seed)
        scenarios = options.scenario or SAMPLED
        for _ in range(options.sample):
            faults, clean = plan(rpnc, draw.choice(scenarios), options)
            yield draw.choice(faults), clean
    else:
        for scenario in scenarios:
            faults, clean = plan(rpnc, scenario, options)
            yield from ((fault, clean) for fault in faults)


def main():
    options = options_of()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rpnc = os.environ["RPNC"]
    done = logged(options.log)
    count = missed = findings = 0
    for fault, clean in chosen(rpnc, options):
        words = WORDS % fault
        if options.list or words in done:
            print(words) if options.list else None
            continue
        count += 1
        wrong, reached = inject(rpnc, clean, *fault)
        missed += not reached
        if options.log:
            with open(options.log, "a") as log:
                print("%s: %s" % (words, wrong or
                                  ("sound" if reached else "not reached")), file=log)
        if wrong:
            findings += 1
            print("%s: %s" % (words, wrong), flush=True)
        elif sys.stderr.isatty():
            print("\r\033[K" + words, end="", file=sys.stderr)
    if UNKNOWN and not (options.sample or options.turn or options.list):
        findings += 1
        print("in neither ERRORS nor NEVER: %s" % " ".join(sorted(UNKNOWN)))
    print("%d faults, %d not reached, %d findings" % (count, missed, findings))
    sys.exit(findings > 0)


main()
