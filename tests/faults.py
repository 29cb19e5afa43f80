#!/usr/bin/env python3
"""Makes system calls of rpnc fail, one at a time, and checks how it ends.

faults.py [--sample N] [--seed N] [--scenario NAME] [--call NAME] [--list]

How it works: each scenario runs once under strace(1), which lists its calls
after main() has begun. Then it runs once for each call, each error that the
call can give (ERRORS), and some of the times that it is made, with that one
call failing (strace's inject=). Whatever fails, these must hold:

  - it ends in time, without using the processor for long
  - status 0 means that all data has arrived
  - another status comes with a line on stderr, and with a status of the manual
  - a server that was ready goes on, serves the next client, and ends by SIGTERM
  - another member of the group is not touched
  - no process and no file is left

The last line is "N faults, N findings"; each finding is a line, with the words
to repeat it. Status 1 if there is one.
"""
import argparse
import collections
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

LIMIT = float(os.environ.get("LIMIT", 20))  # seconds for one run
CPU_LIMIT = 3.0     # seconds of processor time in it
DATA = bytes(range(256)) * 400
ENDED = set(range(0, 8)) | {128 + signal.SIGTERM, -signal.SIGTERM}

# What each call can give, by its manual page. Calls that are not here can't
# fail (fcntl(2) of an open descriptor), are not made by rpnc itself, or fail
# only if all is over (shutdown(2) of a socket that was reset).
ERRORS = {
    "accept4": "ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM",
    "bind": "EACCES EADDRINUSE EADDRNOTAVAIL ENOMEM",
    "clone": "EAGAIN ENOMEM",
    "connect": "EADDRNOTAVAIL ECONNREFUSED ENETUNREACH EAGAIN ENOMEM",
    "epoll_create1": "EMFILE ENFILE ENOMEM",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR",
    "fstat": "ENOMEM",
    "ftruncate": "EIO ENOSPC",
    "getpeername": "ENOTCONN ENOBUFS",
    "getrandom": "ENOSYS",
    "getsockname": "ENOBUFS",
    "getsockopt": "ENOPROTOOPT ENOMEM",
    "inotify_add_watch": "ENOMEM ENOSPC",
    "inotify_init1": "EMFILE ENFILE ENOMEM",
    "ioctl": "ENOTTY EINVAL",
    "landlock_create_ruleset": "ENOSYS EOPNOTSUPP",
    "landlock_restrict_self": "EPERM E2BIG",
    "listen": "EADDRINUSE EOPNOTSUPP",
    "lseek": "ESPIPE",
    "madvise": "EINVAL",
    "membarrier": "ENOSYS EPERM",
    "mkdir": "EACCES ENOSPC",
    "mmap": "ENOMEM",
    "munmap": "ENOMEM",
    "newfstatat": "EACCES ENOENT",
    "openat": "EACCES EMFILE ENFILE ENOENT ENOMEM",
    "pidfd_getfd": "EPERM ESRCH",
    "pidfd_open": "EMFILE ESRCH",
    "pipe2": "EMFILE ENFILE",
    "poll": "EINTR ENOMEM",
    "prctl": "EINVAL",
    "prlimit64": "EPERM",
    "read": "EIO EINTR",
    "readlink": "EACCES",
    "recvfrom": "ECONNRESET ENOMEM EINTR",
    "recvmmsg": "ENOMEM EINTR",
    "recvmsg": "ENOMEM EINTR",
    "seccomp": "EINVAL EACCES",
    "sendfile": "EINVAL ENOMEM EIO",
    "sendmmsg": "ENOBUFS EPERM",
    "sendmsg": "ENOBUFS EPIPE",
    "sendto": "ECONNRESET EPIPE ENOBUFS",
    "setsockopt": "ENOPROTOOPT ENOMEM EPERM",
    "signalfd4": "EMFILE ENFILE ENOMEM",
    "socket": "EAFNOSUPPORT EMFILE ENFILE ENOBUFS EACCES",
    "socketpair": "EMFILE ENFILE",
    "splice": "EINVAL ENOMEM",
    "timerfd_create": "EMFILE ENFILE ENOMEM",
    "unlink": "EACCES ENOENT",
    "wait4": "EINTR",
    "write": "EIO ENOSPC EPIPE EINTR",
    "writev": "EIO ENOSPC EPIPE",
}
MAIN = "rt_sigaction"   # the first call that main() makes


