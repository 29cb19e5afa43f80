#!/usr/bin/env python3
"""Members come and go under load: what is lost, and what grows.

soak.py [--seconds N] [--rounds N] [--leave MODE] [...]

tests/soak/run starts it, in namespaces of its own and without privileges.

How it works: there are five groups, each with clients of clients.c: TCP, TLS,
UDP, a program for each client, and the workers of one echo. Two members of a
group stay, the others come and go, in rounds. One round is in one group:

  leave    one joins, then the oldest is ended by SIGTERM
  two      two are ended at once, while two join
  kill     the same as leave, and 0 to 40 ms later SIGKILL
  stop     a member that stays is stopped for 0.2 s, while another one leaves

In the group of workers it is a worker that is ended; its manager replaces it.
A round comes after each --each connections, so losses by leaves and losses by
load can be compared.

What a client loses counts as lost, but for what SIGKILL itself costs. A loss is
excused only if all of this is so:

  - a member of the same group was killed in this round
  - it began before that process was gone, and was open when SIGKILL was sent
  - TCP: it was reset or cut short (never refused, a timeout, wrong bytes), at
    most 1 s after the process was gone; and the server's greeting, if it had
    come, is of the killed process
  - UDP: it was not answered, and was sent at most 0.5 s before SIGKILL

The status is 1 if anything else is lost; if a member ends with another status,
hangs, or says that it lost something; or if something grows: the descriptors of
those that stay, their RSS by more than --rss KiB, living slots of a registry.
"""
import argparse
import collections
import fcntl
import hashlib
import itertools
import json
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HANG = 60           # seconds that nothing here takes
KILL_WITHIN = 0.04  # seconds after SIGTERM: most of a leave
STOPPED_FOR = 0.2
SLOW_ROUND = 2
SLOTS, SLOT_SIZE, FIRST_LOCK = 256, 384, 64  # see registry.c
F_OFD_GETLK = 36
STAY = 2            # members of each group, for the whole run
GIVE_UP = 1000      # losses: more tell nothing new
EXCUSABLE = ("reset", "short")
SUMS = ("connections", "slow", "leaves", "rounds", "joins", "kills", "stops",
        "lost", "excused", "said", "modes", "faults", "slow rounds")


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


def gone(pidfd, seconds):
    """Whether the process has ended by then, and closed all that it had."""
    return bool(select.select([pidfd], [], [], seconds)[0])


def eventually(what, seconds=HANG):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.01)
    return True


class Member:
    """One rpnc. Some are verbose, and say in which way they left."""

    environment = dict(os.environ)

    def __init__(self, group, wordy=False):
        self.group = group
        self.errors = tempfile.TemporaryFile()
        self.ready, w = os.pipe()
        self.process = subprocess.Popen(
            ["./rpnc", *group.command, *["-v"] * wordy, "--ready-fd", str(w),
             str(group.port), *group.program],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, pass_fds=(w,), start_new_session=True,
            env=self.environment)
        os.close(w)
        self.pid = self.process.pid

    def is_ready(self):
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
        return gone(self.pidfd, seconds)


class Registry:
    """The file of a group; it is opened for reading, which wakes nobody."""

    def __init__(self, path):
        self.file = open(path, "rb", buffering=0)
        self.first = os.fstat(self.file.fileno()).st_size - SLOTS * SLOT_SIZE

    def alive(self, index):
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, FIRST_LOCK + index,
                           1, 0)
        lock = fcntl.fcntl(self.file, F_OFD_GETLK, lock)
        return struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK

    def slots(self):
        """How many are alive, and how many have ever been used."""
        used = [i for i in range(SLOTS) if os.pread(
            self.file.fileno(), 4, self.first + i * SLOT_SIZE) != bytes(4)]
        return sum(self.alive(i) for i in used), len(used)


