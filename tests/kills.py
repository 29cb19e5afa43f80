#!/usr/bin/env python3
"""Kills processes of a group at every step of what they do.

kills.py [--sample N [--seconds N] [--seed N]] [--operation NAME] [--victim NAME]
         [--case OPERATION/VICTIM/STEP] [--steps N] [--most N] [--list]

How it works: an operation (a member joins, leaves, ...) runs once under
ptrace(2) to count the system calls that it makes. Then it runs once for each of
them, in a new group with clients in a closed loop. Before the call is made, a
process is killed:

  actor    the one that makes the call
  other    a member that has nothing to do with the operation
  old      the member that is replaced, adopted or quarantined
  helper   a child of the actor: a worker, the spawner, a client's program
  stopped  no kill: the other member is stopped by SIGSTOP, until the end

Of calls in a row that only read, the first and the last are tried, and --most of
an operation's (600); for all but the actor, --steps (24). Whatever ends, these
must hold:

  - the clients that a killed process held (it had accepted them, or they were
    in its accept queue) are lost, and no other
  - all members that live get new clients; one of weight 0 gets none
  - the operation of an actor that lives ends as it should, in bounded time
  - the steering is the old or the new one, and its program is attached; without
    steering there is none
  - a new member takes the dead one's name and slot, is served, and leaves by
    steering without a loss
  - at the end no process, file or mount is left

A step may also be the name of a call: its first one, or the first one after the
call with which the operation really begins (since, below).

The last line is "N kills, N connections, N lost with a killed process, N lost
elsewhere, N findings". Each finding is a line, with the words to repeat it.
Status 1 if there is one.
"""
import argparse
import collections
import os
import random
import signal
import sys
import time

import kill_group
import tracing
from driver import Finding, check, children, tree
from kill_group import Group

FIRST = "rt_sigaction"      # the first call that main() makes
READS = set("""access brk clock_gettime fstat getdents64 geteuid getpid getrandom
getsockname getsockopt getuid lseek mmap mprotect munmap newfstatat pread64
prlimit64 read readlink readlinkat rt_sigaction rt_sigprocmask""".split())
WEIGHTS = "weights A=1,B=0,C=1"
RESCUE_WAITS = 2            # seconds
FRESH = 40                  # clients that must be served after a kill


