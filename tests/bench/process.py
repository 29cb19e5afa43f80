"""Processes that the bench starts: pinned, in a process group of their own,
ended by it, with the CPU time of the whole tree.

The bench is the reaper of what its children leave behind, so that nothing of
a tree is lost, be it for killing it or for counting it.
"""
import ctypes
import os
import resource
import select
import signal
import time

from apart import libc

PR_SET_PDEATHSIG = 1


class Process:
    """Started by fork and exec; None for a stream is /dev/null."""

    def __init__(self, argv, cores=None, stdin=None, stdout=None):
        self.cpu = 0.0
        self.status = None
        self.errors = os.memfd_create("errors")
        self.pid = os.fork()
        if self.pid == 0:
            self._become(argv, cores, stdin, stdout)
        self.pidfd = os.pidfd_open(self.pid)

    def _become(self, argv, cores, stdin, stdout):
        try:
            os.setsid()
            libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL),
                       0, 0, 0)
            null = os.open("/dev/null", os.O_RDWR)
            for target, fd in enumerate((stdin, stdout, self.errors)):
                os.dup2(null if fd is None else fd, target)
            if cores:
                os.sched_setaffinity(0, cores)
            for s in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
                signal.signal(s, signal.SIG_DFL)
            os.execvp(argv[0], argv)
        except OSError as e:
            os.write(2, f"{argv[0]}: {e.strerror}\n".encode())
        os._exit(127)

    def spent(self):
        """CPU seconds until now of the tree, but for those that are gone."""
        return sum(clock(p) for p in self.tree())

    def tree(self):
        """The process and its descendants."""
        found = [self.pid]
        for pid in found:
            found += children(pid)
        return found

    def wait(self, seconds):
        """Whether it ends within that time."""
        if self.status is None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            if not poll.poll(max(0, int(seconds * 1000))):
                return False
            self._reap(self.pid)
        return True

    def _reap(self, which):
        pid, status, used = os.wait4(which, 0)
        self.cpu += used.ru_utime + used.ru_stime
        if pid == self.pid:
            self.status = os.waitstatus_to_exitcode(status)

    def end(self, sig=signal.SIGKILL, patience=20.0):
        """End it, and all of its group. Its CPU time is then complete. One
        that takes another signal has some time to end by itself."""
        if sig != signal.SIGKILL and self.status is None:
            os.kill(self.pid, sig)
            self.wait(patience)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            while True:
                self._reap(-self.pid)
        except ChildProcessError:
            pass
        if self.pidfd is not None:
            os.close(self.pidfd)
            os.close(self.errors)
            self.pidfd = None

    def said(self):
        """The last line that it wrote to standard error, so far."""
        lines = text(self.errors).strip().splitlines()
        return lines[-1] if lines else ""


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(child) for child in f.read().split()]
    except OSError:
        return []


def clock(pid):
    """CPU time of a process, see clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def text(fd):
    """All of a memory file."""
    return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace")


def files_limit():
    """As many descriptors as may be had, for all that is started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
