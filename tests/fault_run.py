"""One run of a scenario of faults.py: its processes, its clients, its checks."""
import collections
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import termios
import threading
import time

from driver import Finding, check, tree

LIMIT = float(os.environ.get("LIMIT", 30))  # seconds for one run
SPIN = 0.05         # seconds of processor time of a server that has no client
DATA = bytes(range(256)) * 400
HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
ENDED_BY_TERM = (128 + signal.SIGTERM, -signal.SIGTERM)
ENDED = set(range(0, 8)) | set(ENDED_BY_TERM)

# What clients connect to, and how; head is what they send first.
Target = collections.namedtuple("Target", "address kind tls head",
                                defaults=(socket.SOCK_STREAM, False, b""))


def pause(seconds):
    select.select([], [], [], seconds)


def eventually(holds, limit=5.0):
    end = time.monotonic() + limit
    while not holds():
        if time.monotonic() > end:
            return False
        pause(0.005)
    return True


class Run:
    """One run of a scenario, in a directory of its own.

    inject is the fault, as strace(1) takes it; None: a run without a fault.
    Such a run sets open to what an idle server has open; a run with a fault
    gets that as clean, to compare with.
    """

    def __init__(self, rpnc, inject=None, clean=None):
        self.rpnc = rpnc
        self.inject = inject
        self.call = inject.split(":")[0] if inject else None
        # with such an error the kernel has ended the connection, both ways
        self.ends_connection = bool(inject) and re.match(
            "(send|splice|write).*:error=(ECONNRESET|EPIPE|EHOSTUNREACH):", inject)
        # the call fails from then on, so perhaps nobody can be served
        self.persists = bool(inject) and inject.endswith("+")
        # rpnc then ends as if it had got SIGHUP
        self.terminal_is_gone = self.persists and inject.startswith("ioctl:error=EIO:")
        # a server whose spawner has gone says so, and ends
        self.loses_spawner = self.persists and self.call in (
            "recvfrom", "recvmsg", "sendto")
        self.clean = clean
        self.open = None
        self.directory = tempfile.mkdtemp(prefix="rpnc-fault.")
        self.trace = os.path.join(self.directory, "trace")
        self.runtime = os.path.join(self.directory, "run")
        os.mkdir(self.runtime, 0o700)
        self.started = []
        self.terminals = []

    def expect(self, holds, what):
        """Without a fault this must hold; with one it need not."""
        check(holds or self.inject, what)

    def path(self, name):
        return os.path.join(self.directory, name)

    def popen(self, words, traced=True, **more):
        if traced:
            strace = ["strace", "-f", "-q", "-y", "-o", self.trace]
            if self.inject:
                # so strace stops rpnc at these calls only
                strace += ["--seccomp-bpf", "-e", "trace=rt_sigaction,execve," + self.call,
                           "-e", "inject=" + self.inject]
            # -D: rpnc itself is our child, so its status and signals are plain
            words = strace[:1] + ["-D"] + strace[1:] + words
        # /dev/null is a device, as a terminal is
        more.setdefault("stdout", open(self.path("out"), "ab"))
        more.setdefault("stderr", subprocess.PIPE)
        environment = dict(os.environ, XDG_RUNTIME_DIR=self.runtime,
                           HOME=self.directory, TERM="xterm", LC_ALL="C.UTF-8")
        p = subprocess.Popen(words, env=environment, cwd=self.directory, **more)
        p.lines = b""
        self.started.append(p)
        return p

    def ready(self, arguments, traced=True, **more):
        """Starts a server; returns it with its address, or None if it ended."""
        r, w = os.pipe()
        more.setdefault("stdin", subprocess.DEVNULL)
        p = self.popen([self.rpnc, arguments[0], "--ready-fd", str(w),
                        *arguments[1:]], traced, pass_fds=[w], **more)
        os.close(w)
        # the address is written by the call that fails
        excused = traced and self.call == "write"
        with os.fdopen(r, "rb") as f:
            # strace has the other end, too: it need not close when rpnc ends
            end = time.monotonic() + (1.5 if excused else LIMIT)
            while (not select.select([f], [], [], 0.05)[0] and
                   p.poll() is None and time.monotonic() < end):
                pass
            said = select.select([f], [], [], 0)[0] and f.readline()
        # the end of the pipe comes before that of the process
        if not said and not eventually(lambda: p.poll() is not None, 1.5):
            p.terminate()
            check(excused, "it is never ready")
        return p, address_of(said.split()[0].decode(), self) if said else None

    def on_terminal(self, words):
        """Starts words on a terminal of its own; what it shows is in .shown."""
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        before = termios.tcgetattr(slave)
        p = self.popen(words, stdin=slave, stdout=slave, stderr=slave,
                       start_new_session=True, preexec_fn=controlling_terminal)
        p.shown = b""
        p.master = master
        self.terminals.append((p, master, slave, before))
        return p

    def show(self, p, limit=0.0):
        """Adds to p.shown what it has written since; False if nothing came."""
        if not select.select([p.master], [], [], limit)[0]:
            return False
        try:
            p.shown += os.read(p.master, 65536)
        except OSError:
            return False
        return True

    def shows(self, p, text, limit=LIMIT):
        """Waits until the terminal has shown it; False if the process ends."""
        end = time.monotonic() + limit
        while text not in p.shown and time.monotonic() < end:
            if not self.show(p, 0.05) and p.poll() is not None:
                break
        return text in p.shown

    def leaves_terminal(self, p, report=None):
        """It ends, and its terminal is as it was. A report has the word report."""
        end = time.monotonic() + LIMIT
        while p.poll() is None:
            check(time.monotonic() < end, "it hangs")
            self.show(p, 0.05)
        while self.show(p, 0.05):
            pass
        p.lines = p.shown
        # a terminal that can't be written to has hung up
        if p.returncode != -signal.SIGHUP or self.call != "write":
            self.judge(p, report is not None and report in p.shown)
        _, _, slave, before = next(t for t in self.terminals if t[0] is p)
        # rpnc sets it by ioctl(2), which fails here
        check(termios.tcgetattr(slave) == before or self.call == "ioctl",
              "the terminal is left in another mode")
        check(p.shown.count(b"\x1b[?1049h") <= p.shown.count(b"\x1b[?1049l") or
              self.call in ("write", "ioctl"), "the other screen is left")

    def talk(self, p, data=b""):
        """Writes data to it, waits for its end, and returns its output. It may
        close its input early."""
        try:
            out, p.lines = p.communicate(data, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Finding("it hangs")
        return out

    def talk_until(self, p, seconds):
        """The same, but with SIGTERM after so long: its client may be lost."""
        timer = threading.Timer(seconds, p.terminate)
        timer.start()
        try:
            return self.talk(p, None)
        finally:
            timer.cancel()

    def output(self):
        """What the processes wrote whose output is not a pipe."""
        with open(self.path("out"), "rb") as f:
            return f.read()

    def adopted(self):
        """Starts a server that is not rpnc's; returns it and its address."""
        p = self.popen([sys.executable, os.path.join(HERE, "adopt.py"), "127.0.0.1"],
                       traced=False, stdout=subprocess.PIPE)
        return p, ("127.0.0.1", int(p.stdout.readline()))

    def end(self, p):
        """Waits for it: status and stderr."""
        self.talk(p, None)
        return p.returncode

    def stop(self, *servers):
        """Ends servers that are not traced."""
        for p in servers:
            p.send_signal(signal.SIGTERM)
            self.end(p)

    def judge(self, p, reported=b""):
        """Its status is one of the manual's, with one line if it is a fault."""
        status = p.returncode
        check(b"Sanitizer" not in p.lines, p.lines[-300:])
        if status == -signal.SIGHUP and self.terminal_is_gone:
            return
        check(status in ENDED, "status %d: %s" % (status, p.lines[-300:]))
        if status in (6, 7) or status in ENDED_BY_TERM or not status:
            return
        # a prompt clears its line before it prints one
        told = re.findall(rb"(?:^|\r|\x1b\[K)(rpnc \w+: [^\r\n]*)", p.lines, re.M)
        # a report says more than a line; and perhaps the line can't be written
        check(told or reported or self.call in ("write", "writev"),
              "status %d without a line: %s" % (status, p.lines[-300:]))
        # one of each command, if rpnc has started another
        check(len(told) == len({line.split()[1] for line in told}),
              "%d lines: %s" % (len(told), told))

    def idle(self, p):
        """The server has no client: it sleeps, with no more open than in a run
        without a fault."""
        def same():
            self.open = open_of(p.pid)
            return not self.clean or self.open <= self.clean
        if self.clean:
            eventually(same, 2)
        else:
            settle(lambda: same() and self.open)
        # if a fault persists, clients may still wait
        check(not self.clean or self.persists or p.poll() is not None or
              self.open <= self.clean,
              "it has %s open, not %s" % (self.open, self.clean))
        self.sleeps(p)

    def sleeps(self, p):
        def used():
            before = time_of(p.pid)
            pause(0.1)
            return time_of(p.pid) - before
        check(eventually(lambda: used() < SPIN, 2), "it spins")

    def close(self):
        """Ends all processes. Returns what was left if all had ended before."""
        left = []
        for p in self.started:
            if p.poll() is None:
                p.kill()
                p.wait()
                left = None
            if p.stderr:
                p.stderr.close()
        for _, master, slave, _ in self.terminals:
            os.close(master)
            os.close(slave)
        if left is not None:
            eventually(lambda: not self.processes(), 3)
            left = [name for _, name in self.processes()]
        for pid, _ in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # strace itself ends a moment after what it traces
        if left is not None and self.call != "unlink":
            left += left_files(self.runtime)
        shutil.rmtree(self.directory, ignore_errors=True)
        return left

    def processes(self):
        """(pid, name) of what this run started and still runs; not strace."""
        mark = b"XDG_RUNTIME_DIR=" + self.runtime.encode() + b"\0"
        return [(pid, name) for pid, name in processes()
                if name != "strace" and mark in read_of(pid, "environ")]


def controlling_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def address_of(name, run):
    if name.startswith("unix:"):
        return run.path(name[5:])
    host, port = name.rsplit(":", 1)
    return host, int(port)


def read_of(pid, name):
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def processes():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        name = read_of(pid, "comm").decode(errors="replace").strip()
        if name:
            yield int(pid), name


def open_of(pid):
    """(processes, descriptors) of it and all below it."""
    count = 0
    pids = tree(pid)
    for p in pids:
        try:
            count += len(os.listdir("/proc/%d/fd" % p))
        except OSError:
            pass
    return len(pids), count


def settle(value):
    """Waits until value() is the same for a while."""
    last, since = value(), time.monotonic()
    end = since + 3
    while time.monotonic() < min(since + 0.2, end):
        pause(0.02)
        now = value()
        if now != last:
            last, since = now, time.monotonic()


def time_of(pid):
    """Seconds of processor time of it and all below it."""
    fields = [read_of(p, "stat").rpartition(b")")[2].split() for p in tree(pid)]
    return sum(int(f[11]) + int(f[12]) for f in fields if f) / TICK


def left_files(directory):
    return [f for where in os.walk(directory) for f in where[2]
            if not f.startswith(".lock")]


def connected(target):
    s = socket.socket(socket.AF_INET if isinstance(target.address, tuple)
                      else socket.AF_UNIX, target.kind)
    try:
        s.settimeout(3)
        if target.kind == socket.SOCK_DGRAM and s.family == socket.AF_UNIX:
            s.bind("")  # any abstract name, to be answered
        s.connect(target.address)
        s.sendall(target.head) if target.head else None
        return encrypted(s) if target.tls else s
    except BaseException:
        s.close()
        raise


def encrypted(s):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(s, suppress_ragged_eofs=False)


def exchange(target, data=b"hello\n"):
    """Sends data to a server and returns what comes back until the end; None
    if that is no proper end."""
    try:
        with connected(target) as s:
            s.sendall(data)
            if target.kind != socket.SOCK_STREAM:
                return s.recv(65536)
            if target.tls:
                return received(s, len(data))
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))
    except OSError:
        return None