class Round:
    """One run of an operation, with at most one kill."""

    def __init__(self, rpnc, operation, victim=None, step=None):
        self.operation, self.victim, self.step = operation, victim, step
        self.group = Group(rpnc, operation.udp)
        self.tracer = tracing.Tracer(self.on_call)
        self.calls = []
        self.struck = None          # the call before which it was
        self.begun = self.striking = False
        self.late = 0               # a slow leaver says that it lost so many
        self.actor = self.other = self.old = None
        self.members, self.killed = [], []
        self.stopped = self.foreigner = None
        self.dead = None            # a Process whose name is free now
        self.mounts = count_mounts()

    # --- the strike

    def on_call(self, pid, name):
        self.begun = self.begun or name == FIRST
        if not self.begun:
            return
        self.calls.append(name)
        if self.is_due(name) and not self.striking and not self.struck:
            self.striking = True
            self.strike(pid, name)
            self.striking = False

    def is_due(self, name):
        if isinstance(self.step, str):
            return name == self.step and (not self.operation.since or
                                          self.operation.since in self.calls)
        return self.step and len(self.calls) >= self.step

    def strike(self, caller, name):
        pids, p = self.chosen(caller)
        if not pids or not self.is_alone(pids[0], caller):
            return      # no helper yet: before the next call, perhaps
        self.struck = name
        if self.victim == "stopped":
            os.kill(p.pid, signal.SIGSTOP)
            while kill_group.state_of(p.pid) not in "TX":
                pass
            self.stopped = p
        else:
            self.kill(pids, p)
        self.group.new_epoch()
        self.tracer.quiet()

    def kill(self, pids, p):
        """Kills processes of p, whose clients are lost by that."""
        self.group.hold(pids, p.stamp)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            self.reap(pid)
        if pids == [p.pid]:
            self.dead = p
            self.killed.append(p)

    def is_alone(self, pid, caller):
        """Whether a worker has a listener of its own, and no other's."""
        if self.victim != "helper" or self.group.udp:
            return True
        shares = self.group.shares_listeners
        if shares(pid, [self.actor.pid]):
            return False        # its parent still makes workers
        siblings = set(tree(self.actor.pid)) - {pid}
        end = time.monotonic() + 1
        while shares(pid, siblings):
            if caller != self.actor.pid:
                return False    # it may be about to close them
            check(time.monotonic() < end, "workers share their listeners")
            self.group.wait_children()
        return True

    def reap(self, pid):
        while True:
            try:
                _, status = os.waitpid(pid, tracing.WALL)
            except ChildProcessError:   # its parent's, and not traced
                while kill_group.state_of(pid) not in "ZX":
                    pass
                return
            if not os.WIFSTOPPED(status):
                break
        self.group.took(pid, status)

    def chosen(self, caller):
        """The pids to kill, and the Process that they are of."""
        if self.victim == "actor":
            return [caller], self.actor
        if self.victim == "helper":
            below = [p for p in tree(self.actor.pid)
                     if p not in (self.actor.pid, caller)]
            return below[-1:], self.actor
        p = self.old if self.victim == "old" else self.other
        return [] if p.status is not None else [p.pid], p

    # --- what operations are made of

    def add(self, name, *words, **more):
        p = self.group.member(name, *words, **more)
        self.members.append(p)
        return p

    def three(self, *words):
        """Members A, B and C, with clients."""
        first = self.add("A", *words)
        self.other = first
        self.add("B")
        self.old = self.add("C")
        self.serve()
        return self.old

    def serve(self):
        self.group.running = True
        self.group.serve(10)

    def trace(self, name, *words):
        """Starts the actor as a member."""
        self.actor = None
        line, stamp = self.group.member_words(name, *words)
        self.actor = self.group.start(line, self.tracer)
        self.actor.name, self.actor.stamp = name, stamp
        self.members.append(self.actor)

    def attach(self, p):
        """Traces a running member and all its processes, which stand still."""
        self.actor = p
        self.begun = True
        self.tracer.attach(tree(p.pid))
        self.group.tracer = self.tracer

    def leave(self, p, *others):
        """Ends a member, which is traced, and others by SIGTERM. Clients are in
        its queue then, because it stands still before."""
        self.attach(p)
        self.group.until(lambda: len(self.group.clients) > kill_group.CLIENTS + 4,
                         "no client comes into its queue")
        for leaver in p, *others:
            os.kill(leaver.pid, signal.SIGTERM)
        self.tracer.release()
        for leaver in p, *others:
            self.until_left(leaver)

    def gone(self):
        return self.actor.status is not None

    def slot_of(self, p):
        return next(s for s in self.group.registry().slots()
                    if s.pid == p.pid)

    def is_quarantined(self):
        return any(e.get("reason") == "quarantined"
                   for e in self.actor.events())

    def is_killed(self):
        return self.actor in self.killed

    def until(self, done, what):
        self.group.until(lambda: self.is_killed() or done(), lambda:
                         "%s: %s" % (what, self.actor.said()[-300:]))

    def until_member(self):
        self.until(lambda: self.actor.ready is not None, "it is never ready")
        # there is nothing to replace or adopt if the old one was killed before
        if self.old in self.killed and not self.actor.ready:
            self.members.remove(self.actor)
            return
        check(self.is_killed() or self.actor.ready, "it did not start: %s" %
              self.actor.said()[-300:])
        if self.operation.serves:
            self.until(lambda: self.served(self.actor) >= 3,
                       "it gets no clients")
        else:
            self.group.serve(10)

    def served(self, p):
        return sum(self.group.served[x] for x in tree(p.pid))

    def until_left(self, p):
        self.group.until(lambda: p.status is not None, lambda:
                         "%s does not end: %s" % (p.name, p.said()[-300:]))
        if p in self.killed:
            return
        check(p.status == self.ends_with(p) or
              p.status == 1 and p in self.group.spawnerless, "%s: status %d: %s" %
              (p.name, p.status, p.said()[-300:]))
        if p.terminal or p.words[0] != "echo":
            return
        for e in p.events():
            if e["event"] != "drained" or not e["lost"]:
                continue
            # it has its own limit, 3 s, and ptrace(2) makes it slow
            check(p is self.actor and e["seconds"] > 2.5, "%s lost %d" %
                  (p.name, e["lost"]))
            self.late += e["lost"]

    def ends_with(self, p):
        if p.words[0] == "echo" and any("replaced" in (e["reason"] or "")
                                        for e in p.events()
                                        if e["event"] == "draining"):
            return 0
        return -signal.SIGTERM

    # --- what must hold afterwards

    def living(self):
        return [p for p in self.members if p.status is None]

    def awake(self):
        return [p for p in self.living() if p is not self.stopped]

    def pids(self):
        return {x for p in self.living() for x in tree(p.pid)}

    def is_mended(self):
        registry = self.group.registry()
        programs = registry.programs(self.pids())
        if registry.mode() == 0:
            return programs <= {0}
        return len(programs) == 1 and not programs & {0, 1} and \
            not min(programs) & 1

    def check_programs(self):
        """What the registry asks for is attached, and nothing else."""
        self.group.until(self.is_mended, lambda: "programs %s for mode %d" %
                         (self.group.registry().programs(self.pids()),
                          self.group.registry().mode()))

    def check_shares(self):
        g = self.group
        g.new_epoch()
        g.until(lambda: sum(g.answered.values()) >= FRESH and
                all(self.is_served(p) for p in self.awake()),
                lambda: "after it: %s" % {p.name: self.answered(p)
                                          for p in self.living()})
        if g.registry().mode() and self.operation.weighted and \
                any(p.name != "B" for p in self.awake()):
            g.until(self.spares_b, lambda: "B has weight 0, and clients: %s" %
                    {p.name: self.answered(p) for p in self.living()})

    def spares_b(self):
        """The others need a moment to see who is gone."""
        g = self.group
        g.new_epoch()
        g.until(lambda: sum(g.answered.values()) >= FRESH, "nobody serves")
        return not any(self.answered(p) for p in self.living()
                       if p.name == "B")

    def is_served(self, p):
        if not self.operation.serves or (self.group.registry().mode() and
                                         (self.operation.unfair or
                                          p.name == "B")):
            return True
        return self.answered(p) > 0

    def answered(self, p):
        if p.words[0] != "echo":
            return self.group.answered[None]
        return sum(self.group.answered[x] for x in tree(p.pid))

    def check_next(self):
        """The next member joins, by the name of the dead one, and leaves."""
        g = self.group
        name = self.dead.name if self.dead else "D"
        if name in [p.name for p in self.living()]:
            name = "D"      # of the one that it should have replaced
        before = [s.name for s in g.registry().slots()]
        # workers whose parent is dead serve what waits, and leave
        g.until(lambda: not any(" --name %s " % name in kill_group.command_of(int(p))
                                for p in os.listdir("/proc") if p.isdigit()),
                "workers of the dead %s do not end" % name)
        least = len({s.inode for s in g.listeners()}) + 1
        p = self.add(name)
        now = [s.name for s in g.registry().slots()]
        alive = [s.name for s in g.registry().slots() if s.pid in self.pids()]
        check(len(alive) == len(set(alive)), "names: %s" % alive)
        check(now.count(name) == max(before.count(name), 1), "the slot of %s "
              "is not used again: %s, %s" % (name, before, now))
        told = p.event("listening")
        count = len({s.inode for s in g.listeners()})
        # a worker may come again, or leave, in between
        check(min(least, count) <= told["members"] <= max(least, count),
              "%d of %d sockets are members" % (told["members"], count))
        check(told["steering"] in self.operation.modes, "steering: %s" %
              told["steering"])
        self.check_programs()
        self.check_shares()
        os.kill(p.pid, signal.SIGTERM)
        self.until_left(p)
        how = p.event("drained")
        check(g.udp or how["mode"] == ("gate" if self.foreigner else "steer"),
              "the next leave was: %s, %s" % (how["mode"], how["text"]))
        self.check_programs()

    def check_kernel(self):
        # if all weights are 0, the kernel chooses, without a program
        steered = self.group.registry().mode() != 0 and not (
            self.operation.weighted and
            all(p.name == "B" for p in self.living()))
        has = self.group.program_is_attached(self.awake()[0])
        check(has == steered, "a program is attached" if has else
              "no program is attached")

    def end(self):
        if self.stopped:
            os.kill(self.stopped.pid, signal.SIGCONT)
        self.group.stop_clients()
        if self.foreigner:
            os.kill(self.foreigner, signal.SIGKILL)
        for p in self.group.alive():
            os.kill(p.pid, signal.SIGTERM)
        for p in self.group.processes.values():
            if p in self.members and p is not self.actor:
                self.until_left(p)
        self.group.until(lambda: not children(os.getpid()),
                         lambda: "left: %s" % ", ".join(map(
                             kill_group.command_of,
                             children(os.getpid()))))
        left = [f for where in os.walk(self.group.directory + "/run")
                for f in where[2] if not f.startswith(".lock")]
        check(not left, "left: %s" % left)
        check(count_mounts() == self.mounts, "a mount is left")

    def run(self):
        self.operation.run(self)
        self.tracer.quiet()
        self.group.running = True
        if not self.awake():
            self.group.refused_is_good = True
            self.add("B")
            self.add("C")
            self.group.refused_is_good = False
        self.check_programs()
        self.check_shares()
        self.check_next()
        self.check_kernel()
        self.end()
        self.check_lost()

    def check_lost(self):
        # workers have one stamp, but not one queue
        check(self.group.held["queued"] <= self.group.queued,
              "%d clients in a queue of %d are lost" %
              (self.group.held["queued"], self.group.queued))
        check(self.group.held["relayed"] <= self.group.relayed,
              "%d of %d relayed clients are lost" %
              (self.group.held["relayed"], self.group.relayed))
        lost = collections.Counter(self.group.lost)
        # it had copies of the killed one's listeners for a moment
        if self.victim == "old" and "no such process" in self.actor.said():
            return
        check(len(self.group.lost) <= self.late, "lost: %s" % ", ".join(
            "%d %s" % (n, what) for what, n in lost.items()))


