"""Processes of a soak: what /proc says, one rpnc, one worker."""
import os
import select
import signal
import subprocess
import tempfile
import threading
import time

HANG = 60           # seconds: whatever takes longer hangs


def now():
    return time.monotonic_ns()


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(p) for p in f.read().split()]


def age(pid):
    """In seconds."""
    with open("/proc/%d/stat" % pid) as f:
        ticks = int(f.read().rsplit(")", 1)[1].split()[19])
    return (time.clock_gettime(time.CLOCK_BOOTTIME) -
            ticks / os.sysconf("SC_CLK_TCK"))


def waiting(udp, port):
    """How many clients wait in the queues of a port; UDP: how many bytes."""
    sums = 0
    for name in ("udp", "udp6") if udp else ("tcp", "tcp6"):
        with open("/proc/net/" + name) as f:
            next(f)
            for line in f:
                _, local, _, state, queues, *_ = line.split()
                # listeners come first; the list of connections can be long
                if not udp and state != "0A":
                    break
                if local.endswith(":%04X" % port):
                    sums += int(queues.split(":")[1], 16)
    return sums


def ends_within(pidfd, seconds):
    """Whether the process ends in this time, and so has closed its sockets."""
    return bool(select.select([pidfd], [], [], seconds)[0])


def eventually(what, seconds=HANG):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.01)
    return True


class Member:
    """One rpnc. A verbose one prints by which mode it left."""

    environment = dict(os.environ)

    def __init__(self, group, verbose=False):
        self.group = group
        self.errors = tempfile.TemporaryFile()
        self.ready, w = os.pipe()
        self.process = subprocess.Popen(
            ["./rpnc", *group.command, *["-v"] * verbose, "--ready-fd", str(w),
             str(group.port), *group.program],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, pass_fds=(w,), start_new_session=True,
            env=self.environment)
        os.close(w)
        self.pid = self.process.pid

    def until_ready(self):
        """Waits until it listens; returns it."""
        with os.fdopen(self.ready) as f:
            if not f.read():
                self.process.wait()
                raise SystemExit("a member did not start: " + self.said())
        return self

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def ended_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


class Worker:
    """A worker of the manager, as a member that can end."""

    def __init__(self, group, pid):
        self.group, self.pid = group, pid
        self.pidfd = os.pidfd_open(pid)

    def send(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def ended_within(self, seconds):
        return ends_within(self.pidfd, seconds)
