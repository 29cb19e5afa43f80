"""The groups of a soak: their members, and their slots in the registry."""
import fcntl
import os
import random
import struct

from processes import Worker, age, children, eventually

SLOTS, SLOT_SIZE, FIRST_LOCK = 256, 384, 64  # see registry.c
F_OFD_GETLK = 36
PERMANENT = 2       # members of each group that live as long as the run


class Registry:
    """The file of a group. It is opened for reading: that notifies nobody."""

    def __init__(self, path):
        self.file = open(path, "rb", buffering=0)
        self.first = os.fstat(self.file.fileno()).st_size - SLOTS * SLOT_SIZE

    def is_alive(self, index):
        """Whether a process has the lock of a slot."""
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, FIRST_LOCK + index,
                           1, 0)
        lock = fcntl.fcntl(self.file, F_OFD_GETLK, lock)
        return struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK

    def slots(self):
        """How many are alive, and how many have ever been used."""
        used = [i for i in range(SLOTS) if os.pread(
            self.file.fileno(), 4, self.first + i * SLOT_SIZE) != bytes(4)]
        return sum(self.is_alive(i) for i in used), len(used)


class Group:
    def __init__(self, name, kind, port, clients, command, program=()):
        self.name, self.port, self.clients = name, port, clients
        self.kind, self.command, self.program = kind, command, program
        self.udp = kind == "udp"
        self.permanent, self.temporary = [], []

    def target(self):
        return "%s:%s:%d:%d" % (self.name, self.kind, self.port, self.clients)

    def begin(self, soak):
        self.permanent = [soak.join(self) for _ in range(PERMANENT)]
        self.temporary = [soak.join(self) for _ in
                          range(soak.options.members - PERMANENT)]
        self.registry = Registry(self.path())
        # before the first client, a child is a spawner: it starts programs
        self.spawners = [children(m.pid) for m in self.permanent]

    def path(self):
        """Of the registry's file."""
        end = "%s-%d" % ("udp" if self.udp else "tcp", self.port)
        for where, _, files in os.walk(os.environ["XDG_RUNTIME_DIR"]):
            for name in files:
                if name.endswith(end):
                    return os.path.join(where, name)
        raise SystemExit("no registry of port %d" % self.port)

    def slots_wanted(self):
        return len(self.permanent) + len(self.temporary)

    def lasting(self):
        """(name, pid) of each process that lives as long as the run."""
        for i, m in enumerate(self.permanent):
            yield "%s %d" % (self.name, i), m.pid
            for pid in self.spawners[i]:
                yield "%s %d's spawner" % (self.name, i), pid

    def bystander(self):
        """One that does not leave in this round."""
        return random.choice(self.permanent)

    def has_leavers(self):
        return True

    def leavers(self, count):
        """The oldest of those that come and go."""
        leavers = self.temporary[:count]
        del self.temporary[:count]
        return leavers


class Workers(Group):
    """
    The workers of one echo. The manager stays, and so does its first worker.
    The others leave once they are old enough: the manager replaces a worker
    with a delay if it has lived for less than 10 s.
    """

    COUNT = 7
    LEAST_AGE = 10.5  # seconds; see worker.c

    def begin(self, soak):
        self.permanent = [soak.join(self)]
        self.registry = Registry(self.path())
        self.is_complete()
        self.original = self.workers()
        self.first = self.original[0]

    def workers(self):
        return children(self.permanent[0].pid)

    def slots_wanted(self):
        return self.COUNT + 1

    def is_complete(self):
        return eventually(lambda: self.registry.slots()[0] ==
                          self.slots_wanted())

    def lasting(self):
        yield "manager", self.permanent[0].pid
        yield "manager's first worker", self.first

    def bystander(self):
        return Worker(self, self.first)

    def old_enough(self):
        return [p for p in self.workers()[1:]
                if p in self.original or age(p) > self.LEAST_AGE]

    def has_leavers(self):
        return len(self.old_enough()) >= 2

    def leavers(self, count):
        return [Worker(self, p) for p in self.old_enough()[:count]]


def groups(leave, only):
    echo = ["echo", "-r", *leave]
    every = [
        Group("tcp", "tcp+", 9001, 128, [*echo, "--identify"]),
        Group("udp", "udp", 9002, 64, [*echo, "-u"]),
        Group("tls", "tls+", 9003, 8, [*echo, "--tls", "--identify"]),
        Group("command", "tcp", 9004, 4, ["listen", "-r", *leave,
               "--allow", "127.0.0.0/8", "--allow", "::1"],
              ["--", "cat"]),
        Workers("workers", "tcp+", 9005, 96,
                ["echo", "-w", str(Workers.COUNT), *leave, "--identify"]),
    ]
    return [g for g in every if not only or g.name in only]