def count_mounts():
    with open("/proc/self/mountinfo") as f:
        return len(f.readlines())


# --- the operations

class Operation:
    udp = False
    serves = True       # all members get clients, whatever their addresses
    unfair = False      # ... but not while the group is steered
    weighted = False    # by WEIGHTS
    modes = ("hash",)
    victims = ("actor", "other")
    calls = 450         # so many at least
    since = None        # the steps before this call are those of join-third

    def run(self, r):
        raise NotImplementedError


class JoinFirst(Operation):
    """The first member of a port."""
    victims = ("actor",)

    def run(self, r):
        r.trace("A")
        r.until(lambda: r.actor.ready is not None, "it is never ready")
        r.group.refused_is_good = True      # it is the only one
        r.group.running = True
        r.until(lambda: r.served(r.actor) >= 3, "it gets no clients")
        r.group.refused_is_good = r.is_killed()


class JoinThird(Operation):
    first = ()
    words = ()

    def __init__(self, *words, first=(), **more):
        self.words, self.first = words, first
        self.__dict__.update(more)

    def run(self, r):
        r.other = r.add("A", *self.first)
        r.add("B")
        r.serve()
        r.trace("C", *self.words)
        r.until_member()


class JoinLegacy(Operation):
    """After a member that died steering, where only a foreign one has stayed."""
    victims = ("actor",)
    since = "listen"

    def run(self, r):
        a = r.add("A", "--steer", "source-port")
        r.foreigner = r.group.foreigner()
        r.serve()
        r.kill([a.pid], a)
        r.trace("B")
        r.until_member()


