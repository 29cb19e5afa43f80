#!/usr/bin/env python3
"""Drives members that come and leave under load, and counts what is lost.

leave.py roll [--rounds N] [...] -- COMMAND...	members come, the oldest leave
leave.py queued MODE				what waits in a queue
leave.py halfopen MODE				what is half open (in a netns)

Each writes one JSON object: see tests/leave.bats. COMMAND is that of a member
but for its address; the first is given port 0, the others what that got.
"""
import argparse
import collections
import fcntl
import json
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HANG = 30
SETTLED = 5  # seconds until members have taken back a program, at most
CHANCE = 1e-7  # what the kernel deals out is more uneven this often
LEAVE_BYTE = 0
TOTAL_RETRANS = 100  # in struct tcp_info
F_OFD_GETLK = 36


class Member:
    all = []
    program = []  # "--" and a command that serves each connection
    stays = False

    def __init__(self, command, host, port):
        ready, w = os.pipe()
        # a file, since -v says more than a pipe holds
        self.errors = tempfile.TemporaryFile()
        os.set_inheritable(w, True)
        self.process = subprocess.Popen(
            ["rpnc", *command, "-v", "--ready-fd", str(w), *host, str(port),
             *self.program],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, pass_fds=(w,), start_new_session=True)
        os.close(w)
        Member.all.append(self.process)
        with os.fdopen(ready) as f:
            self.port = int(f.read().split()[0].rsplit(":", 1)[1])

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def kill(self, number, whole=False):
        if whole:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def ended(self, status=-signal.SIGTERM):
        """Its "left:" lines; its errors are shown."""
        self.process.wait(HANG)
        said = self.said()
        lines = said.splitlines()
        if self.process.returncode not in (status, -signal.SIGKILL):
            sys.exit("status %d: %s" % (self.process.returncode, said))
        for line in lines:
            if line.startswith("rpnc: "):
                print(line, file=sys.stderr)
        return [x for x in lines if x.startswith("left: ")]


