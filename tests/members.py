#!/usr/bin/env python3
"""A foreign server for tests: processes that share a port, and count.

members.py [--sockets 1,1,1] [--do hold] [--address 127.0.0.1] [...]

Writes its port to stdout once all listen. On SIGTERM each process writes how
many connections it accepted to the file count.PID, then all end. A client that
resets its connection gets a line in the file resets.
"""
import argparse
import ctypes
import os
import selectors
import signal
import socket
import struct
import sys

import ebpf

REUSEPORT_CBPF = 51

parser = argparse.ArgumentParser()
parser.add_argument("--sockets", default="1", help="of each process")
parser.add_argument("--do", default="hold", help="with a connection: "
                    "hold (until the client ends), close, half (close "
                    "every other one), echo, wrong "
                    "(echo), say (who), some (echo, or reset)")
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--dual", action="store_true", help=":: with IPv4 too")
parser.add_argument("--shared", action="store_true",
                    help="one socket, inherited by all")
parser.add_argument("--leaky", action="store_true",
                    help="each holds those of all before it, and uses its own")
parser.add_argument("--steer", action="store_true",
                    help="a program gives all to the first socket")
parser.add_argument("--ebpf", action="store_true",
                    help="the same, an eBPF one; its port is 0 if that is "
                    "refused")
parser.add_argument("--udp", action="store_true")
options = parser.parse_args()
counts = [int(n) for n in options.sockets.split(",")]


def attach(s):
    """BPF_RET | BPF_K, 0"""
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    s.setsockopt(socket.SOL_SOCKET, REUSEPORT_CBPF,
                 struct.pack("HL", 1, ctypes.addressof(code)))


def make(port):
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if options.udp else socket.SOCK_STREAM
    s = socket.socket(family, kind)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY,
                     not options.dual)
    if options.udp and not port:
        s.bind((options.address, port))  # KERNEL: late, or it is not free
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    else:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((options.address, port))
    if not options.udp:
        s.listen(4096)
    s.setblocking(False)
    return s


class Worker:
    def __init__(self, listeners):
        self.accepted = 0
        self.select = selectors.DefaultSelector()
        for s in listeners:
            self.select.register(s, selectors.EVENT_READ, True)

    def accept(self, listener):
        try:
            c, _ = listener.accept()
        except BlockingIOError:
            return
        self.accepted += 1
        if options.do == "close" or (options.do == "half" and
                                     self.accepted % 2):
            c.close()
            return
        if options.do == "bye":
            c.recv(1)
            c.sendall(b"I am %d.\n" % os.getpid())
            c.close()
            return
        if options.do == "say":
            c.sendall(b"I am %d.\n" % os.getpid())
        if options.do == "greet":
            c.sendall(b"rpnc/1 name=\x1b[31m%s host=\xff pid=99999999999 "
                      b"worker=-1\n" % (b"x" * 100))
        if options.do == "hosts":
            who = [(b"A", b"www1"), (b"A", b"www2"), (b"B", b"www1"),
                   (b"A", b"www2")][self.accepted % 4]
            c.sendall(b"rpnc/1 name=%s host=%s pid=7 worker=0\n" % who)
        if options.do == "crowd":
            c.sendall(b"rpnc/1 name=N%d host=h pid=%d worker=0\n" %
                      (self.accepted, self.accepted))
        self.select.register(c, selectors.EVENT_READ, False)

    def read(self, c):
        try:
            data = c.recv(65536)
        except ConnectionError:
            data = b""
            self.reset()
        # an end that a reset has overtaken shows no other way
        if not data and c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.reset()
        if data and options.do == "some" and self.accepted % 2:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            data = b""
        if not data:
            self.select.unregister(c)
            c.close()
            return
        if options.do == "wrong":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if options.do in ("echo", "wrong", "some"):
            c.setblocking(True)
            c.sendall(data)

    def reset(self):
        with open("resets", "a", encoding="ascii") as out:
            out.write("%d\n" % os.getpid())

    def datagram(self, s):
        data, peer = s.recvfrom(65536)
        self.accepted += 1
        if options.do == "say":
            data = b"I am %d.\n" % os.getpid()
        s.sendto(data, peer)

    def end(self, *_):
        with open("count.%d" % os.getpid(), "w", encoding="ascii") as out:
            out.write("%d\n" % self.accepted)
        os._exit(0)

    def run(self):
        while True:
            for key, _ in self.select.select():
                if options.udp:
                    self.datagram(key.fileobj)
                elif key.data:
                    self.accept(key.fileobj)
                else:
                    self.read(key.fileobj)


first = make(0)
port = first.getsockname()[1]
sets = []
for n in counts:
    if options.shared:
        sets.append([first])
    else:
        sets.append([first if not sets and i == 0 else make(port)
                     for i in range(n)])
if options.steer:
    attach(first)
if options.ebpf:
    try:
        ebpf.attach(first)
    except OSError as error:
        print(0, error, flush=True)
        sys.exit()
children = []
closed, close = os.pipe()
for own in sets:
    pid = os.fork()
    if not pid:
        spare = sets[len(children) + 1:] if options.leaky else sets
        for others in spare:
            for s in others:
                if s not in own:
                    s.close()
        worker = Worker(own)
        signal.signal(signal.SIGTERM, worker.end)
        os.close(close)
        worker.run()
    children.append(pid)
if not options.shared:
    for own in sets:
        for s in own:
            s.close()


def end(*_):
    for child in children:
        os.kill(child, signal.SIGCONT)
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
os.close(close)
os.read(closed, 1)  # its end: all children have closed what is not theirs
print(port, *children, flush=True)
sys.stdout.close()
while True:
    signal.pause()
