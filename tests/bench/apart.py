"""Network namespaces: what the bench does to ports and connections is seen by
nobody else, and each row starts with none left over.
"""
import ctypes
import os
import select
import subprocess
import sys

CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
LISTENING = {"tcp": "0A", "udp": "07"}
libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """What the bench cannot do without."""


def be_root():
    """Become root of a user namespace, unless it is not needed."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.geteuid() == 0:
        return
    if "RPNC_BENCH_USER" in os.environ:
        raise Unavailable("no user namespace could be had")
    os.environ["RPNC_BENCH_USER"] = "1"
    os.execvp("unshare", ["unshare", "-Ur", sys.executable] + sys.argv)


def network(congestion):
    """Go into a new network namespace with this congestion control."""
    if libc.unshare(CLONE_NEWNET):
        raise Unavailable("no network namespace could be had: " +
                          os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if congestion != congestion_control():
        write("/proc/sys/net/ipv4/tcp_congestion_control", congestion)
    if congestion != congestion_control():
        raise Unavailable(f"no congestion control {congestion} could be had")


def congestion_control():
    return read("/proc/sys/net/ipv4/tcp_congestion_control").strip()


def congestion_available(name):
    return name in read(
        "/proc/sys/net/ipv4/tcp_available_congestion_control").split()


def read(path):
    with open(path, encoding="ascii", errors="replace") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def pause(seconds=0.001):
    select.select([], [], [], seconds)


def listeners(protocol, port):
    """How many there are. They are listed before all connections. A Unix
    socket has its name before it listens (__SO_ACCEPTCON)."""
    if protocol == "unix":
        return sum(line.split()[3] == "00010000" and line.endswith(port)
                   for line in read("/proc/net/unix").splitlines()[1:])
    fd = os.open("/proc/net/" + protocol, os.O_RDONLY)
    try:
        lines = os.read(fd, 4096).decode().splitlines()[1:]
    finally:
        os.close(fd)
    wanted = f":{port:04X}"
    return sum(line.split()[1].endswith(wanted) and
               line.split()[3] == LISTENING[protocol]
               for line in lines if len(line.split()) > 3)


def queued(port):
    """Bytes that wait on the UDP socket of this port."""
    for line in read("/proc/net/udp").splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}"):
            return int(words[4].split(":")[1], 16)
    return 0


def datagrams():
    """How many UDP datagrams programs have read in this namespace, how many
    were sent, and how many were lost for want of room."""
    names, values = [line.split()[1:] for line in
                     read("/proc/net/snmp").splitlines()
                     if line.startswith("Udp:")]
    found = dict(zip(names, map(int, values)))
    return [found[n] for n in ("InDatagrams", "OutDatagrams", "RcvbufErrors")]


def loopback_bytes():
    """What has come over the loopback interface of this namespace."""
    for line in read("/proc/net/dev").splitlines():
        if line.strip().startswith("lo:"):
            return int(line.split(":")[1].split()[0])
    return 0


def stolen():
    """Time that the host took from this machine, and all time."""
    times = [int(t) for t in read("/proc/stat").split("\n")[0].split()[1:9]]
    return times[7], sum(times)
