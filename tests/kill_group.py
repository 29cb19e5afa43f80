"""A group of rpnc's members with clients in a closed loop, in one thread.

The clients stand still while the thread does something else. So what a process
holds when it is killed is exactly known: the connections that it has accepted,
by its descriptors; those in its accept queue, by the size of the receive
buffer, which a connection inherits from its listener, and which is another one
for each member.
"""
import collections
import ctypes
import errno
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

import tracing
from driver import Finding, check, children, tree

LIMIT = float(os.environ.get("LIMIT", 60))  # seconds for one step
SLOW = 0.25         # a client that waits longer is replaced by another
CLIENTS = 8
PACE = 0.001        # between two clients that begin
PIDFD_GETFD = 438
PR_SET_PDEATHSIG = 1
SO_DETACH_REUSEPORT_BPF = 68


def sockets_by_fd(pid):
    """The inodes of the sockets among a process's descriptors."""
    found = {}
    where = "/proc/%d/fd" % pid
    try:
        for fd in os.listdir(where):
            m = re.match(r"socket:\[(\d+)\]", os.readlink("%s/%s" % (where, fd)))
            if m:
                found[int(fd)] = int(m[1])
    except OSError:
        pass  # it has ended
    return found


def socket_inodes(pid):
    return set(sockets_by_fd(pid).values())


def command_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "?"