class Leave(Operation):
    victims = ("actor", "other", "stopped")
    first = words = ()
    more = 0            # members that leave at the same time

    def __init__(self, *words, first=(), **more):
        self.words, self.first = words, first
        self.__dict__.update(more)

    def run(self, r):
        a, b = r.add("A", *self.first), r.add("B")
        # if A is stopped, and B has weight 0, nobody serves
        r.other = b if self.weighted and r.victim == "stopped" else a
        c = r.add("C", *self.words)
        also = [r.add("E") for _ in range(self.more)]
        r.serve()
        r.leave(c, *also)


class Replace(Operation):
    victims = ("actor", "other", "old")
    since = "listen"

    def run(self, r):
        old = r.three()
        r.trace("C", "--replace", "C")
        r.until(lambda: old.status is not None or r.gone(), "the old one does not leave")
        if not r.is_killed():
            r.until_member()
            return
        r.group.until(lambda: old.status is not None or
                      r.slot_of(old).name == "C" or
                      r.slot_of(old).replaced_by,
                      "the name of the old one is not given back")
        if old.status is not None or r.slot_of(old).replaced_by:
            r.until_left(old)


class Adopt(Operation):
    victims = ("actor", "other", "old")
    since = "pidfd_open"

    def run(self, r):
        old = r.three()
        r.trace("D", "--adopt", str(old.pid))
        r.until_member()
        if not r.gone() and r.actor.ready:
            os.kill(r.actor.pid, signal.SIGTERM)
            r.until_left(r.actor)