class Group:
    def __init__(self, name, kind, port, clients, command, program=()):
        self.name, self.port, self.clients = name, port, clients
        self.kind, self.command, self.program = kind, command, program
        self.udp = kind == "udp"
        self.stay, self.come = [], []

    def lane(self):
        return "%s:%s:%d:%d" % (self.name, self.kind, self.port, self.clients)

    def begin(self, soak):
        self.stay = [soak.join(self) for _ in range(STAY)]
        self.come = [soak.join(self) for _ in range(soak.options.members -
                                                    STAY)]
        self.registry = Registry(self.path())

    def path(self):
        """The registry's file; its name ends so."""
        end = "%s-%d" % ("udp" if self.udp else "tcp", self.port)
        for where, _, files in os.walk(os.environ["XDG_RUNTIME_DIR"]):
            for name in files:
                if name.endswith(end):
                    return os.path.join(where, name)
        raise SystemExit("no registry of port %d" % self.port)

    def slots_wanted(self):
        return len(self.stay) + len(self.come)

    def lasting(self):
        """The processes that live as long as the run, by what they are."""
        for i, m in enumerate(self.stay):
            yield "%s %d" % (self.name, i), m.pid
            for n, pid in enumerate(children(m.pid)):
                if status_of(pid)["Name"] == "rpnc":
                    yield "%s %d child %d" % (self.name, i, n), pid

    def bystander(self):
        return random.choice(self.stay)

    def has_leavers(self):
        return True

    def leavers(self, count):
        leavers, self.come = self.come[:count], self.come[count:]
        return leavers


class Workers(Group):
    """
    One echo: the manager stays, and so does its first worker. The others leave
    if the manager will replace them at once: a worker that lived for less than
    10 s is replaced with a delay.
    """

    COUNT = 7
    GROWN_UP = 10.5  # seconds; see worker.c

    def begin(self, soak):
        self.stay = [soak.join(self)]
        self.registry = Registry(self.path())
        self.whole()
        self.original = self.workers()
        self.first = self.original[0]

    def workers(self):
        """They are in the registry; a spawner is a child that is not."""
        return [p for p in children(self.stay[0].pid)
                if status_of(p)["Name"] == "rpnc"]

    def slots_wanted(self):
        return self.COUNT + 1

    def whole(self):
        return eventually(lambda: self.registry.slots()[0] ==
                          self.slots_wanted())

    def lasting(self):
        yield "manager", self.stay[0].pid
        yield "manager's first worker", self.first

    def bystander(self):
        return Worker(self, self.first)

    def grown_up(self):
        return [p for p in self.workers()[1:]
                if p in self.original or age(p) > self.GROWN_UP]

    def has_leavers(self):
        return len(self.grown_up()) >= 2

    def leavers(self, count):
        return [Worker(self, p) for p in self.grown_up()[:count]]


def groups(leave, only):
    echo = ["echo", "-r", *leave]
    every = [
        Group("tcp", "tcp+", 9001, 64, [*echo, "--identify"]),
        Group("udp", "udp", 9002, 32, [*echo, "-u"]),
        Group("tls", "tls+", 9003, 4, [*echo, "--tls", "--identify"]),
        Group("command", "tcp", 9004, 2, ["listen", "-r", *leave,
               "--allow", "127.0.0.0/8", "--allow", "::1"],
              ["--", "cat"]),
        Workers("workers", "tcp+", 9005, 48,
                ["echo", "-w", str(Workers.COUNT), *leave, "--identify"]),
    ]
    return [g for g in every if not only or g.name in only]


class State:
    """The sums, in a file that a later run continues."""

    def __init__(self, descriptor):
        self.fd = descriptor
        self.sums = {name: collections.Counter() for name in SUMS}
        self.seconds = self.runs = 0
        self.programs = []
        old = os.pread(self.fd, 1 << 20, 0).strip(b"\0 \n")
        if old:
            old = json.loads(old)
            for name in SUMS:
                self.sums[name].update(old["sums"].get(name, {}))
            self.seconds, self.runs = old["seconds"], old["runs"]
            self.programs = old["programs"]

    def write(self, seconds):
        text = json.dumps({"sums": self.sums, "runs": self.runs,
                           "seconds": round(self.seconds + seconds, 1),
                           "programs": self.programs}).encode() + b"\n"
        text = text.ljust(max(8192, len(text)))
        os.pwrite(self.fd, text, 0)

    def total(self, name):
        return self.sums[name].total()


