"""The groups of a soak: their members, and their slots in the registry."""
import fcntl
import os
import random
import struct

from processes import Worker, age, children, eventually

SLOTS, SLOT_SIZE, FIRST_LOCK = 256, 384, 64  # see registry.c
F_OFD_GETLK = 36
STAY = 2            # members of each group, for the whole run


class Registry:
    """The file of a group; it is opened for reading, which wakes nobody."""

    def __init__(self, path):
        self.file = open(path, "rb", buffering=0)
        self.first = os.fstat(self.file.fileno()).st_size - SLOTS * SLOT_SIZE

    def alive(self, index):
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, FIRST_LOCK + index,
                           1, 0)
        lock = fcntl.fcntl(self.file, F_OFD_GETLK, lock)
        return struct.unpack("hhqqi4x", lock)[0] != fcntl.F_UNLCK

    def slots(self):
        """How many are alive, and how many have ever been used."""
        used = [i for i in range(SLOTS) if os.pread(
            self.file.fileno(), 4, self.first + i * SLOT_SIZE) != bytes(4)]
        return sum(self.alive(i) for i in used), len(used)


class Group:
    def __init__(self, name, kind, port, clients, command, program=()):
        self.name, self.port, self.clients = name, port, clients
        self.kind, self.command, self.program = kind, command, program
        self.udp = kind == "udp"
        self.stay, self.come = [], []

    def lane(self):
        return "%s:%s:%d:%d" % (self.name, self.kind, self.port, self.clients)

    def begin(self, soak):
        self.stay = [soak.join(self) for _ in range(STAY)]
        self.come = [soak.join(self) for _ in range(soak.options.members -
                                                    STAY)]
        self.registry = Registry(self.path())
        # before a client has come, a child is the one that starts programs
        self.spawners = [children(m.pid) for m in self.stay]

    def path(self):
        """The registry's file; its name ends so."""
        end = "%s-%d" % ("udp" if self.udp else "tcp", self.port)
        for where, _, files in os.walk(os.environ["XDG_RUNTIME_DIR"]):
            for name in files:
                if name.endswith(end):
                    return os.path.join(where, name)
        raise SystemExit("no registry of port %d" % self.port)

    def slots_wanted(self):
        return len(self.stay) + len(self.come)

    def lasting(self):
        """The processes that live as long as the run, by what they are."""
        for i, m in enumerate(self.stay):
            yield "%s %d" % (self.name, i), m.pid
            for pid in self.spawners[i]:
                yield "%s %d's spawner" % (self.name, i), pid

    def bystander(self):
        return random.choice(self.stay)

    def has_leavers(self):
        return True

    def leavers(self, count):
        leavers, self.come = self.come[:count], self.come[count:]
        return leavers


class Workers(Group):
    """
    One echo: the manager stays, and so does its first worker. The others leave
    if the manager will replace them at once: a worker that lived for less than
    10 s is replaced with a delay.
    """

    COUNT = 7
    GROWN_UP = 10.5  # seconds; see worker.c

    def begin(self, soak):
        self.stay = [soak.join(self)]
        self.registry = Registry(self.path())
        self.whole()
        self.original = self.workers()
        self.first = self.original[0]

    def workers(self):
        return children(self.stay[0].pid)

    def slots_wanted(self):
        return self.COUNT + 1

    def whole(self):
        return eventually(lambda: self.registry.slots()[0] ==
                          self.slots_wanted())

    def lasting(self):
        yield "manager", self.stay[0].pid
        yield "manager's first worker", self.first

    def bystander(self):
        return Worker(self, self.first)

    def grown_up(self):
        return [p for p in self.workers()[1:]
                if p in self.original or age(p) > self.GROWN_UP]

    def has_leavers(self):
        return len(self.grown_up()) >= 2

    def leavers(self, count):
        return [Worker(self, p) for p in self.grown_up()[:count]]


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
