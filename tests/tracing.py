"""Follows the system calls of processes with ptrace(2), and of their children.

All requests come from the thread that made the Tracer; it gives each status of
waitpid(2) to Tracer.took(), which calls on_call(pid, name) before each system
call is made. A process that on_call() has killed is not resumed, so it dies
without making the call.
"""
import ctypes
import os
import signal
import subprocess
import sys

PTRACE_TRACEME = 0
PTRACE_CONT = 7
PTRACE_SYSCALL = 24
PTRACE_SETOPTIONS = 0x4200
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_GET_SYSCALL_INFO = 0x420e
OPTIONS = 1 | 2 | 4 | 8 | 16 | 0x100000  # SYSGOOD FORK VFORK CLONE EXEC EXITKILL
ENTRY = 1
WALL = 0x40000000
SYSCALL_STOP = signal.SIGTRAP | 0x80

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, address=None, data=None):
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), "ptrace: " +
                      os.strerror(ctypes.get_errno()))
    return result


def trace_me():
    """Between fork(2) and execve(2)."""
    ptrace(PTRACE_TRACEME, 0)


def call_names():
    """The number of each system call, as the compiler's headers have it."""
    out = subprocess.run([os.environ.get("CC", "cc"), "-E", "-dM", "-include",
                          "sys/syscall.h", "-"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    words = [line.split() for line in out.splitlines()]
    return {int(w[2]): w[1][len("__NR_"):] for w in words
            if len(w) == 3 and w[1].startswith("__NR_") and w[2].isdigit()}


class Tracer:
    names = {}

    def __init__(self, on_call):
        Tracer.names = Tracer.names or call_names()
        self.on_call = on_call
        self.pids = set()
        self.resume_by = PTRACE_SYSCALL
        self.info = ctypes.create_string_buffer(88)

    def begin(self, pid):
        """A child of ours has called trace_me() and execve(2)."""
        os.waitpid(pid, 0)
        ptrace(PTRACE_SETOPTIONS, pid, None, OPTIONS)
        self.pids.add(pid)
        ptrace(PTRACE_SYSCALL, pid)

    def attach(self, pids):
        """Stops running processes; they stay so until release()."""
        for pid in pids:
            try:
                ptrace(PTRACE_SEIZE, pid, None, OPTIONS)
                ptrace(PTRACE_INTERRUPT, pid)
            except (PermissionError, ProcessLookupError):
                continue    # it has just ended
            if os.WIFSTOPPED(os.waitpid(pid, WALL)[1]):
                self.pids.add(pid)

    def release(self):
        for pid in self.pids:
            self.resume(pid, 0)

    def quiet(self):
        """No call stops any more; only signals and ends are seen."""
        self.resume_by = PTRACE_CONT

    def resume(self, pid, number):
        try:
            ptrace(self.resume_by, pid, None, number)
        except ProcessLookupError:
            pass  # killed: its status comes

    def is_entry(self, pid):
        ptrace(PTRACE_GET_SYSCALL_INFO, pid, 88, ctypes.addressof(self.info))
        return self.info.raw[0] == ENTRY

    def number(self):
        return int.from_bytes(self.info.raw[24:32], sys.byteorder)

    def took(self, pid, status):
        """Whether the status was a stop of a process that is traced."""
        if not os.WIFSTOPPED(status):
            self.pids.discard(pid)
            return False
        number = os.WSTOPSIG(status)
        known = pid in self.pids
        self.pids.add(pid)
        try:
            if number == SYSCALL_STOP:
                if self.is_entry(pid):
                    n = self.number()
                    self.on_call(pid, self.names.get(n, "call %d" % n))
                number = 0
            elif status >> 16 or not known:
                number = 0  # an event of ptrace(2), or a new child's first stop
        except ProcessLookupError:
            return True
        if pid in self.pids:
            self.resume(pid, number)
        return True
