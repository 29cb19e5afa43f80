"""What a variant's run has in hands: ports, files, servers and clients."""
import json
import os
import select
import shlex
import signal
import time

import apart
from process import Process, text
from rounds import Hung, Trouble

HOST = "127.0.0.1"
MIB = 1 << 20


class Runner:
    def __init__(self, quick, files):
        self.quick = quick
        self.files = files
        self.seconds = 1.0
        self.patience = 3.0     # with what should take no time
        self.rpnc = os.environ.get("RPNC", "./rpnc")
        self.base = os.environ.get("BASE", "")   # a directory with another
        self.bench = os.environ.get("BENCH", "build/bench")
        self.peers = os.environ.get("PEERS", "build/peers")
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.dir = apart.scratch((self.rpnc, self.base, self.bench,
                                  self.peers, self.here, os.getcwd()))
        # where rpnc keeps its registry, and iperf3 its data
        os.environ["XDG_RUNTIME_DIR"] = os.environ["TMPDIR"] = self.dir
        self.bytes = (128 if quick else 512) * MIB
        self.alive, self.kept = [], []
        self.port = 9000
        self.spent = 0.0        # CPU seconds of the last call
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.client_core = {cores[0]}, {cores[-1]}
        self._data = None

    def as_base(self, run):
        """Run it with the other rpnc."""
        rpnc = self.rpnc
        self.rpnc = self.base + "/rpnc"
        try:
            return run(self)
        finally:
            self.rpnc = rpnc

    def clear(self):
        """End what a run left behind."""
        for p in self.alive:
            p.end()
        for fd in self.kept:
            os.close(fd)
        self.alive, self.kept = [], []

    def file(self):
        """A file in memory, for what a process writes; until clear()."""
        self.kept.append(os.memfd_create("out"))
        return self.kept[-1]

    def free_port(self):
        """One that none had before in this row."""
        self.port = self.port + 1 if self.port < 30000 else 9001
        return self.port

    def data(self):
        """A regular file of self.bytes bytes, in the page cache."""
        if self._data is None:
            self._data = os.path.join(self.dir, "data")
            block = os.urandom(MIB)
            with open(self._data, "wb") as f:
                for _ in range(self.bytes // MIB):
                    f.write(block)
        return self._data

    def words(self, command, **more):
        """A command line with its {placeholders} filled in, as words."""
        known = {"rpnc": self.rpnc, "load": self.bench + "/load",
                 "bare": self.bench + "/bare", "host": HOST,
                 "here": self.here, "peers": self.peers, "dir": self.dir}
        return [w.format(**known, **more) for w in shlex.split(command)]

    def start(self, command, cores=None, stdin=None, stdout=None, **more):
        p = Process(self.words(command, **more), cores, stdin, stdout)
        self.alive.append(p)
        return p

    def await_listener(self, p, protocol, port, members=1, seconds=5.0):
        """As the kernel lists it: connecting would use up those that serve
        one client only."""
        end = time.monotonic() + seconds
        while apart.listeners(protocol, port) < members:
            if p.wait(0.001):
                raise Trouble(f"ended: {p.said()}"[:60])
            if time.monotonic() > end:
                raise Trouble("never listened")

    def serve(self, command, pinned=True, protocol="tcp", stdin=None,
              stdout=None, cores=None, members=1, **more):
        """A server that listens; p.port is where. What of CPU time its start
        took is not counted."""
        if protocol == "unix":
            port = os.path.join(self.dir, f"socket.{self.free_port()}")
        else:
            port = self.free_port()
        cores = cores or (self.server_core if pinned else None)
        p = self.start(command, cores, stdin, stdout, port=port, path=port,
                       **more)
        p.port = port
        self.await_listener(p, protocol, port, members)
        p.cpu = -p.spent()
        return p

    def finish(self, p, seconds, good=(0,)):
        """Wait for what ends by itself."""
        if not p.wait(seconds):
            raise Hung()
        if good is not None and p.status not in good:
            raise Trouble(f"status {p.status}: {p.said()}"[:60])

    def call(self, command, cores=None, patience=None, stdin=None,
             good=(0,), **more):
        """Run it to its end; what it wrote, read as JSON if that is what it
        is, else as text."""
        out = self.file()
        p = self.start(command, cores or self.client_core, stdin, out, **more)
        self.finish(p, patience or self.seconds * 3 + 20, good)
        self.spent = p.cpu
        return parsed(text(out))

    def stepped(self, command, at_open, cores=None, patience=30, **more):
        """One that says "open", and goes on after a line of input: at_open is
        called between. Returns what it said at the end."""
        (in_r, in_w), (out_r, out_w) = os.pipe(), os.pipe()
        p = self.start(command, cores or self.client_core, in_r, out_w, **more)
        os.close(in_r)
        os.close(out_w)
        try:
            if not line(out_r, patience).startswith("open"):
                p.wait(1)
                raise Trouble(f"not all connected: {p.said()}"[:60])
            at_open()
            os.write(in_w, b"go\n")
            said = line(out_r, patience)
        finally:
            os.close(in_w)
            os.close(out_r)
        self.finish(p, 5)
        return parsed(said)

    def end(self, *processes, sig=signal.SIGKILL):
        """End them; the CPU time that their trees took."""
        for p in processes:
            p.end(sig)
            self.alive.remove(p)
        return sum(p.cpu for p in processes)


def line(fd, seconds):
    """What comes through a pipe, within so long."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(seconds * 1000):
        raise Hung()
    return os.read(fd, 4096).decode()


def parsed(said):
    try:
        return json.loads(said)
    except ValueError:
        return said
