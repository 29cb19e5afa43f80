#!/usr/bin/env python3
"""Asks members of rpnc echo --identify who they are, and counts.

ask.py PORT [--from ADDRESS...] [--ports FIRST COUNT STEP] [--times N] [--cpu N]

Connects N times from each address, and from each of those ports. Writes one
JSON object: how many each member had, and, of each source, who had it.
"""
import argparse
import collections
import json
import os
import socket
import struct
import sys

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--to", default="127.0.0.1")
parser.add_argument("--from", dest="sources", nargs="+", default=[""])
parser.add_argument("--ports", nargs=3, type=int, default=[0, 1, 1])
parser.add_argument("--times", type=int, default=1)
parser.add_argument("--cpu", type=int)
o = parser.parse_args()
if o.cpu is not None:
    os.sched_setaffinity(0, {o.cpu})


def ask(source, port):
    family = socket.AF_INET6 if ":" in o.to else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(20)
        if source or port:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((source, port))
        s.connect((o.to, o.port))
        data = b""
        while not data.endswith(b"\n"):
            data += s.recv(200) or sys.exit("no greeting")
        # the same port again at once: no TIME_WAIT
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    words = dict(w.split("=") for w in data.decode().split()[1:])
    return "%(name)s/%(worker)s" % words if words["worker"] != "0" \
        else words["name"]


counts = collections.Counter()
who = collections.defaultdict(set)
first, count, step = o.ports
for source in o.sources:
    for port in range(first, first + count * step, step):
        for _ in range(o.times):
            name = ask(source, port)
            counts[name] += 1
            who["%s %d" % (source, port)].add(name)
print(json.dumps({"counts": counts,
                  "who": {k: sorted(v) for k, v in who.items()}}))