class Prompt(Operation):
    """Another steering, at the prompt of a member."""
    modes = ("hash", WEIGHTS + ",S=1")
    weighted = True

    def run(self, r):
        r.group.listens = True
        r.three()
        s = r.add("S", "-k", command="listen", terminal=True)
        r.attach(s)
        r.tracer.release()
        os.write(s.terminal, b"/steer A=1,B=0,C=1,S=1\r")
        r.until(lambda: r.group.registry().mode() != 0 and r.is_mended(),
                "it does not steer")
        r.group.serve(20)


class LeaveProgram(Leave):
    """Of a member that runs cat(1) for each client."""
    victims = ("actor", "other", "helper")

    def run(self, r):
        r.other = r.add("A")
        r.add("B")
        c = r.add("C", "-k", "--", "cat", command="listen")
        r.serve()
        r.leave(c)


class Quarantine(Operation):
    victims = ("actor", "other", "old")

    def __init__(self, *words):
        self.words = words

    def run(self, r):
        old = r.three()
        os.kill(old.pid, signal.SIGSTOP)
        words = ["probe", *self.words, "--yes", "--json", str(r.group.port)]
        r.actor = r.group.start(words, r.tracer, ready=False)
        r.actor.name = "probe"
        r.group.relay = r.actor.pid
        r.until(lambda: r.gone() or r.is_quarantined(), "no quarantine")
        r.group.serve(20)
        if not r.gone():
            os.kill(r.actor.pid, signal.SIGINT)
        # a rescued client may have come back to the queue just before that: it
        # waits there, and the rescue waits for it
        end = time.monotonic() + RESCUE_WAITS
        r.group.until(lambda: r.gone() or time.monotonic() > end, "")
        if old.status is None:
            os.kill(old.pid, signal.SIGCONT)
        r.group.until(r.gone, "the quarantine does not end")


OPERATIONS = {
    "join-first": JoinFirst(),
    "join-third": JoinThird(),
    "join-workers": JoinThird("-w", "2", victims=("actor", "other", "helper"),
                              since="listen"),
    "join-udp": JoinThird(udp=True, serves=False, since="bind"),
    "join-legacy": JoinLegacy(),
    "join-steered": JoinThird(first=("--steer", "A=1,B=0,C=1"), weighted=True,
                              modes=(WEIGHTS,), since="listen"),
    "steer-weights": JoinThird("--steer", "A=1,B=0,C=1", weighted=True,
                               modes=("hash", WEIGHTS), since="listen"),
    "leave": Leave(),
    "leave-workers": Leave("-w", "2", victims=("actor", "other", "stopped",
                                               "helper")),
    "leave-udp": Leave(udp=True, serves=False),
    "leave-steered": Leave(first=("--steer", "A=1,B=0,C=1"), weighted=True,
                           modes=(WEIGHTS,)),
    "leave-two": Leave(more=1),
    "replace": Replace(),
    "leave-program": LeaveProgram(),
    "prompt": Prompt(),
    "quarantine": Quarantine("--quarantine", "C"),
    "rescue": Quarantine("--rescue", "C"),
    "adopt": Adopt(),
}
for mode in ("random", "cpu", "source-address", "source-port", "least"):
    OPERATIONS["steer-" + mode] = JoinThird(
        "--steer", mode, modes=("hash", mode), unfair=True, since="listen",
        serves=mode not in ("cpu", "source-address"))


# --- the plan

def record(rpnc, name):
    """The calls of an operation."""
    r = Round(rpnc, OPERATIONS[name])
    try:
        r.run()
    except Finding as f:
        raise SystemExit("%s, without a kill: %s" % (name, f)) from None
    finally:
        r.group.close()
    return r.calls