Loss = collections.namedtuple("Loss", "group kind began ended text pid during")
Kill = collections.namedtuple("Kill", "group pid sent gone")


def is_excused(loss, kill):
    if loss.group != kill.group or loss.began > kill.gone:
        return False
    if loss.group == "udp":
        return loss.kind == "timeout" and loss.began > kill.sent - 5 * 10**8
    return (loss.kind in EXCUSABLE and
            kill.sent < loss.ended < kill.gone + 10**9 and
            loss.pid in (0, kill.pid))


class Soak:
    def __init__(self, options):
        self.options = options
        self.groups = groups(["--leave", options.leave], options.only)
        self.by_name = {g.name: g for g in self.groups}
        self.state = State(int(os.environ["STATE"]))
        self.sums = self.state.sums
        self.before = {n: self.state.total(n) for n in SUMS}
        self.began = time.monotonic()
        self.turns = itertools.cycle(self.groups)
        self.stopping = 0
        self.during = "start"
        self.losses = collections.deque()
        self.kills = collections.deque(maxlen=100)
        self.events = collections.deque(maxlen=200)  # (time, group, text)
        self.seen = collections.Counter()  # of this run's clients, by group
        self.joined = self.rounds = 0
        self.first = {}    # process: (RSS, descriptors), once warm
        self.idle = {}     # process: descriptors, before the first client
        self.most = collections.Counter()  # RSS that grew, by process
        self.printed = 0

    # ---- members

    def join(self, group):
        return self.start(group).is_ready()

    def start(self, group):
        self.joined += 1
        self.sums["joins"][group.name] += 1
        return Member(group, wordy=self.joined % 8 == 0)

    def fault(self, kind, text):
        self.sums["faults"][kind] += 1
        self.show("FAULT %s: %s" % (kind, text))

    def event(self, group, text):
        self.events.append((now(), group.name, text))

    def ended(self, member, killed=False):
        """Waits for one that leaves, and judges how it ended."""
        done = member.ended_within(HANG)
        self.event(member.group, "%d gone" % member.pid)
        if not done:
            self.fault("hang", "pid %d, during %s" % (member.pid, self.during))
            member.send(signal.SIGKILL)
            member.ended_within(HANG)
        if isinstance(member, Worker):
            os.close(member.pidfd)
            return
        said = member.said()
        status = member.process.returncode
        if status != -signal.SIGTERM and not killed:
            self.fault("status", "%d, during %s: %s" % (status, self.during,
                                                        said[-500:]))
        for line in said.splitlines():
            self.heard(line)
        member.errors.close()

    def heard(self, line):
        left = re.match(r".*left: .*?(\w+)(?: \w+)? lost \(([^)]*)\)", line)
        if left:
            self.sums["modes"][left[2]] += 1
        left = re.match(r".*left: .*?([1-9]\d*) \w+ lost", line)
        if left:
            self.sums["said"]["lost"] += int(left[1])
            self.show("a member says: " + line)
        elif line.startswith("rpnc: ") and "TLS handshake" not in line:
            self.sums["said"][re.sub(r"\d+", "N", line)[:100]] += 1

    # ---- rounds

    def round_leave(self, group, kill=False):
        if not isinstance(group, Workers):
            group.come.append(self.join(group))
        old, = group.leavers(1)
        self.tell_to_leave([old])
        killed = kill and self.kill(old)
        self.ended(old, killed)
        self.sums["leaves"][group.name] += 1

    def tell_to_leave(self, old):
        self.during = "leave of %s's %s" % (
            old[0].group.name, " and ".join(str(m.pid) for m in old))
        for member in old:
            self.event(member.group, "%d SIGTERM" % member.pid)
            member.send(signal.SIGTERM)

    def kill(self, old):
        if old.ended_within(random.uniform(0, KILL_WITHIN)):
            return False
        self.during += ", killed half-way"
        self.event(old.group, "%d SIGKILL" % old.pid)
        sent = now()
        old.send(signal.SIGKILL)
        old.ended_within(HANG)
        self.kills.append(Kill(old.group.name, old.pid, sent, now()))
        self.sums["kills"][old.group.name] += 1
        return True

    def round_kill(self, group):
        self.round_leave(group, kill=True)

    def round_two(self, group):
        new = []
        if not isinstance(group, Workers):
            new = [self.start(group) for _ in range(2)]
        old = group.leavers(2)
        self.tell_to_leave(old)
        group.come += [member.is_ready() for member in new]
        for member in old:
            self.ended(member)
            self.sums["leaves"][group.name] += 1

    def round_stop(self, group):
        stopped = group.bystander()
        self.event(group, "%d SIGSTOP" % stopped.pid)
        stopped.send(signal.SIGSTOP)
        until = time.monotonic() + STOPPED_FOR
        try:
            self.round_leave(group)
            threading.Event().wait(max(0, until - time.monotonic()))
        finally:
            self.event(group, "%d SIGCONT" % stopped.pid)
            stopped.send(signal.SIGCONT)
        self.sums["stops"][group.name] += 1
        if isinstance(stopped, Worker):
            os.close(stopped.pidfd)

    def round(self):
        group = next(self.turns)
        if not group.has_leavers():
            threading.Event().wait(0.01)
            return
        kind = random.choices(
            (self.round_leave, self.round_two, self.round_kill,
             self.round_stop), (75, 12, 8, 5))[0]
        began = time.monotonic()
        kind(group)
        if isinstance(group, Workers) and not group.whole():
            self.fault("workers", "they are not replaced after " + self.during)
        took = time.monotonic() - began
        if took > SLOW_ROUND:
            self.show("%.1f s for a %s" % (took, self.during))
            self.sums["slow rounds"][group.name] += 1
        self.during = "no round"
        self.rounds += 1
        self.sums["rounds"]["all"] += 1

    # ---- clients

    def start_clients(self):
        self.clients = subprocess.Popen(
            ["./clients", *["-4"] * (not os.path.exists("/proc/net/if_inet6")),
             *[g.lane() for g in self.groups]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.whole = False

    def read(self):
        for line in self.clients.stdout:
            word, *rest = line.decode().split()
            if word == "sum":
                self.seen[rest[0]] = int(rest[1])
                self.seen["slow " + rest[0]] = int(rest[2])
            elif word == "lost":
                self.losses.append(Loss(
                    rest[0], rest[1], int(rest[2]), int(rest[3]),
                    " ".join(rest[4:]), int(rest[9]), self.during))
            elif word == "end":
                self.whole = True

    def connections(self):
        return sum(self.seen[g.name] for g in self.groups)

    def judge(self):
        """Losses that are known so far are excused, or not."""
        while self.losses:
            loss = self.losses.popleft()
            excused = any(is_excused(loss, kill) for kill in self.kills)
            self.sums["excused" if excused else "lost"][
                "%s %s" % (loss.group, loss.kind)] += 1
            text = "%s %s, %s after %.3f s, during %s: %s; %s" % (
                "excused" if excused else "LOST", loss.group, loss.kind,
                (loss.ended - loss.began) / 1e9, loss.during, loss.text,
                self.beside(loss))
            os.write(int(os.environ["LOSSES"]), (text + "\n").encode())
            if not excused:
                self.show(text)
                self.save()

    def beside(self, loss):
        """What the driver did then, in seconds before the loss was seen."""
        return ", ".join("%s %.3f" % (text, (loss.ended - t) / 1e9)
                         for t, group, text in self.events
                         if group == loss.group and
                         loss.began - 10**9 < t < loss.ended + 10**8)

    # ---- what grows

    def sizes(self):
        for group in self.groups:
            for name, pid in group.lasting():
                rss = int(status_of(pid)["VmRSS"].split()[0])
                yield name, rss, len(os.listdir("/proc/%d/fd" % pid))

    def is_warm(self):
        return time.monotonic() - self.began > self.options.warm

    def look_at_sizes(self):
        """(RSS of the largest and what grew most, descriptors), in words."""
        sizes = list(self.sizes())
        for name, rss, _ in sizes:
            if self.is_warm():
                self.first.setdefault(name, rss)
                self.most[name] = rss - self.first[name]
        grown = self.most.most_common(1)[0] if self.most else ("", 0)
        words = "RSS <= %d KiB (%+d: %s), fds <= %d" % (
            max(s[1] for s in sizes), grown[1], grown[0] or "not warm",
            max(s[2] for s in sizes))
        for name, rss, fds in sizes:
            if name == "manager":
                words += ", manager %d KiB, %d" % (rss, fds)
        return words

    def judge_sizes(self):
        for name, grown in self.most.items():
            if grown > self.options.rss:
                self.fault("RSS", "%s has %d KiB more" % (name, grown))

    def judge_descriptors(self):
        def more():
            return {n: fds for n, _, fds in self.sizes()
                    if fds > self.idle.get(n, fds)}
        if not eventually(lambda: not more(), 5):
            for name, fds in more().items():
                self.fault("descriptors", "%s has %d, at first %d" % (
                    name, fds, self.idle[name]))

    def look_at_slots(self):
        words = []
        for g in self.groups:
            eventually(lambda g=g: g.registry.slots()[0] == g.slots_wanted(),
                       5)
            alive, used = g.registry.slots()
            if alive != g.slots_wanted():
                self.fault("slots", "%s: %d alive, %d members" % (
                    g.name, alive, g.slots_wanted()))
            words.append("%d/%d" % (alive, used))
        return "slots " + " ".join(words)

    # ---- what is said

    def show(self, text):
        print("%s %6.0f s  %s" % (time.strftime("%H:%M:%S"),
                                  time.monotonic() - self.began, text),
              flush=True)

    def words_of(self, name):
        total = self.state.total(name)
        if not total:
            return "%s 0" % name
        return "%s %d (%s)" % (name, total, ", ".join(
            "%s %d" % x for x in self.sums[name].most_common(8)))

    def save(self):
        """Puts what the clients have counted into the sums, and writes them."""
        for g in self.groups:
            for name, key in ("connections", g.name), ("slow",
                                                       "slow " + g.name):
                new = self.seen[key]
                self.sums[name][g.name] += new - self.counted[key]
                self.counted[key] = new
        self.state.write(time.monotonic() - self.began)

    counted = collections.Counter()

    def reap(self):
        """Orphans come to process 1: the spawners of members that left."""
        known = [m.pid for g in self.groups for m in g.stay + g.come]
        for pid in children(os.getpid()):
            if pid not in known and pid != self.clients.pid and \
                    status_of(pid)["State"][0] == "Z":
                os.waitpid(pid, 0)

    def line(self):
        self.reap()
        self.save()
        total = self.state.total
        rate = self.connections() / (time.monotonic() - self.began)
        self.show("connections %d (%.0f/s), leaves %d, joins %d, kills %d, "
                  "stops %d, %s, excused %d; %s; %s" % (
                      total("connections"), rate, total("leaves"),
                      total("joins"), total("kills"), total("stops"),
                      self.words_of("lost"), total("excused"),
                      self.look_at_sizes(), self.look_at_slots()))

    # ---- the run

    def privileges(self):
        """Nobody here has any; so it is said, once."""
        pids = [os.getpid()] + [m.pid for g in self.groups for m in g.stay]
        for pid in pids:
            s = status_of(pid)
            caps = {s[c] for c in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
            if caps != {"0" * 16} or s["NoNewPrivs"] != "1":
                raise SystemExit("pid %d has privileges: %s" % (pid, caps))
        self.show("uid %d, no capability, no new privileges: all %d members" %
                  (os.getuid(), len(pids) - 1))

    def program(self):
        with open("rpnc", "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()[:12]
        if self.state.runs:
            self.show("goes on from %d connections, %d leaves%s" % (
                self.state.total("connections"), self.state.total("leaves"),
                "" if digest in self.state.programs else
                " of another rpnc"))
        if digest not in self.state.programs:
            self.state.programs.append(digest)
        self.state.runs += 1

    def is_over(self):
        o, total = self.options, self.state.total
        return (self.stopping or
                time.monotonic() - self.began > o.seconds or
                self.rounds >= o.rounds or
                total("lost") - self.before["lost"] > GIVE_UP or
                self.clients.poll() is not None or
                (total("connections") >= o.connections and
                 total("leaves") >= o.leaves))

    def roll(self):
        """Rounds, as connections come; a line now and then."""
        last = time.monotonic()
        while not self.is_over():
            if self.connections() >= (self.rounds + 1) * self.options.each:
                self.round()
            else:
                threading.Event().wait(0.02)
            self.judge()
            if self.is_warm() and not self.first:
                self.look_at_sizes()
            if time.monotonic() - last >= self.options.every:
                last = time.monotonic()
                self.line()

    def end_clients(self):
        self.clients.stdin.close()
        try:
            self.clients.wait(HANG)
        except subprocess.TimeoutExpired:
            self.clients.kill()
        self.reader.join(HANG)
        if self.clients.wait() or not self.whole:
            self.fault("clients", "status %d" % self.clients.returncode)
        self.judge()

    def end_members(self):
        self.during = "end"
        members = [m for g in self.groups for m in g.stay + g.come]
        for m in members:
            m.send(signal.SIGTERM)
        for m in members:
            self.ended(m)
        left = [f for _, _, files in os.walk(os.environ["XDG_RUNTIME_DIR"])
                for f in files]
        if left:
            self.fault("files", "left: " + " ".join(left))

    def verdict(self):
        self.save()
        for name in "connections", "leaves", "kills", "stops", "slow", \
                "slow rounds", "modes", "said", "excused", "faults", "lost":
            self.show(self.words_of(name))
        lost = self.state.total("lost")
        bad = [n for n in ("lost", "faults") if
               self.state.total(n) > self.before[n]]
        self.show("%d lost of %d connections in %d leaves, %.0f s" % (
            lost, self.state.total("connections"), self.state.total("leaves"),
            self.state.seconds + time.monotonic() - self.began))
        return 1 if bad else 0

    def on_signal(self, *_):
        self.stopping += 1
        if self.stopping > 1:
            os._exit(130)

    def run(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            signal.signal(number, self.on_signal)
        self.program()
        for g in self.groups:
            g.begin(self)
        self.privileges()
        self.idle = {name: fds for name, _, fds in self.sizes()}
        self.start_clients()
        self.roll()
        self.line()
        self.judge_sizes()
        self.end_clients()
        self.judge_descriptors()
        self.end_members()
        return self.verdict()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1e9,
                        help="of this run, at most")
    parser.add_argument("--rounds", type=int, default=10**9,
                        help="of this run, at most")
    parser.add_argument("--connections", type=int, default=10**7,
                        help="the goal, in all runs")
    parser.add_argument("--leaves", type=int, default=10**4,
                        help="the goal, in all runs")
    parser.add_argument("--each", type=int, default=1000,
                        help="connections for each round")
    parser.add_argument("--only", nargs="+", help="these groups")
    parser.add_argument("--members", type=int, default=5, help="of a group")
    parser.add_argument("--leave", default="auto", help="rpnc's --leave")
    parser.add_argument("--every", type=float, default=10,
                        help="seconds between two lines")
    parser.add_argument("--rss", type=int, default=1024,
                        help="KiB that a process may grow")
    parser.add_argument("--warm", type=float, default=30,
                        help="seconds until its size is taken")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ["XDG_RUNTIME_DIR"] = os.path.abspath(tempfile.mkdtemp(dir="."))
    Member.environment = dict(os.environ)
    if os.path.exists("leak.so"):
        Member.environment["LD_PRELOAD"] = os.path.abspath("leak.so")
    sys.exit(Soak(arguments()).run())
