#!/usr/bin/env python3
"""adopt.py [OPTION...] ADDRESS...: a plain server, to be taken over.

ADDRESS is 127.0.0.1, ::, a path..., each with the port of the first one. It
prints that, and then waits in accept(2): each client gets "old" and its end.
"""
import argparse
import ctypes
import os
import socket
import threading

arguments = argparse.ArgumentParser()
for name in ("udp", "dual", "mptcp", "reuseport", "protected", "capable", "elsewhere",
             "thread"):
    arguments.add_argument("--" + name, action="store_true")
arguments.add_argument("--user", type=int)  # which protects it, too
arguments.add_argument("--number", type=int)  # of its descriptor
arguments.add_argument("address", nargs="+")
options = arguments.parse_args()

PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 4, 8
port = 0
prctl = ctypes.CDLL(None).prctl


def make(address):
    local = "/" in address
    family = (socket.AF_UNIX if local else socket.AF_INET6 if ":" in address
              else socket.AF_INET)
    kind = socket.SOCK_DGRAM if options.udp else socket.SOCK_STREAM
    s = socket.socket(family, kind,
                      262 if options.mptcp else 0)  # IPPROTO_MPTCP
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY,
                     not options.dual)
    if not options.udp:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.reuseport:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(address if local else (address, port))
    if not options.udp:
        s.listen(100)
    return s


sockets = []
for one in options.address:
    sockets.append(make(one))
    if "/" not in one:
        port = 0 if options.elsewhere else sockets[-1].getsockname()[1]
if options.number:
    os.dup2(sockets[0].fileno(), options.number)
    sockets[0].close()
    sockets[0] = socket.socket(fileno=options.number)
if options.user is not None:
    prctl(PR_SET_KEEPCAPS, options.capable, 0, 0, 0)
    os.setgroups([])
    os.setuid(options.user)
if options.protected or options.capable:
    prctl(PR_SET_DUMPABLE, options.capable, 0, 0, 0)
if options.thread:
    threading.Thread(target=lambda: sockets[0].accept(), daemon=True).start()
print(port, flush=True)
while options.udp or options.thread:
    threading.Event().wait()
while True:
    client, _ = sockets[0].accept()
    try:
        client.sendall(b"old\n")
    except ConnectionError:
        pass
    client.close()