def evenly(steps, count):
    return sorted({steps[i * len(steps) // count] for i in range(count)})


def steps_of(calls, since=None):
    """All, but of calls in a row that only read the first and the last."""
    first = calls.index(since) if since else 0
    return [i + 1 for i in range(first, len(calls))
            if not 0 < i < len(calls) - 1 or
            not READS.issuperset(calls[i - 1:i + 2])]


def plan(rpnc, options):
    cases = []
    for name in options.operation or OPERATIONS:
        calls = record(rpnc, name)
        for victim in OPERATIONS[name].victims:
            if options.victim and victim not in options.victim:
                continue
            steps = evenly(steps_of(calls, OPERATIONS[name].since),
                           options.most if victim == "actor"
                           else options.steps)
            cases += [(name, victim, step) for step in steps]
        if options.list:
            print("\n".join("--case %s/%s/%d: %s" % (*c, calls[c[2] - 1])
                            for c in cases if c[0] == name))
    return cases


def sample(_, options):
    """So many cases by chance, without a run to count the calls."""
    chance = random.Random(options.seed)
    end = time.monotonic() + options.seconds
    for _ in range(options.sample):
        if time.monotonic() > end:
            break
        name = chance.choice([*(options.operation or OPERATIONS)])
        yield (name, chance.choice(OPERATIONS[name].victims),
               chance.randint(1, OPERATIONS[name].calls))


def parse_case(text):
    name, victim, step = text.split("/")
    return name, victim, int(step) if step.isdigit() else step


def cases_of(rpnc, options):
    if options.case:
        return map(parse_case, options.case)
    return (sample if options.sample else plan)(rpnc, options)


class Sum:
    """What all cases came to, by operation and victim."""

    def __init__(self):
        self.kills = self.connections = self.held = self.lost = 0
        self.findings = 0

    def add(self, r, wrong):
        self.kills += r.struck is not None
        self.connections += sum(r.group.served.values())
        self.held += sum(r.group.held.values())
        self.lost += len(r.group.lost)
        self.findings += wrong is not None

    def text(self):
        return ("%d kills, %d connections, %d lost with a killed process, "
                "%d lost elsewhere, %d findings" %
                (self.kills, self.connections, self.held, self.lost,
                 self.findings))


def try_case(rpnc, case, sums):
    name, victim, step = case
    r = Round(rpnc, OPERATIONS[name], victim, step)
    wrong = None
    try:
        r.run()
    except Finding as f:
        wrong = str(f)
    except SystemExit:
        r.group.close()
        raise
    if wrong and r.group.lost:
        wrong += "; lost: %s" % r.group.lost[:3]
    r.group.close()
    for key in ("", "%s/%s" % (name, victim)):
        sums[key].add(r, wrong)
    if wrong:
        print("--case %s/%s/%s (before %s): %s" % (name, victim, step,
                                                  r.struck, wrong), flush=True)


def stay_apart():
    """In a network of its own, because it leaves many ports in TIME_WAIT, and
    where no other process mounts anything, or is seen in /proc."""
    if "KILLS_APART" in os.environ:
        return
    words = ["unshare", "-mnpf" if os.geteuid() == 0 else "-Urmnpf",
             "--mount-proc", "--kill-child", "sh", "-c",
             'ip link set lo up && KILLS_APART=1 exec "$@"', "sh",
             sys.executable, "-B", *sys.argv]
    os.execvp(words[0], words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, help="so many, by chance")
    parser.add_argument("--seconds", type=float, default=1e9,
                        help="no other case of a sample begins later")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--operation", action="append", choices=OPERATIONS)
    parser.add_argument("--victim", action="append")
    parser.add_argument("--case", action="append")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--most", type=int, default=600)
    parser.add_argument("--list", action="store_true", help="only the plan")
    options = parser.parse_args()
    stay_apart()
    tracing.libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    rpnc = os.path.abspath(os.environ["RPNC"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    sums = collections.defaultdict(Sum)
    try:
        for case in cases_of(rpnc, options):
            if options.list:
                return
            if sys.stderr.isatty():
                print("\r\033[K%s/%s/%s" % case, end="", file=sys.stderr)
            try_case(rpnc, case, sums)
    finally:
        for key in sorted(sums):
            if key and not options.sample:
                print("%-22s %s" % (key, sums[key].text()))
        print(sums[""].text())
    sys.exit(sums[""].findings > 0)


main()
