#!/usr/bin/env python3
"""Members come and go under load: what is lost, and what grows.

soak.py [--seconds N] [--rounds N] [--leave MODE] [...]

tests/soak/run starts it, in namespaces of its own and without privileges.

How it works: there are five groups, each with clients of clients.c: TCP, TLS,
UDP, a program for each client, and the workers of one echo. Two members of a
group stay for the whole run; the others come and go, in rounds. A round is of
one of these kinds, and in one group:

  leave    one joins, then the oldest is ended by SIGTERM
  two      two are ended at once, while two join
  kill     the same as leave, and 0 to 40 ms later SIGKILL
  stop     a member that stays is stopped for 0.2 s, while another one leaves
  queue    the leaver is stopped before SIGTERM, so that clients wait for it

In the group of workers a worker is ended, and its manager replaces it. A round
begins after each --each connections, so the losses can be compared with the
number of leaves and with that of connections.

A connection that a client loses counts as lost, unless SIGKILL explains it. A
loss is excused only if all of this is so:

  - a member of the same group was killed in this round
  - it began before that process was gone, and was open when SIGKILL was sent
  - TCP: it was reset or cut short (never refused, a timeout, wrong bytes), at
    most 5 s after the process was gone; and the server's greeting, if it had
    come, is of the killed process
  - UDP: it was not answered, and was sent at most 2 s before SIGKILL

The status is 1 if anything else is lost; if a member ends with another status,
hangs, or says that it lost something; or if something grows: the descriptors
of the members that stay, their RSS by more than --rss KiB, or the living slots
of a registry.
"""
import argparse
import collections
import hashlib
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from groups import Workers, groups
from growth import Growth
from processes import (HANG, Member, Worker, children, eventually, now,
                       status_of, waiting)
from sums import SUMS, Kill, Loss, State, is_excused

KILL_WITHIN = 0.04  # seconds after SIGTERM; most leaves take less
STOPPED_FOR = 0.2
QUEUED = 4          # clients in the queue of a stopped member
KINDS = {"leave": 70, "two": 12, "kill": 8, "stop": 5, "queue": 5}  # of 100
SLOW_ROUND = 2      # seconds
GIVE_UP = 1000      # losses: then the run ends


