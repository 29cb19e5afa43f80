"""Namespaces: what the bench does to ports, connections and files is seen by
nobody else, each row starts with no connections left over, and nothing is left
when the bench is killed.
"""
import ctypes
import os
import select
import subprocess

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_CHILD_SUBREAPER = 36
LISTENING = {"tcp": "0A", "udp": "07"}
libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """What the bench cannot do without."""


def done(result, what):
    if result:
        raise Unavailable(f"no {what} could be had: " +
                          os.strerror(ctypes.get_errno()))


def be_root():
    """Go into a mount namespace, as root of a user namespace if it takes
    that."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    user, group = os.geteuid(), os.getegid()
    if user:
        done(libc.unshare(CLONE_NEWUSER), "user namespace")
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"0 {user} 1")
        write("/proc/self/gid_map", f"0 {group} 1")
    done(libc.unshare(CLONE_NEWNS), "mount namespace")
    done(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None),
         "mounts of our own")


def scratch(paths):
    """A directory in memory, which goes with the last process of this mount
    namespace. It hides what was there: none of these paths may be below."""
    for place in ("/mnt", "/media", "/srv", "/tmp"):
        if os.path.isdir(place) and not any(
                os.path.realpath(p).startswith(place + "/") for p in paths):
            done(libc.mount(b"bench", place.encode(), b"tmpfs", 0,
                            b"mode=700"), "directory in memory")
            return place
    raise Unavailable("no directory in memory could be had")


def network(congestion):
    """Go into a new network namespace with this congestion control."""
    done(libc.unshare(CLONE_NEWNET), "network namespace")
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