class Finding(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Finding(what)


class Run:
    """One run of a scenario, in a directory of its own."""

    def __init__(self, rpnc, inject=None):
        self.rpnc = rpnc
        self.inject = inject
        self.place = tempfile.mkdtemp(prefix="rpnc-fault.")
        self.trace = os.path.join(self.place, "trace")
        self.started = []

    def environment(self):
        runtime = os.path.join(self.place, "run")
        os.makedirs(runtime, 0o700, exist_ok=True)
        return dict(os.environ, XDG_RUNTIME_DIR=runtime, LC_ALL="C.UTF-8")

    def popen(self, words, traced=True, **more):
        if traced:
            strace = ["strace", "-f", "-qq", "-o", self.trace]
            if self.inject:
                strace += ["-e", "trace=" + self.inject.split(":")[0],
                           "-e", "inject=" + self.inject]
            # -D: rpnc itself is our child, so its status and signals are plain
            words = strace[:1] + ["-D"] + strace[1:] + words
        # /dev/null is a device, as a terminal is
        more.setdefault("stdout", open(os.path.join(self.place, "out"), "ab"))
        p = subprocess.Popen(words, env=self.environment(), cwd=self.place,
                             stderr=subprocess.PIPE, **more)
        p.lines = b""
        self.started.append(p)
        return p

    def ready(self, arguments, traced=True, **more):
        """Starts a server; returns it with its port, or None if it ended."""
        r, w = os.pipe()
        p = self.popen([self.rpnc] + arguments + ["--ready-fd", str(w)], traced,
                       pass_fds=[w], stdin=more.pop("stdin", subprocess.DEVNULL),
                       **more)
        os.close(w)
        with os.fdopen(r, "rb") as f:
            # strace holds the other end, too
            said = select.select([f], [], [], LIMIT)[0] and f.readline()
        if not said and p.poll() is None:
            p.terminate()
            # it may have been told by the write that fails
            check(self.inject and self.inject.startswith("write:error=E") and
                  "EINTR" not in self.inject, "it is never ready")
        return p, int(said.split()[0].rsplit(b":", 1)[1]) if said else None

    def end(self, p, out=None):
        """Waits for it: status and stderr."""
        try:
            p.lines = p.communicate(timeout=LIMIT)[1]
        except subprocess.TimeoutExpired:
            raise Finding("it hangs")
        return p.returncode

    def judge(self, p, ready=False):
        """A status that the manual has, and a line if it is a fault."""
        status = p.returncode
        check(status in ENDED, "status %d: %s" % (status, p.lines[-300:]))
        check(status <= 0 or status == 143 or b"rpnc" in p.lines,
              "status %d without a line" % status)
        check(b"Sanitizer" not in p.lines, p.lines[-300:])

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
                p.wait()
            if p.stderr:
                p.stderr.close()
        # strace itself ends a moment after what it traces
        left = left_files(self.place)
        shutil.rmtree(self.place, ignore_errors=True)
        return left


def left_files(place):
    return [f for where in os.walk(os.path.join(place, "run"))
            for f in where[2] if not f.startswith(".lock")]


def exchange(port, data=b"hello\n", kind=socket.SOCK_STREAM):
    """Sends data to a server and returns what comes back; b"" if it can't."""
    try:
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(3)
            s.connect(("127.0.0.1", port))
            s.sendall(data)
            if kind == socket.SOCK_DGRAM:
                return s.recv(65536)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))
    except OSError:
        return b""


def serve_until_end(run, p, port, kind=socket.SOCK_STREAM):
    """Clients come, the fault hits some of them; the server must go on."""
    for _ in range(4):
        exchange(port, DATA[:1000], kind)
    check(p.poll() is None, "the server ended: %s" % p.stderr.peek()[-300:]
          if p.poll() is not None else "")
    for _ in range(5):
        if exchange(port, b"last\n", kind) == b"last\n":
            break
    else:
        raise Finding("it does not serve any more")
    p.send_signal(signal.SIGTERM)


def a_server(arguments, kind=socket.SOCK_STREAM):
    def scenario(run):
        p, port = run.ready(["echo"] + arguments + ["127.0.0.1", "0"])
        if port:
            serve_until_end(run, p, port, kind)
        run.end(p)
        run.judge(p)
        check(not port or p.returncode in (-signal.SIGTERM, 143) or p.lines,
              "status %d" % p.returncode)
    return scenario


def a_member(run):
    other, port = run.ready(["echo", "-r", "--name", "other", "127.0.0.1", "0"],
                            traced=False)
    p, ready = run.ready(["echo", "-r", "127.0.0.1", str(port)])
    if ready:
        serve_until_end(run, p, port)
    run.end(p)
    run.judge(p)
    check(other.poll() is None, "the other member has ended")
    for _ in range(20):
        check(exchange(port) == b"hello\n", "a client of the other is lost")
    other.send_signal(signal.SIGTERM)
    run.end(other)


