#!/usr/bin/env python3
"""Long connections to members of rpnc echo -r --identify --steer least.

least.py REGISTRY PORT WHAT [ARG...]

The registry says when a program was attached (struct shared, balanced), so that
each next client comes after it, and no time is waited for.

    singly N         N clients, one after the other: each member has as many
    settled          only waits until all agree which program is attached
    newcomer NAME    who has just joined gets all, until it has as many as others
    stuck NAME       who accepts nothing gets one client, or two that come together
    foreign N NAME   N clients: rpnc's members have as many, that one has some
    spread N BURST   N clients in bursts: prints the busiest's, to the mean
"""
import collections
import os
import select
import socket
import ssl
import struct
import sys
import time

# of struct shared, see _Static_assert in registry.c
FINER_MODE, BALANCED = 956, 964
FIRST_SLOT, SLOT, SLOTS = 34816, 384, 256
PROGRAMS, FINER = 168, 288
HANG = 20

path, port, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
registry = open(path, "rb", buffering=0)
clients = collections.defaultdict(list)


def number(offset, kind="I"):
    registry.seek(offset)
    return struct.unpack(kind, registry.read(struct.calcsize(kind)))[0]


def eventually(condition):
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "hangs"
        select.select([], [], [], 0.001)


def after_attaching(action):
    """Returns what action does, once a program was attached because of it."""
    before = number(BALANCED)
    result = action()
    eventually(lambda: number(BALANCED) != before)
    return result


def settled():
    """Whether all members agree which program is attached."""
    seen = set()
    for i in range(SLOTS):
        at = FIRST_SLOT + i * SLOT
        if number(at) == 1 and number(at + 4) < 4:      # a member, not away
            seen.add((number(at + PROGRAMS, "Q"), number(at + FINER)))
    return len(seen) == 1 and min(min(seen)) > 1


def dial(patience=HANG):
    s = socket.create_connection(("127.0.0.1", port), HANG)
    if os.environ.get("TLS"):
        context = ssl._create_unverified_context()
        s = context.wrap_socket(s)
    s.settimeout(patience)
    try:
        words = dict(w.split("=") for w in s.recv(200).decode().split()[1:])
    except TimeoutError:
        clients[None].append(s)
        return None
    name = words["name"]
    if words["worker"] != "0":
        name += "/" + words["worker"]
    clients[name].append(s)
    return name


def counts():
    return {name: len(all) for name, all in clients.items()}


def singly(n):
    for _ in range(n):
        after_attaching(dial)
    assert len(set(counts().values())) == 1, counts()


def newcomer(name):
    for _ in range(6):
        after_attaching(dial)
    # the test starts it now
    print(flush=True)
    sys.stdin.readline()
    eventually(settled)
    most = max(counts().values())
    # until then it alone has the fewest, so the program stays
    for _ in range(most):
        assert dial() == name, counts()


def stuck(name):
    while True:
        before = number(BALANCED)
        if not dial(0.3):
            break
    # a second at most, if nobody accepts
    eventually(lambda: number(BALANCED) != before)
    for _ in range(20):
        assert dial(), counts()
    assert name not in counts() and len(clients[None]) <= 2, counts()


def foreign(n, name):
    for _ in range(n):
        before = number(BALANCED)
        # what a foreign member accepts changes nothing
        if dial() != name:
            eventually(lambda: number(BALANCED) != before)
    own = [count for who, count in counts().items() if who != name]
    assert max(own) - min(own) <= 1, counts()
    # one of three, by chance: none of 40 is once in 10,000,000
    assert name in counts(), counts()


def spread(n, burst):
    # the pause is how clients arrive, not what the test waits for
    for _ in range(0, n, burst):
        all = [socket.create_connection(("127.0.0.1", port), HANG)
               for _ in range(burst)]
        for s in all:
            clients[s.recv(200)].append(s)
        select.select([], [], [], 0.1)
    members = int(sys.argv[6])
    print(max(counts().values()) * members / n)



# the hash has no program to wait for
if number(FINER_MODE):
    eventually(settled)
arguments = [int(a) if a.isdigit() else a for a in sys.argv[4:6]]
{"settled": lambda: None, "singly": singly, "newcomer": newcomer, "stuck": stuck, "foreign": foreign,
 "spread": spread}[what](*arguments)
