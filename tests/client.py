"""What the Python clients of several test files share.

Each waits 50 s at most. A script begins with "from client import *".
"""
import errno
import fcntl
import glob
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
from socket import SHUT_WR, SOL_SOCKET, SOCK_DGRAM

socket.setdefaulttimeout(50)


def raise_limit():
    """As many descriptors as this process may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def dial(port, host="127.0.0.1"):
    return socket.create_connection((host, int(port)))


def udp(port, host="127.0.0.1"):
    s = socket.socket(socket.AF_INET, SOCK_DGRAM)
    s.connect((host, int(port)))
    return s


def local(path, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.connect(path)
    return s


def refused(*where):
    try:
        dial(*where)
    except ConnectionRefusedError:
        return True


def exact(s, n):
    """The next n bytes of a socket or a file."""
    data, read = b"", s.recv if hasattr(s, "recv") else s.read
    while len(data) < n:
        more = read(min(n - len(data), 1 << 20))
        assert more, "end after %d of %d bytes: %r" % (
            len(data), n, data[-80:])
        data += more
    return data


def whole(s):
    """All that comes until the end."""
    return b"".join(iter(lambda: s.recv(1 << 20), b""))


def line(s):
    text = b""
    while not text.endswith(b"\n"):
        text += exact(s, 1)
    return text.decode()


def whose(s):
    """The pid in the line by which a server says who it is."""
    return int(re.search(r" pid=(\d+) ", line(s))[1])


def echoed(s, data=b"hello\n"):
    s.sendall(data)
    assert exact(s, len(data)) == data


def quiet(s, seconds=0.2):
    """Whether nothing comes for so long."""
    return not select.select([s], [], [], seconds)[0]


def reset(s):
    s.setsockopt(SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        select.select([], [], [], 0.01)


def events(path="out.0"):
    return map(json.loads, open(path, encoding="utf-8"))


def parent(pid):
    """0 if it has ended."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def children(pid):
    """The list in /proc/PID/task misses one if another one ends meanwhile."""
    found = [int(p) for p in os.listdir("/proc") if p.isdigit()]
    return sorted(p for p in found if parent(p) == pid)


def listening(port, name="tcp"):
    """The inodes of the sockets that listen on a port."""
    with open("/proc/net/" + name, encoding="ascii") as f:
        rows = [r.split() for r in f.readlines()[1:]]
    return {r[9] for r in rows if r[3] == "0A" and
            int(r[1].split(":")[1], 16) == int(port)}


def links(pid):
    """What the descriptors of a process are, as /proc names it."""
    found = []
    for fd in glob.glob("/proc/%d/fd/*" % pid):
        try:
            found.append(os.readlink(fd))
        except OSError:
            pass  # it was closed meanwhile
    return found


def inodes(pid):
    """The inodes of the sockets of a process."""
    return {m[1] for m in map(re.compile(r"socket:\[(\d+)\]").match, links(pid))
            if m}


def state(pid):
    """The fields of /proc/PID/stat from the third one on: proc(5)."""
    with open("/proc/%d/stat" % pid, encoding="utf-8",
              errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()


def cpu(pid):
    """Seconds of a processor."""
    fields = state(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, name="VmRSS"):
    """Bytes, by a row of /proc/PID/status."""
    with open("/proc/%d/status" % pid, encoding="utf-8",
              errors="replace") as f:
        return int(re.search(name + r":\s+(\d+)", f.read())[1]) * 1024