def command_name(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().rstrip("\n")
    except OSError:
        return "?"


def state_of(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


class Socket:
    """A line of ss(8)."""

    def __init__(self, line):
        words = line.split()
        self.state, self.queue = words[0], int(words[1])
        self.peer = words[4].rsplit(":", 1)[1]
        self.inode = int(re.search(r"ino:(\d+)", line)[1]
                         if "ino:" in line else 0)
        self.room = int(re.search(r"rb(\d+)", line)[1]
                        if "rb" in line else 0)


def sockets(udp, states, port):
    words = ["ss", "-HOnme", "-u" if udp else "-t"]
    for s in states:
        words += ["state", s]
    out = subprocess.run(words + ["sport", "=", ":%d" % port], check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    if len(states) == 1:  # then ss leaves out the column
        out = "".join("%s %s" % (states[0], line)
                      for line in out.splitlines(True))
    return [Socket(line) for line in out.splitlines()]


def listening_inodes():
    """Of TCP; without ss(8), because it is asked at each call."""
    with open("/proc/self/net/tcp") as f:
        words = [line.split() for line in f.readlines()[1:]]
    return {int(w[9]) for w in words if w[3] == "0A"}


class Slot:
    FORMAT = struct.Struct("=IIQQQi24s4xqQI4xQiI8Q8Q")

    def __init__(self, raw):
        (self.kind, self.state, self.process, self.parent, _, self.pid, name,
         _, self.order, self.weight, self.replaced_by, _, self.repair_due,
         *rest) = self.FORMAT.unpack_from(raw)
        self.name = name.split(b"\0")[0].decode()
        self.inodes, self.programs = rest[:8], rest[8:]


class Registry:
    """The registry's file, read as src/group/registry/registry.h has it."""
    SLOTS, FIRST, SIZE, STEERING = 256, 34816, 384, 40

    def __init__(self, directory, udp, port):
        self.path = None
        for where, _, files in os.walk(directory):
            for f in files:
                if f.endswith("%s-%d" % ("udp" if udp else "tcp", port)):
                    self.path = os.path.join(where, f)

    def slots(self):
        if not self.path:
            return []
        with open(self.path, "rb") as f:
            raw = f.read()
        found = [Slot(raw[i:i + self.SIZE]) for i in
                 range(self.FIRST, len(raw), self.SIZE)]
        return [s for s in found if s.kind]

    def mode(self):
        """enum steer_mode; 0: the hash."""
        with open(self.path, "rb") as f:
            return struct.unpack_from("=I", f.read(), self.STEERING)[0]

    def programs(self, alive):
        """What the living members say of the programs of their sockets."""
        return {program for s in self.slots() if s.kind == 1 and s.pid in alive
                for inode, program in zip(s.inodes, s.programs) if inode}


class Process:
    """One that the test started."""

    def __init__(self, words):
        self.words = words
        self.pid = None
        self.name = None
        self.stamp = None
        self.ready = None       # False: it ended before
        self.status = None      # as os.waitstatus_to_exitcode() has it
        self.out = self.err = None
        self.terminal = None

    def events(self):
        with open(self.out) as f:
            return [json.loads(line) for line in f if line.endswith("}\n")]

    def said(self):
        if not os.path.exists(self.err):    # of a terminal that shows nothing
            return ""
        with open(self.err, errors="replace") as f:
            return f.read()

    def event(self, kind):
        return next((e for e in self.events() if e["event"] == kind), None)


class Client:
    """Connects, sends a line, and reads it back after the greeting."""
    number = 0

    def __init__(self, group):
        Client.number += 1
        self.group = group
        self.line = b"hello %d\n" % Client.number
        self.back = b""
        self.began = time.monotonic()
        self.sent = False
        self.held = None        # how a killed process held it
        self.spared = False     # waits for one that is stopped
        self.epoch = group.epoch
        kind = socket.SOCK_DGRAM if group.udp else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", group.port))
        self.port = str(self.socket.getsockname()[1])

    def go_on(self):
        """True: it is answered; raises OSError if it is lost."""
        if not self.sent:
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            self.socket.send(self.line)
            if self.group.listens:
                self.socket.shutdown(socket.SHUT_WR)
            self.sent = True
            return False
        data = self.socket.recv(4096)
        if not data and self.group.listens and not self.back:
            return True
        if not data:
            raise OSError(errno.EPIPE, "end of file before the answer")
        self.back += data
        return self.back.endswith(self.line)

    def server(self):
        m = re.match(rb"rpnc/1 .*pid=(\d+)", self.back)
        return int(m[1]) if m else None

    def is_connecting(self):
        return not self.sent


class Group:
    """The members of one port, their clients, and who is traced."""
    ports = 20000

    def __init__(self, rpnc, udp=False):
        Group.ports += 1
        self.rpnc, self.udp, self.port = rpnc, udp, Group.ports
        self.directory = tempfile.mkdtemp(prefix="rpnc-kill.")
        os.mkdir(os.path.join(self.directory, "run"), 0o700)
        self.environment = dict(
            os.environ, XDG_RUNTIME_DIR=os.path.join(self.directory, "run"),
            LC_ALL="C.UTF-8", TERM="xterm")
        self.poll = select.epoll()
        self.wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.wake[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # or no byte is written
        self.poll.register(self.wake[0], select.EPOLLIN)
        self.processes = {}
        self.ready_fds = {}
        self.terminals = {}
        self.clients = {}
        self.listens = False    # a member does not answer, but only closes
        self.running = False
        self.next_client = 0
        self.refused_is_good = False
        self.epoch = 0          # counts up with new_epoch()
        self.answered = collections.Counter()   # of this epoch's, by pid
        self.served = collections.Counter()     # all, by pid
        self.lost = []
        self.held = collections.Counter()       # lost with the killed process
        self.queued = 0         # so many were in queues of killed processes
        self.closing = set()    # listeners of killed workers
        self.spawnerless = set()    # members whose spawner was killed
        self.relay = None       # the pid of a rescue
        self.relayed = 0        # so many of its connections were held
        self.tracer = None
        self.stamps = 0

    # --- processes

    def start(self, words, tracer=None, terminal=False, ready=True):
        p = Process(words)
        words = [self.rpnc] + words
        p.out = os.path.join(self.directory, "out.%d" % len(self.processes))
        p.err = os.path.join(self.directory, "err.%d" % len(self.processes))
        r, w = os.pipe()
        if ready:
            os.set_inheritable(w, True)
            words[2:2] = ["--ready-fd", str(w)]
        if terminal:
            p.terminal, end = pty.openpty()
        p.pid = os.fork()
        if p.pid == 0:
            try:
                os.setsid()
                tracing.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                os.chdir(self.directory)
                signal.set_wakeup_fd(-1)
                zero = end if terminal else os.open("/dev/null", os.O_RDONLY)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                os.dup2(zero, 0)
                if terminal:
                    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
                os.dup2(end if terminal else os.open(p.out, flags, 0o600), 1)
                os.dup2(end if terminal else os.open(p.err, flags, 0o600), 2)
                if tracer:
                    tracing.trace_me()
                os.execve(self.rpnc, words, self.environment)
            finally:
                os._exit(127)
        os.close(w)
        if terminal:
            os.close(end)
            os.set_blocking(p.terminal, False)
            self.terminals[p.terminal] = p
            self.poll.register(p.terminal, select.EPOLLIN)
        self.processes[p.pid] = p
        self.ready_fds[r] = p
        self.poll.register(r, select.EPOLLIN)
        if tracer:
            tracer.begin(p.pid)
            self.tracer = tracer
        return p

    def member_words(self, name, *words, command="echo"):
        self.stamps += 1
        room = 100000 + 1000 * self.stamps
        own = ["-r"]
        if name:
            own += ["--name", name]
        if command == "echo":
            own += ["--json", "-u" if self.udp else "--identify"]
        if self.udp or "--adopt" in words:
            room = 0    # an adopted socket has the stamp of its first owner
        else:
            own += ["--sockopt", "rcvbuf=%d" % room]
        program = words[words.index("--"):] if "--" in words else ()
        words = words[:len(words) - len(program)]
        return [command, *own, *words, "127.0.0.1", str(self.port),
                *program], 2 * room

    def member(self, name, *words, tracer=None, **more):
        """Starts a member; waits until it is ready, unless it is traced."""
        command = more.pop("command", "echo")
        line, stamp = self.member_words(name, *words, command=command)
        p = self.start(line, tracer, **more)
        p.name, p.stamp = name, stamp
        if not tracer:
            self.until(lambda: p.ready is not None, "%s is never ready" % name)
            check(p.ready, "%s can't start: %s" % (name, p.said()[-300:]))
        return p

    def foreigner(self):
        """A member that is not rpnc's; returns its pid."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(100)
        pid = os.fork()
        if pid == 0:
            tracing.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            while True:
                try:
                    with s.accept()[0] as client:
                        client.sendall(client.recv(4096))
                except OSError:
                    pass
        s.close()
        return pid

    def took(self, pid, status):
        if self.tracer and self.tracer.took(pid, status):
            return
        p = self.processes.get(pid)
        if p and not os.WIFSTOPPED(status):
            p.status = os.waitstatus_to_exitcode(status)

    def wait_children(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | tracing.WALL)
            except ChildProcessError:
                return
            if not pid:
                return
            self.took(pid, status)

    def alive(self):
        return [p for p in self.processes.values() if p.status is None]

    # --- the loop

    def on_ready(self, fd):
        p = self.ready_fds[fd]
        data = os.read(fd, 4096)
        if data and p.ready is None:
            p.ready = True
        if not data:
            p.ready = bool(p.ready)
            self.poll.unregister(fd)
            os.close(fd)
            del self.ready_fds[fd]

    def on_terminal(self, fd):
        p = self.terminals[fd]
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""
        if data:
            with open(p.err, "ab") as f:
                f.write(data)
        else:
            self.poll.unregister(fd)
            os.close(fd)
            del self.terminals[fd]

    def drop(self, c):
        del self.clients[c.socket.fileno()]
        self.poll.unregister(c.socket)
        c.socket.close()

    def is_fault(self, c, error):
        if self.refused_is_good and error.errno == errno.ECONNREFUSED:
            return False
        return not c.held

    def on_client(self, c):
        try:
            if not c.go_on():
                return
            self.served[c.server()] += 1
            if c.epoch == self.epoch:
                self.answered[c.server()] += 1
        except BlockingIOError:
            return
        except OSError as e:
            if self.is_fault(c, e):
                self.lost.append("%s (%s%s)" % (e.strerror, "begun later"
                                 if c.epoch else "begun before", ", connecting"
                                 if c.is_connecting() else ""))
            elif c.held:
                self.held[c.held] += 1
        self.drop(c)

    def hold_relayed(self, own, lost, by_port):
        """Marks those whose connections a rescue relays to a killed member."""
        clients = {c.port for c in self.clients.values()}
        relay = socket_inodes(self.relay) - own if self.relay else set()
        self.relayed += sum(s.peer not in clients for s in lost)
        for c in self.clients.values():
            s = by_port.get(c.port)
            if s and s.inode in relay:
                c.held = "relayed"

    def is_closing(self):
        """Whether a parent is about to close the listener of a killed worker:
        whoever came now would be lost with it."""
        if self.closing and not any(
                self.closing & socket_inodes(x)
                for p in self.alive() for x in tree(p.pid)):
            self.closing = set()
        return bool(self.closing)

    def refill(self):
        if self.is_closing():
            return
        now = time.monotonic()
        quick = sum(now - c.began < SLOW for c in self.clients.values())
        while quick < CLIENTS and now >= self.next_client:
            self.next_client = max(self.next_client, now - 8 * PACE) + PACE
            c = Client(self)
            self.clients[c.socket.fileno()] = c
            self.poll.register(c.socket, select.EPOLLIN if c.sent or self.udp
                               else select.EPOLLOUT)
            if self.udp:
                c.go_on()
            quick += 1

    def turn(self, limit=0.004):
        if self.running:
            self.refill()
        for fd, _ in self.poll.poll(limit):
            if fd == self.wake[0]:
                os.read(fd, 4096)
            elif fd in self.ready_fds:
                self.on_ready(fd)
            elif fd in self.terminals:
                self.on_terminal(fd)
            elif fd in self.clients:
                c = self.clients[fd]
                self.on_client(c)
                if c.sent and fd in self.clients:
                    self.poll.modify(fd, select.EPOLLIN)
        self.wait_children()

    def until(self, done, what, limit=LIMIT):
        """Turns until done(); what is wrong if that takes too long."""
        end = time.monotonic() + limit
        while not done():
            if time.monotonic() > end:
                raise Finding(what() if callable(what) else what)
            self.turn()

    def serve(self, count):
        """Goes on until so many more clients are answered."""
        want = sum(self.served.values()) + count
        self.until(lambda: sum(self.served.values()) >= want,
                   "clients are not served any more")

    def new_epoch(self):
        self.epoch += 1
        self.answered.clear()

    def stop_clients(self):
        """All that have begun must be answered."""
        self.running = False
        self.until(lambda: all(c.held == "datagram"
                               for c in self.clients.values()),
                   lambda: "%d clients get no answer" % len(self.clients))
        self.drop_held_datagrams()

    # --- what a process holds

    def listeners(self):
        return sockets(self.udp, ["unconnected" if self.udp else "listening"],
                       self.port)

    def hold(self, pids, stamp):
        """Marks the clients whose connections end with these processes."""
        pids = pids + self.not_yet_members(pids)
        if self.holds_as_spawner(pids):
            return
        own = set().union(*(socket_inodes(p) for p in pids))
        others = {x for p in self.alive() for x in tree(p.pid)} - set(pids)
        shared = set().union(*(socket_inodes(p) for p in others))
        if self.udp:
            self.hold_datagrams(own)
            return
        self.closing = self.passed_on(pids)
        shared -= self.closing
        dying = [s for s in self.listeners() if s.inode in own - shared]
        by_port = {s.peer: s for s in sockets(
            False, ["established", "close-wait", "fin-wait-1", "fin-wait-2",
                    "syn-recv"], self.port)}
        self.queued += sum(s.queue for s in dying)
        for c in self.clients.values():
            s = by_port.get(c.port)
            if s and s.inode in own:
                c.held = "accepted"
            elif s and s.state == "SYN-RECV":
                c.held = "handshake"
            elif s and not s.inode and s.room == stamp and dying:
                c.held = "queued"
        self.hold_relayed(own, [s for s in by_port.values() if s.inode in own or
                                s.room == stamp and dying and not s.inode], by_port)

    def holds_as_spawner(self, pids):
        """Whether one of them is a member's spawner. Then nobody can serve who
        has just come to that member."""
        for p in self.alive():
            if p.pid not in pids and any(
                    x in pids and command_name(x) == "rpnc spawner"
                    for x in children(p.pid)):
                self.spawnerless.add(p)
                self.hold([p.pid], p.stamp)
                self.closing = socket_inodes(p.pid) & listening_inodes()
                return True
        return False

    def not_yet_members(self, pids):
        """Workers that end with their parent, because they do not serve yet."""
        members = {s.pid for s in self.registry().slots()}
        return [x for p in pids for x in tree(p)[1:] if x not in members]

    def passed_on(self, pids):
        """The listeners of new workers. Until all workers serve, the parent and
        the other workers may have them, too. The parent opened them in the
        order of the workers, and all have them by the same numbers."""
        found = set()
        listening = listening_inodes()
        for p in self.alive():
            fds = {fd: inode for x in tree(p.pid)
                   for fd, inode in sockets_by_fd(x).items()
                   if inode in listening}
            found.update(fds[fd] for child, fd in
                         zip(children(p.pid), sorted(fds)) if child in pids)
        return found

    def shares_listeners(self, pid, others):
        own = socket_inodes(pid) & listening_inodes()
        return any(own & socket_inodes(other) for other in others)

    def hold_datagrams(self, own):
        """When the others have answered all, what waits is in its queue, or in
        that of a process that stands still because it is traced."""
        still = set().union(*(socket_inodes(p) for p in self.tracer.pids))
        end = time.monotonic() + LIMIT
        calm = 0
        while calm < 3:
            check(time.monotonic() < end, "the others read no datagrams")
            select.select([], [], [], 0.002)
            calm = 0 if any(s.queue for s in self.listeners()
                            if s.inode not in own | still) else calm + 1
        for c in list(self.clients.values()):
            self.on_client(c)
        for c in self.clients.values():
            c.held = "datagram"

    def drop_held_datagrams(self):
        """Nobody tells their clients that they are lost."""
        for c in list(self.clients.values()):
            if c.held == "datagram":
                self.held["datagram"] += 1
                self.drop(c)

    def program_is_attached(self, p):
        """Whether the group has a program; takes it away."""
        pidfd = os.pidfd_open(p.pid)
        own = {s.inode for s in self.listeners()}
        for fd in os.listdir("/proc/%d/fd" % p.pid):
            link = os.readlink("/proc/%d/fd/%s" % (p.pid, fd))
            if link[8:-1] not in {str(i) for i in own}:
                continue
            copy = tracing.libc.syscall(PIDFD_GETFD, pidfd, int(fd), 0)
            check(copy >= 0, "pidfd_getfd: " +
                  os.strerror(ctypes.get_errno()))
            with socket.socket(fileno=copy) as s:
                os.close(pidfd)
                try:
                    s.setsockopt(socket.SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)
                    return True
                except FileNotFoundError:
                    return False
        raise Finding("%s has no listener" % p.name)

    def registry(self):
        return Registry(self.environment["XDG_RUNTIME_DIR"], self.udp,
                        self.port)

    # --- the end

    def kill_rest(self):
        for pid in {p for c in children(os.getpid()) for p in tree(c)}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        end = time.monotonic() + LIMIT
        while children(os.getpid()) and time.monotonic() < end:
            self.wait_children()
            select.select([], [], [], 0.001)

    def close(self):
        self.tracer = None
        self.kill_rest()
        for c in list(self.clients.values()):
            self.drop(c)
        for fd in [*self.ready_fds, *self.terminals]:
            os.close(fd)
        self.poll.close()
        signal.set_wakeup_fd(-1)
        for fd in self.wake:
            os.close(fd)
        shutil.rmtree(self.directory, ignore_errors=True)
