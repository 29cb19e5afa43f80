#!/usr/bin/env python3
"""Foreign servers for tests in which one process accepts for others, or forks.

handing.py MODE [--reply]: echoes; with --reply it says first who it is.
  prefork	two workers with blocking accept(2) on one inherited socket;
		SIGHUP starts two others and ends these, as a reload does
  late		as prefork, but each worker watches the socket by its own epoll,
		and the new ones come late: clients wait already. One of them
		serves one client, then the other one two, then both go on
  fork		a child for each connection, which closes the listener
  inherit	a child for each connection, which keeps the listener
  keep		as fork, but the parent keeps the connection as well
  rights	two workers that get connections by SCM_RIGHTS

Writes its port to stdout once it listens. Each process that serves appends its
pid to the file served, once for each connection.
"""
import os
import select
import signal
import socket
import sys

mode = sys.argv[1]
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1024)
children = []
kept = []
leave = os.pipe()  # old workers accept no more, and stay until they read it


def serve(c):
    with open("served", "a", encoding="ascii") as out:
        out.write("%d\n" % os.getpid())
    try:
        if "--reply" in sys.argv:
            c.sendall(b"I am %d.\n" % os.getpid())
        while True:
            data = c.recv(65536)
            if not data:
                break
            c.sendall(data)
    except ConnectionError:
        pass
    c.close()


def child(run):
    pid = os.fork()
    if pid:
        children.append(pid)
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run()
    os._exit(0)


def worker(most=sys.maxsize):
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while not stopping and most > 0:
        listener.settimeout(0.05)
        try:
            c, _ = listener.accept()
        except TimeoutError:
            continue
        c.settimeout(None)
        serve(c)
        most -= 1
    if stopping and mode == "late":
        os.read(leave[0], 1)


def waiting():
    """How many clients are in the listener's queue: tcpi_unacked."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[24:28], sys.byteorder)


def late(most, before, after):
    """A worker with two turns, and a byte to read for each: in the first it
    serves so many, then the other one has both of its turns."""
    def run():
        watcher = select.epoll()
        watcher.register(listener, select.EPOLLIN)
        os.read(before, 1)
        worker(most)
        os.write(after, b"12")
        os.read(before, 1)
        worker()
    return run


def reload_late(*_):
    old = children[:]
    children.clear()
    for pid in old:
        os.kill(pid, signal.SIGTERM)
    while waiting() < 4:
        select.select([], [], [], 0.01)
    first, second = os.pipe(), os.pipe()
    child(late(1, first[0], second[1]))
    child(late(2, second[0], first[1]))
    os.write(first[1], b"1")
    os.write(leave[1], b"12")


def take(end):
    def run():
        while True:
            _, fds, _, _ = socket.recv_fds(end, 1, 1)
            if not fds:
                return
            serve(socket.socket(fileno=fds[0]))
    return run


def end(*_):
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def reload(*_):
    old = children[:]
    children.clear()
    for _ in range(2):
        child(worker)
    for pid in old:
        os.kill(pid, signal.SIGTERM)


signal.signal(signal.SIGTERM, end)
if mode in ("prefork", "late"):
    signal.signal(signal.SIGHUP, reload if mode == "prefork" else reload_late)
    for _ in range(2):
        child(worker)
else:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
ends = []
for _ in range(2 if mode == "rights" else 0):
    ours, theirs = socket.socketpair()
    ends.append(ours)

    def run(own=theirs):
        listener.close()
        take(own)()
    child(run)
    theirs.close()
print(listener.getsockname()[1], flush=True)
while mode in ("prefork", "late"):
    signal.pause()
while True:
    connection, _ = listener.accept()
    if mode == "rights":
        socket.send_fds(ends[0], [b"1"], [connection.fileno()])
        ends.append(ends.pop(0))
        connection.close()
        continue

    def one(c=connection):
        if mode != "inherit":
            listener.close()
        serve(c)
    child(one)
    children.clear()  # each ends with its client
    if mode == "keep":
        kept.append(connection)
    connection = None