def received(s, size):
    """As many bytes from a TLS peer: Python can't end one direction alone."""
    got = b""
    while len(got) < size:
        more = s.recv(65536)
        if not more:
            break
        got += more
    s.unwrap()
    return got


def send_all(target, data):
    """A client that only sends, in a thread. It ignores errors."""
    def send():
        try:
            with connected(target) as s:
                s.sendall(data)
                if target.tls:
                    s.unwrap()
                elif target.kind == socket.SOCK_STREAM:
                    s.shutdown(socket.SHUT_WR)
                    s.recv(1)
        except OSError:
            pass
    threading.Thread(target=send, daemon=True).start()


def proxy():
    """A proxy of one connection, SOCKS5 or HTTP, in threads: its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=proxies, args=(listener,), daemon=True).start()
    return listener.getsockname()


def proxies(listener):
    with listener, listener.accept()[0] as s:
        s.settimeout(LIMIT)
        try:
            first = s.recv(1, socket.MSG_PEEK)
            target = socks_target(s) if first == b"\5" else http_target(s)
            with socket.create_connection(target, LIMIT) as t:
                s.sendall(b"\5\0\0\1\0\0\0\0\0\0" if first == b"\5"
                          else b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=relay, args=(t, s))
                back.start()
                relay(s, t)
                back.join()
        except (OSError, ValueError, IndexError):
            pass


def socks_target(s):
    s.recv(2 + s.recv(2, socket.MSG_PEEK)[1])
    s.sendall(b"\5\0")
    head = s.recv(4)
    if head[3] == 1:
        host = socket.inet_ntoa(s.recv(4))
    else:
        host = s.recv(s.recv(1)[0]).decode()
    return host, int.from_bytes(s.recv(2), "big")


def http_target(s):
    head = b""
    while b"\r\n\r\n" not in head:
        more = s.recv(1)
        if not more:
            raise ValueError
        head += more
    host, _, port = head.split()[1].decode().rpartition(":")
    return host, int(port)


def relay(a, b):
    """Copies from a to b until the end of a, and ends b; a reset ends both."""
    try:
        for data in iter(lambda: a.recv(65536), b""):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        for s in a, b:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