class Soak:
    def __init__(self, options):
        self.options = options
        self.groups = groups(["--leave", options.leave], options.only)
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
        self.counted = collections.Counter()  # of these, in the sums
        self.joined = self.rounds = 0

    # ---- members

    def join(self, group):
        return self.start(group).until_ready()

    def start(self, group):
        self.joined += 1
        self.sums["joins"][group.name] += 1
        return Member(group, verbose=self.joined % 8 == 0)

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
            self.count_line(member.group.name, line)
        member.errors.close()

    def count_line(self, name, line):
        """Counts by which mode a verbose member left, and its other lines."""
        left = re.match(r".*left: .* lost \(([^)]*)\)", line)
        if left and self.during != "end":  # the last member is alone
            self.sums["modes"]["%s %s" % (name, left[1])] += 1
        if re.match(r".*left: .*[1-9]\d* \w+ lost", line):
            self.fault("said", "%s: %s" % (name, line))
        elif line.startswith("rpnc: ") and "it is replaced" not in line:
            self.sums["said"][re.sub(r"\d+", "N", line)[:100]] += 1

    # ---- rounds

    def round_leave(self, group, kill=False):
        if not isinstance(group, Workers):
            group.temporary.append(self.join(group))
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
        self.sums["windows"]["microseconds"] += (now() - sent) // 1000
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
        group.temporary += [member.until_ready() for member in new]
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

    def round_queue(self, group):
        if not isinstance(group, Workers):
            group.temporary.append(self.join(group))
        old, = group.leavers(1)
        self.event(group, "%d SIGSTOP" % old.pid)
        old.send(signal.SIGSTOP)
        eventually(lambda: waiting(group.udp, group.port) >= QUEUED, 1)
        self.tell_to_leave([old])
        old.send(signal.SIGCONT)
        self.ended(old)
        self.sums["leaves"][group.name] += 1
        self.sums["stops"][group.name] += 1

    def round(self):
        group = next(self.turns)
        if not group.has_leavers():
            threading.Event().wait(0.01)
            return
        kinds = self.options.kinds
        kind = random.choices(kinds, [KINDS[k] for k in kinds])[0]
        began = time.monotonic()
        getattr(self, "round_" + kind)(group)
        if isinstance(group, Workers) and not group.is_complete():
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
             *[g.target() for g in self.groups]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.clients_finished = False

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
                self.clients_finished = True

    def connections(self):
        return sum(self.seen[g.name] for g in self.groups)

    def judge(self):
        """Counts the losses that have been read as excused or lost."""
        while self.losses:
            loss = self.losses.popleft()
            excused = any(is_excused(loss, kill) for kill in self.kills)
            self.sums["excused" if excused else "lost"][
                "%s %s" % (loss.group, loss.kind)] += 1
            text = "%s %s, %s after %.3f s, during %s: %s; %s" % (
                "excused" if excused else "LOST", loss.group, loss.kind,
                (loss.ended - loss.began) / 1e9, loss.during, loss.text,
                self.events_around(loss))
            os.write(int(os.environ["LOSSES"]), (text + "\n").encode())
            if not excused:
                self.show(text)
                self.save()

    def events_around(self, loss):
        """What the driver did then, and how many seconds before the loss."""
        return ", ".join("%s %.3f" % (text, (loss.ended - t) / 1e9)
                         for t, group, text in self.events
                         if group == loss.group and
                         loss.began - 10**9 < t < loss.ended + 10**8)

    # ---- output

    def show(self, text):
        print("%s %6.0f s  %s" % (time.strftime("%H:%M:%S"),
                                  time.monotonic() - self.began, text),
              flush=True)

    def total_text(self, name):
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

    def reap(self):
        """Waits for the spawners of members that left: this is process 1, so
        they have become its children."""
        known = [m.pid for g in self.groups for m in g.permanent + g.temporary]
        for pid in children(os.getpid()):
            if pid not in known and pid != self.clients.pid and \
                    status_of(pid)["State"][0] == "Z":
                os.waitpid(pid, 0)

    def show_sums(self):
        self.reap()
        self.save()
        total = self.state.total
        rate = self.connections() / (time.monotonic() - self.began)
        self.show("connections %d (%.0f/s), leaves %d, joins %d, kills %d, "
                  "stops %d, %s, excused %d; %s; %s" % (
                      total("connections"), rate, total("leaves"),
                      total("joins"), total("kills"), total("stops"),
                      self.total_text("lost"), total("excused"),
                      self.growth.text(), self.growth.slots()))

    # ---- the run

    def check_privileges(self):
        """No process here has any: a line shows that it was checked."""
        pids = [os.getpid()] + [m.pid for g in self.groups for m in g.permanent]
        for pid in pids:
            s = status_of(pid)
            caps = {s[c] for c in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
            if caps != {"0" * 16} or s["NoNewPrivs"] != "1":
                raise SystemExit("pid %d has privileges: %s" % (pid, caps))
        self.show("uid %d, no capability, no new privileges: all %d members" %
                  (os.getuid(), len(pids) - 1))

    def continue_sums(self):
        """Adds this run, and this rpnc, to the sums of former runs."""
        with open("rpnc", "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()[:12]
        if self.state.runs:
            self.show("goes on from %d connections, %d leaves%s" % (
                self.state.total("connections"), self.state.total("leaves"),
                "" if digest in self.state.programs else
                " of another rpnc"))
        if self.has_reached():
            self.show("the goal is reached; without the file \"state\" the "
                      "next run begins anew")
            sys.exit(0)
        if digest not in self.state.programs:
            self.state.programs.append(digest)
        self.state.runs += 1

    def has_reached(self):
        return (self.state.total("connections") >= self.options.connections and
                self.state.total("leaves") >= self.options.leaves)

    def is_over(self):
        return (self.stopping or self.has_reached() or
                time.monotonic() - self.began > self.options.seconds or
                self.rounds >= self.options.rounds or
                self.state.total("lost") > self.before["lost"] + GIVE_UP or
                self.clients.poll() is not None)

    def run_rounds(self):
        """Runs a round after each --each connections, and shows the sums."""
        last = time.monotonic()
        while not self.is_over():
            if self.connections() >= (self.rounds + 1) * self.options.each:
                self.round()
            else:
                threading.Event().wait(0.02)
            self.judge()
            if self.growth.is_warm() and not self.growth.first:
                self.growth.measure()
            if time.monotonic() - last >= self.options.every:
                last = time.monotonic()
                self.show_sums()

    def end_clients(self):
        self.clients.stdin.close()
        try:
            self.clients.wait(HANG)
        except subprocess.TimeoutExpired:
            self.clients.kill()
        self.reader.join(HANG)
        if self.clients.wait() or not self.clients_finished:
            self.fault("clients", "status %d" % self.clients.returncode)
        self.judge()

    def end_members(self):
        self.during = "end"
        members = [m for g in self.groups for m in g.permanent + g.temporary]
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
            self.show(self.total_text(name))
        self.show("from SIGKILL to the end of its process: %.3f s in all" %
                  (self.state.total("windows") / 1e6))
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
        self.continue_sums()
        for g in self.groups:
            g.begin(self)
        self.check_privileges()
        self.growth = Growth(self)
        self.start_clients()
        self.run_rounds()
        self.show_sums()
        self.growth.judge_memory()
        self.end_clients()
        self.growth.judge_descriptors()
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
    parser.add_argument("--kinds", nargs="+", default=list(KINDS),
                        choices=KINDS, help="of rounds")
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
