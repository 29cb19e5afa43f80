"""group.py RPNC winners|half-open|oldest: does probe --group say the truth?

What the kernel does is tried out, with sockets of its own, and compared.
Wants a network of its own, with lo up; half-open also CAP_NET_RAW.
"""
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import time

_, RPNC, WHAT = sys.argv
V4 = socket.AF_INET, {"any": "0.0.0.0", "one": "127.0.0.1"}, "192.0.2.1"
V6 = socket.AF_INET6, {"any": "::", "one": "::1"}, "2001:db8::1"
FAMILIES = [V4] + [V6] * os.path.exists("/proc/net/if_inet6")
EXPLAINED = b"  half-open: connections whose handshake is not complete"
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


def shown(kind, port):
    said = subprocess.run(
        [RPNC, "probe", "--group", "--json", str(port)] + ["-u"] * (kind == UDP),
        check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in said.splitlines()]


def table(port):
    return subprocess.run([RPNC, "probe", "--group", str(port)], check=True,
                          stdout=subprocess.PIPE).stdout.splitlines()


def listen(kind, family, address, port=0, device=False):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    s.bind((address, port))
    if kind == TCP:
        s.listen()
    s.setblocking(False)
    return s


def place(address, port, device):
    host = "[%s]" % address if ":" in address else address
    return "%s:%d%s" % (host, port, " (by lo only)" if device else "")


def winner(kind, family, to, port, sockets):
    """Whose a client is that asks there."""
    c = socket.socket(family, kind)
    c.connect((to, port))
    if kind == UDP:
        c.send(b"x")
    won = []
    for at, s in sockets.items():
        try:
            if kind == TCP:
                s.accept()[0].close()
            else:
                s.recv(9)
            won.append(at)
        except BlockingIOError:
            pass
    c.close()
    (one,) = won
    return one


def compare(kind, family, names, order, port):
    """Sockets that listen in this order: who wins, and who is SHADOWED?"""
    sockets = {place(names[n], port, d): listen(kind, family, names[n], port, d)
               for n, d in order}
    said = {}
    for g in shown(kind, port):
        lost = {loss["to"] for loss in g["loses"]}
        said[place(g["address"], port, g["interface"])] = lost
        assert bool(lost) == ("SHADOWED" in g["flags"]), g
    assert said.keys() == sockets.keys(), said
    for to in [names["one"]] + ["127.0.0.2"] * (family == socket.AF_INET):
        takers = {place(names[n], port, d) for n, d in order
                  if n == "any" or names[n] == to}
        best = winner(kind, family, to, port, sockets)
        for at in takers - {best}:
            assert best in said[at], (order, to, best, at, said)
        assert not said[best] & takers, (order, to, best, said)
    for s in sockets.values():
        s.close()


def winners():
    port = 9000
    every = list(itertools.product(("any", "one"), (False, True)))
    for kind in TCP, UDP:
        for family, names, _ in FAMILIES:
            for order in list(itertools.permutations(every))[::3]:
                port += 1
                compare(kind, family, names, order, port)
    return port - 9000


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(family, source, to, ports):
    """A whole packet, whose answer nobody will answer."""
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, to)
    tcp = struct.pack("!HHIIBBHHH", *ports, 1000, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = ends + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    head = (struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0, 64, 6, 0)
            if family == socket.AF_INET else
            struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64))
    return head + ends + tcp


def half_open():
    for family, names, nobody in FAMILIES:
        to = names["one"]
        net = nobody + ("/128" if ":" in nobody else "/32")
        subprocess.run(["ip", "route", "add", net, "dev", "lo"], check=True)
        s = listen(TCP, family, to)
        port = s.getsockname()[1]

        def counts():
            (member,) = shown(TCP, port)[0]["members"]
            return member["half_open"], member["queue"]
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        assert counts() == (0, 0), counts()
        assert EXPLAINED not in table(port)
        for i in range(7):
            raw.sendto(syn(family, nobody, to, (4000 + i, port)), (to, 0))
        assert counts() == (7, 0), counts()
        assert EXPLAINED in table(port)
        clients = [socket.create_connection((to, port)) for _ in range(3)]
        assert counts() == (7, 3), counts()
        for c in clients:
            c.close()
    return len(FAMILIES)


class Client:
    def __init__(self, family, to, port):
        self.before = time.monotonic()
        self.socket = socket.socket(family)
        self.socket.connect((to, port))
        self.after = time.monotonic()

    def check(self, port):
        """It has waited since it was there, to some milliseconds."""
        first = time.monotonic()
        (group,) = shown(TCP, port)
        last = time.monotonic()
        age = group["oldest_wait"]
        low, high = first - self.after - 0.02, last - self.before + 0.02
        assert low <= age <= high, (low, age, high)
        assert group["members"][0]["oldest_wait"] == age
        return age


def oldest():
    for family, names, _ in FAMILIES:
        s = listen(TCP, family, names["one"])
        port = s.getsockname()[1]
        first = Client(family, names["one"], port)
        second = Client(family, names["one"], port)
        first.check(port)
        first.check(port)
        s.accept()
        second.check(port)  # which has waited for all of that
        s.accept()
        (group,) = shown(TCP, port)
        assert group["oldest_wait"] is None
    # a datagram does not say when it came
    s = listen(UDP, socket.AF_INET, "127.0.0.1")
    socket.socket(socket.AF_INET, UDP).sendto(b"x", s.getsockname())
    (group,) = shown(UDP, s.getsockname()[1])
    assert group["members"][0]["queue"] > 0
    assert group["oldest_wait"] is None
    assert group["members"][0]["oldest_wait"] is None
    return len(FAMILIES)


print({"winners": winners, "half-open": half_open, "oldest": oldest}[WHAT]())
