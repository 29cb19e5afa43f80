#!/usr/bin/env python3
"""Drives members that serve datagrams, and come and leave under load.

leave_udp.py roll [--rounds N] [...] -- COMMAND...	the oldest leaves
leave_udp.py queued COMMAND...				what waits in a queue

Each writes one JSON object: see tests/leave_udp.bats. A sender waits for all
of a window to be answered, by listen on standard output, before it sends the
next: a full buffer is not what loses here.
"""
import argparse
import collections
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HANG = 30
FLOWS, EACH = 24, 4  # datagrams in flight: far from what a buffer holds


class Member:
    all = []

    def __init__(self, command, host, port, out):
        ready, w = os.pipe()
        # a file, since -v says more than a pipe holds
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["rpnc", *command, "-v", "--ready-fd", str(w), *host, str(port)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=self.errors,
            pass_fds=(w,), start_new_session=True)
        os.close(w)
        Member.all.append(self.process)
        with os.fdopen(ready) as f:
            if not f.read():
                self.process.wait()
                sys.exit(self.said())

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def end(self, whole=False):
        if whole:
            os.killpg(self.process.pid, signal.SIGTERM)
        else:
            self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Its "left:" lines; its errors are shown."""
        self.process.wait(HANG)
        said = self.said()
        if self.process.returncode != -signal.SIGTERM:
            sys.exit("status %d: %s" % (self.process.returncode, said))
        for line in said.splitlines():
            if line.startswith("rpnc: "):
                print(line, file=sys.stderr)
        return [x for x in said.splitlines() if "left: " in x]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", 0))
        return s.getsockname()[1]


def flow(host, port):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.connect((host, port))  # so a reply from another address is none
    s.settimeout(3)
    return s


class Load(threading.Thread):
    """Windows of datagrams over many flows, some of them new each time."""

    def __init__(self, hosts, port, pipe):
        super().__init__(daemon=True)
        self.hosts, self.port, self.pipe = hosts, port, pipe
        self.sent = self.back = 0
        self.faults = collections.Counter()
        self.flows = [self.new(i) for i in range(FLOWS)]
        self.stopped = False
        self.news = threading.Condition()
        self.rest = b""

    def new(self, i):
        return flow(self.hosts[i % len(self.hosts)], self.port)

    def send(self):
        wanted = set()
        for i in range(FLOWS * EACH):
            text = b"%d" % self.sent
            self.sent += 1
            wanted.add(text)
            try:
                self.flows[i % FLOWS].send(text + b"\n")
            except OSError as e:
                self.faults[repr(e)] += 1
        return wanted

    def printed(self, wanted):
        end = time.monotonic() + 3
        while wanted and select.select([self.pipe], [], [],
                                       max(0, end - time.monotonic()))[0]:
            *lines, self.rest = (self.rest +
                                 os.read(self.pipe, 65536)).split(b"\n")
            self.back += len(lines)
            wanted -= set(lines)
        return wanted

    def answered(self, wanted):
        for s in self.flows:
            try:
                for _ in range(EACH):
                    wanted.discard(s.recv(100)[:-1])
                    self.back += 1
            except OSError as e:
                self.faults[repr(e)] += 1
        return wanted

    def run(self):
        while not self.stopped:
            wanted = self.send()
            left = (self.printed if self.pipe else self.answered)(wanted)
            self.faults["lost"] += len(left)
            with self.news:
                self.news.notify()
            for i in random.sample(range(FLOWS), 4):
                self.flows[i].close()
                self.flows[i] = self.new(i)

    def reach(self, enough):
        with self.news:
            self.news.wait_for(lambda: self.back >= enough or +self.faults)


def roll(o):
    port, pipe, out = free_port(), None, subprocess.DEVNULL
    if o.command[0] == "listen":
        pipe, out = os.pipe()
    members = [Member(o.command, o.host, port, out) for _ in range(o.members)]
    load = Load(o.to, port, pipe)
    load.start()
    result = collections.Counter(said=0, served=0)
    modes = collections.Counter()
    for _ in range(o.rounds):
        for _ in range(o.leavers):
            members.append(Member(o.command, o.host, port, out))
        enough = load.back + 500
        load.reach(enough)
        old, members = members[:o.leavers], members[o.leavers:]
        for m in old:
            m.end(o.whole)
        for m in old:
            for line in m.ended():
                found = re.search(r"left: (?:served (\d+) that waited, )?.*?"
                                  r"(\w+)(?: datagrams?)? lost "
                                  r"\((\w+)\)$", line)
                result["served"] += int(found[1] or 0)
                result["said"] += 0 if found[2] == "nothing" else int(found[2])
                modes[found[3]] += 1
    load.stopped = True
    load.join()
    for m in members:
        m.end()
        m.ended()
    result.update(sent=load.sent, back=load.back, rounds=o.rounds)
    return {**result, "faults": +load.faults, "modes": modes}


def queued(o):
    """One of two members is stopped, with datagrams in its queue, and ends."""
    port, (pipe, out) = free_port(), os.pipe()
    stay = Member(o.command[:1] + ["-u", "-r"], o.host, port, out)
    go = Member(o.command, o.host, port, out)
    go.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, go.process.pid, os.WSTOPPED)
    flows = [flow(o.to[0], port) for _ in range(200)]
    for i, s in enumerate(flows):
        s.send(b"%d\n" % i)
    go.end()
    go.process.send_signal(signal.SIGCONT)
    said = go.ended()
    stay.end()
    stay.ended()
    os.close(out)
    if o.command[0] == "echo":
        back = sum(len(select.select([s], [], [], 0)[0]) and
                   s.recv(99) == b"%d\n" % i for i, s in enumerate(flows))
    else:
        with os.fdopen(pipe, "rb") as f:
            back = len(set(f.read().splitlines()))
    return {"sent": len(flows), "back": back, "said": said}


parser = argparse.ArgumentParser()
kinds = parser.add_subparsers(required=True)
for name, run in ("roll", roll), ("queued", queued):
    kind = kinds.add_parser(name)
    kind.set_defaults(run=run)
    kind.add_argument("--rounds", type=int, default=20)
    kind.add_argument("--members", type=int, default=3)
    kind.add_argument("--leavers", type=int, default=1, help="at once")
    kind.add_argument("--host", nargs="*", default=["127.0.0.1"],
                      help="none: every address")
    kind.add_argument("--to", nargs="+", default=["127.0.0.1"])
    kind.add_argument("--whole", action="store_true", help="signal the group")
    kind.add_argument("command", nargs="+")
options = parser.parse_args()
try:
    print(json.dumps(options.run(options)))
finally:
    for process in Member.all:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
