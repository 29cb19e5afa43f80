"""A name server on 127.0.0.1:53 for names.bats.

names.py NAME=ADDRESS[,ADDRESS...] ... [--drop A|AAAA] [--after N]

Answers A and AAAA for the names with what is given, and NXDOMAIN for others.
--drop: of that type nothing is ever answered. --after N: until N questions
have come, none of the names exists. Writes a byte to stdout when it is ready.
"""
import ipaddress
import socket
import struct
import sys

names, drop, after = {}, None, 0
words = iter(sys.argv[1:])
for word in words:
    if word == "--drop":
        drop = {"A": 1, "AAAA": 28}[next(words)]
    elif word == "--after":
        after = int(next(words))
    else:
        name, addresses = word.split("=")
        names[name] = [ipaddress.ip_address(a) for a in addresses.split(",")]


def question(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    kind, = struct.unpack("!H", data[at + 1:at + 3])
    return ".".join(labels), kind, data[12:at + 5]


def reply(data, known):
    name, kind, asked = question(data)
    if kind == drop:
        return None
    found = names.get(name) if known else None
    records = [a.packed for a in found or []
               if kind == (1 if a.version == 4 else 28)]
    flags = 0x8180 if found else 0x8183
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(r)) + r
                    for r in records)
    return data[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + \
        asked + body


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
sys.stdout.write("\n")
sys.stdout.flush()
count = 0
while True:
    data, peer = s.recvfrom(4096)
    count += 1
    answer = reply(data, count > after)
    if answer:
        s.sendto(answer, peer)