def syn_resent(s):
    """Whether the SYN was sent again: someone dropped it, so it took a second."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from("I", info, TOTAL_RETRANS)[0] > 0


class Clients:
    """Closed loop: connect, send, half-close, read all, and again."""

    def __init__(self, hosts, port, count, echoes):
        self.hosts, self.port, self.echoes = hosts, port, echoes
        self.ok = self.resent = 0
        self.lost = []
        self.lock = threading.Lock()
        self.news = threading.Condition(self.lock)
        self.stopped = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.threads = [threading.Thread(target=self.run, args=(i,),
                                         daemon=True) for i in range(count)]
        for t in self.threads:
            t.start()

    def one(self, host, data):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as s:
            s.settimeout(8)
            s.connect((host, self.port))
            resent = syn_resent(s)
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            back = b"".join(iter(lambda: s.recv(4096), b""))
        if back != (data if self.echoes else b""):
            raise OSError("not what was sent")
        return resent

    def run(self, number):
        host = self.hosts[number % len(self.hosts)]
        n = 0
        while not self.stopped.is_set():
            self.go.wait()
            began = time.monotonic()
            n += 1
            try:
                resent = self.one(host, b"%d %d\n" % (number, n))
            except OSError as e:
                with self.news:
                    self.lost.append((began, repr(e)))
                    self.news.notify()
                continue
            with self.news:
                self.ok += 1
                self.news.notify()
                self.resent += resent

    def reach(self, least):
        with self.news:
            self.news.wait_for(lambda: self.ok >= least or self.lost)

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join()


def uneven(host, port):
    """The members' counts if they are not chance, else nothing.

    A leaver's program chooses until a member that stays has taken it back, and
    its shares are not of the group that is left. So a group is uneven if it
    stays so.
    """
    end = time.monotonic() + SETTLED
    found = uneven_now(host, port)
    while found and time.monotonic() < end:
        found = uneven_now(host, port)
    return found


def uneven_now(host, port):
    p = subprocess.run(["rpnc", "probe", "--json", "-n", "1000",
                        "-c", "4", host, str(port)], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, timeout=HANG, check=False)
    if not p.stdout:
        sys.exit("probe: status %d" % p.returncode)
    report = json.loads(p.stdout.splitlines()[-1])
    fair = report["fairness"]
    if fair and (fair["verdict"] != "uneven" or fair["p"] > CHANCE):
        return []
    return [[m["count"] for m in report["members"]]]


def modes_of(lines, result):
    for line in lines:
        m = re.search(r" (\w+)(?: connections?)? lost \((\w+)", line)
        result["said"] += 0 if m[1] == "nothing" else int(m[1])
        result["modes"][m[2]] += 1


def roll(o):
    """Rounds of: some join, as many of the oldest leave."""
    result = {"said": 0, "modes": collections.Counter(), "times": [],
              "uneven": []}
    Member.program = ["--", o.program] if o.program else []
    members = [Member(o.command, o.host, 0)]
    port = members[0].port
    for i in range(1, o.members):
        odd = o.odd and i % 2
        members.append(Member(o.command, o.odd if odd else o.host, port))
        members[-1].stays = odd
    clients = Clients(o.to, port, o.clients,
                      o.program or o.command[0] == "echo")
    killed = []

    def join():
        for _ in range(o.leavers):
            members.append(Member(o.command, o.host, port))

    def leave():
        old = [m for m in members if not m.stays][:o.leavers]
        for m in old:
            m.kill(signal.SIGTERM, o.whole)
        began = time.monotonic()
        if o.kill:
            old[0].ends_within(random.uniform(0, 0.04))
            for m in old:
                m.kill(signal.SIGKILL)
            killed.append(time.monotonic())
        if o.late:
            join()
        for m in old:
            members.remove(m)
            modes_of(m.ended(), result)
            result["times"].append(time.monotonic() - began)

    for _ in range(o.rounds):
        if o.once:
            modes_of(Member([*o.command, "--once"], o.host, port).ended(0),
                     result)
            continue
        if not o.late:
            join()
        leave()
        if o.probe:
            clients.go.clear()
            result["uneven"] += uneven(o.probe, port)
            clients.go.set()
    clients.reach(o.least)
    clients.stop()
    if not o.program:
        result["uneven"] += uneven(o.to[0], port)
    for m in members:
        m.kill(signal.SIGTERM)
    for m in members:
        m.ended()
    # a connection in the killed member's queue is lost; no later one is
    lost = [e for t, e in clients.lost
            if not any(t < k + 0.1 and t > k - 8 for k in killed)]
    times = sorted(result.pop("times")) or [0]
    result.update(rounds=o.rounds, ok=clients.ok, lost=len(lost),
                  errors=collections.Counter(lost), resent=clients.resent,
                  ms=[round(1000 * t) for t in
                      (times[len(times) // 2], times[-1])])
    return result


def queued(o):
    """One of two members is stopped, with clients in its queue, and ends."""
    stay = Member(["echo", "-r"], ["127.0.0.1"], 0)
    go = Member(["echo", "-r", "--leave", o.mode], ["127.0.0.1"], stay.port)
    go.kill(signal.SIGSTOP)
    sockets = [socket.create_connection(("127.0.0.1", stay.port), HANG)
               for _ in range(400)]
    for s in sockets:
        s.sendall(b"before\n")
    go.kill(signal.SIGTERM)
    go.kill(signal.SIGCONT)
    lost = 0
    for s in sockets:
        try:
            lost += s.recv(100) != b"before\n"
        except ConnectionError:
            lost += 1
    for s in sockets:  # sessions go on, now that the gate was shut
        try:
            s.sendall(b"after\n")
            s.shutdown(socket.SHUT_WR)
            s.recv(100)
        except OSError:
            pass
        s.close()
    said = go.ended()
    stay.kill(signal.SIGTERM)
    stay.ended()
    return {"lost": lost, "said": said}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


class Wire:
    """The other end of a veth: hosts that the kernel knows nothing of."""

    HERE, THERE = "10.9.0.1", "10.9.0.2"
    FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16

    def __init__(self):
        for line in ("link add v0 type veth peer name v1",
                     "link set lo up", "link set v0 up", "link set v1 up",
                     "address add 10.9.0.1/24 dev v0",
                     "neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev v0"):
            subprocess.run(["ip", *line.split()], check=True)
        self.mac = self.address()
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                 socket.htons(0x0800))
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.raw.bind(("v1", 0x0800))

    @staticmethod
    def address():
        out = subprocess.run(["ip", "-j", "link", "show", "v0"], check=True,
                             stdout=subprocess.PIPE).stdout
        return bytes.fromhex(json.loads(out)[0]["address"].replace(":", ""))

    def send(self, sport, dport, seq, ack, flags, data=b""):
        a, b = socket.inet_aton(self.THERE), socket.inet_aton(self.HERE)
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4,
                          flags, 65535, 0, 0) + data
        tcp = tcp[:16] + struct.pack("!H", checksum(
            a + b + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000,
                         64, 6, 0, a, b)
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.raw.send(self.mac + bytes.fromhex("020000000009") + b"\x08\0" +
                      ip + tcp)

    def receive(self, until):
        """(their port, seq, ack, flags), or None when the time has come."""
        while select.select([self.raw], [], [],
                            max(0, until - time.monotonic()))[0]:
            packet, where = self.raw.recvfrom(2048)
            if where[2] == socket.PACKET_OUTGOING or packet[23] != 6:
                continue
            tcp = packet[14 + (packet[14] & 15) * 4:]
            _, port, seq, ack, _, flags = struct.unpack("!HHIIBB", tcp[:14])
            return port, seq, ack, flags
        return None


class Registry:
    def __init__(self, port):
        for where, _, files in os.walk(os.environ["XDG_RUNTIME_DIR"]):
            for f in files:
                if f.endswith("tcp-%d" % port):
                    self.file = open(os.path.join(where, f), "rb+")

    def leaving(self):
        """Whether a member has the leave lock."""
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, LEAVE_BYTE, 1, 0)
        lock = fcntl.fcntl(self.file, F_OFD_GETLK, lock)
        return struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK


def halfopen(o):
    """200 handshakes are half open over four members while one leaves."""
    wire = Wire()
    how = ["--once"] if o.mode == "once" else ["--leave", o.mode]
    members = [Member(["listen", "-r", *how], [wire.HERE], 0)]
    port = members[0].port
    for _ in range(3):
        members.append(Member(["listen", "-r"], [wire.HERE], port))
    flows = {10000 + i: None for i in range(200)}
    for p in flows:
        wire.send(p, port, 1000, 0, wire.SYN)
    end = time.monotonic() + HANG
    while None in flows.values():
        p, seq, _, flags = wire.receive(end)
        assert flags == wire.SYN | wire.ACK, flags
        flows[p] = seq
    registry = Registry(port)
    if o.mode == "once":  # its first client makes it leave; then a signal
        for p, seq in flows.items():
            wire.send(p, port, 1001, seq + 1, wire.ACK)
            wire.receive(time.monotonic() + 0.01)
            if registry.leaving():
                break
    members[0].kill(signal.SIGTERM)
    if o.mode in ("drain", "close"):
        members[0].process.wait(HANG)
    while o.mode in ("auto", "gate") and not registry.leaving():
        assert members[0].process.poll() is None
    for p, seq in flows.items():
        wire.send(p, port, 1001, seq + 1, wire.ACK)
        wire.send(p, port, 1001, seq + 1, wire.ACK | wire.PUSH, b"hello\n")
    reset, served = set(), set()
    end = time.monotonic() + 10
    while len(reset | served) < len(flows):
        got = wire.receive(min(end, time.monotonic() + 0.5))
        if not got:
            if time.monotonic() > end:
                break
            for p in flows.keys() - reset - served:  # a client's repeat
                wire.send(p, port, 1001, flows[p] + 1, wire.ACK | wire.PUSH,
                          b"hello\n")
            continue
        p, _, ack, flags = got
        if flags & wire.RST:
            reset.add(p)
        elif ack == 1007:
            served.add(p)
    for p in served:
        wire.send(p, port, 1007, flows[p] + 1, wire.ACK | wire.FIN)
    said = members[0].ended()
    for m in members[1:]:
        m.kill(signal.SIGTERM)
        m.ended()
    return {"reset": len(reset), "served": len(served), "said": said}


parser = argparse.ArgumentParser()
kinds = parser.add_subparsers(required=True)
kind = kinds.add_parser("roll")
kind.set_defaults(run=roll)
kind.add_argument("--rounds", type=int, default=10)
kind.add_argument("--members", type=int, default=4)
kind.add_argument("--clients", type=int, default=8)
kind.add_argument("--least", type=int, default=0, help="connections")
kind.add_argument("--leavers", type=int, default=1, help="at once")
kind.add_argument("--host", nargs="*", default=["127.0.0.1"],
                  help="none: every address")
kind.add_argument("--to", nargs="+", default=["127.0.0.1"])
kind.add_argument("--odd", nargs="*", help="every other of the first listens there")
kind.add_argument("--late", action="store_true", help="join during a leave")
kind.add_argument("--kill", action="store_true", help="half-way")
kind.add_argument("--whole", action="store_true", help="signal the group")
kind.add_argument("--once", action="store_true", help="one that ends itself")
kind.add_argument("--probe", help="after each round, this address")
kind.add_argument("--program", help="it serves, and sends back what it gets")
kind.add_argument("command", nargs="+")
for name, run in ("queued", queued), ("halfopen", halfopen):
    kind = kinds.add_parser(name)
    kind.set_defaults(run=run)
    kind.add_argument("mode")
options = parser.parse_args()
try:
    print(json.dumps(options.run(options)))
finally:
    for process in Member.all:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