def a_client(run):
    server, port = run.ready(["echo", "127.0.0.1", "0"], traced=False)
    p = run.popen([run.rpnc, "connect", "127.0.0.1", str(port)],
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        out, p.lines = p.communicate(DATA, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Finding("it hangs")
    run.judge(p)
    check(p.returncode or out == DATA, "status 0, and %d of %d bytes" %
          (len(out), len(DATA)))
    server.send_signal(signal.SIGTERM)
    run.end(server)


def a_listener(run):
    p, port = run.ready(["listen", "127.0.0.1", "0"], stdout=subprocess.PIPE)
    if port:
        threading.Thread(target=exchange, args=(port, DATA), daemon=True).start()
    timer = threading.Timer(5, p.terminate)     # its client may be lost
    timer.start()
    try:
        out, p.lines = p.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Finding("it hangs")
    timer.cancel()
    run.judge(p)
    check(p.returncode or out == DATA, "status 0, and %d of %d bytes" %
          (len(out), len(DATA)))


def a_probe(arguments):
    def scenario(run):
        server, port = run.ready(["echo", "-r", "127.0.0.1", "0"], traced=False)
        p = run.popen([run.rpnc, "probe"] + arguments + ["127.0.0.1", str(port)],
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            out, p.lines = p.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Finding("it hangs")
        check(p.returncode in ENDED, "status %d" % p.returncode)
        # a report tells more than a line
        check(p.returncode in (0, 6, 7) or out or b"rpnc" in p.lines,
              "status %d without a line" % p.returncode)
        check(p.returncode or out, "status 0, and no report")
        check(exchange(port) == b"hello\n", "the server is touched")
        server.send_signal(signal.SIGTERM)
        run.end(server)
    return scenario


SCENARIOS = {
    "connect": a_client,
    "listen": a_listener,
    "echo": a_server([]),
    "echo-workers": a_server(["-w", "2"]),
    "echo-shared": a_server(["-w", "2", "--accept", "shared"]),
    "echo-blocking": a_server(["-w", "2", "--accept", "blocking"]),
    "echo-handoff": a_server(["-w", "2", "--accept", "handoff"]),
    "echo-fork": a_server(["--accept", "fork"]),
    "echo-udp": a_server(["-u"], socket.SOCK_DGRAM),
    "member": a_member,
    "probe": a_probe(["-n", "5", "--echo"]),
    "probe-group": a_probe(["--group"]),
    "probe-each": a_probe(["--each"]),
}


def whole_trace(path):
    """Its lines; strace(1) writes the last one after its tracee has ended."""
    for _ in range(100):
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
        if lines and re.search(r" \+\+\+ (exited|killed)", lines[-1]):
            break
        threading.Event().wait(0.01)
    return lines


def calls_of(rpnc, scenario):
    """Each call, and at which of its turns it is made after main() began."""
    run = Run(rpnc)
    try:
        SCENARIOS[scenario](run)
        lines = whole_trace(run.trace)
    finally:
        run.close()
    turns = collections.defaultdict(collections.Counter)
    begun = {}
    found = collections.defaultdict(set)
    loader = collections.Counter()  # turns before main(), which are not ours
    first = lines[0].split()[0] if lines else ""
    for line in lines:
        m = re.match(r"(\d+) +(\w+)\(", line)
        if not m:
            continue
        pid, call = m.groups()
        begun[pid] = begun.get(pid, pid != first) or call == MAIN
        turns[pid][call] += 1
        if not begun[pid]:
            loader[call] += 1
        elif call in ERRORS:
            found[call].add(turns[pid][call])
    # strace counts the turns of each process: a worker's first one would be
    # the loader's in its parent
    late = {c: sorted(t for t in s if t > loader[c]) for c, s in found.items()}
    return {c: t for c, t in late.items() if t}


def plan(rpnc, options):
    faults = []
    for scenario in options.scenario or SCENARIOS:
        for call, turns in sorted(calls_of(rpnc, scenario).items()):
            if options.call and call not in options.call:
                continue
            some = sorted({turns[0], turns[min(1, len(turns) - 1)],
                           turns[len(turns) // 2], turns[-1]})
            for error in ERRORS[call].split():
                faults += [(scenario, call, error, turn) for turn in some]
    return faults


def processor_time():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def inject(rpnc, scenario, call, error, turn):
    """Returns what is wrong, or None."""
    run = Run(rpnc, "%s:error=%s:when=%d" % (call, error, turn))
    began = processor_time()
    wrong = None
    try:
        SCENARIOS[scenario](run)
    except Finding as f:
        wrong = str(f)
    left = run.close()
    if not wrong and left and scenario != "member":
        wrong = "left: %s" % left
    if not wrong and processor_time() - began > CPU_LIMIT:
        wrong = "%.1f s of processor time" % (processor_time() - began)
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, help="so many, by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--call", action="append", choices=sorted(ERRORS))
    parser.add_argument("--error")
    parser.add_argument("--turn", type=int)
    parser.add_argument("--list", action="store_true", help="only the plan")
    options = parser.parse_args()
    rpnc = os.environ["RPNC"]
    if options.turn:
        faults = [(options.scenario[0], options.call[0], options.error,
                   options.turn)]
    else:
        faults = plan(rpnc, options)
    if options.sample:
        faults = random.Random(options.seed).sample(
            faults, min(options.sample, len(faults)))
    findings = 0
    for fault in faults:
        words = "--scenario %s --call %s --error %s --turn %d" % fault
        if options.list:
            print(words)
            continue
        wrong = inject(rpnc, *fault)
        if wrong:
            findings += 1
            print("%s: %s" % (words, wrong), flush=True)
        elif sys.stderr.isatty():
            print("\r\033[K" + words, end="", file=sys.stderr)
    print("%d faults, %d findings" % (len(faults), findings))
    sys.exit(findings > 0)


main()
