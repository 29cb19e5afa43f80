"""What must not grow: memory, descriptors, slots of a registry."""
import collections
import os
import time

from processes import eventually, status_of


class Growth:
    """Of those that live as long as the run."""

    def __init__(self, soak):
        self.soak = soak
        self.first = {}    # process: RSS, once warm
        self.most = collections.Counter()  # RSS that grew, by process
        # process: descriptors, before the first client
        self.idle = {name: fds for name, _, fds in self.sizes()}

    def sizes(self):
        for group in self.soak.groups:
            for name, pid in group.lasting():
                rss = int(status_of(pid)["VmRSS"].split()[0])
                yield name, rss, len(os.listdir("/proc/%d/fd" % pid))

    def is_warm(self):
        return time.monotonic() - self.soak.began > self.soak.options.warm

    def words(self):
        """(RSS of the largest and what grew most, descriptors), in words."""
        sizes = list(self.sizes())
        for name, rss, _ in sizes:
            if self.is_warm():
                self.first.setdefault(name, rss)
                self.most[name] = rss - self.first[name]
        grown = self.most.most_common(1)[0] if self.most else ("", 0)
        words = "RSS <= %d KiB (%+d: %s), fds <= %d" % (
            max(s[1] for s in sizes), grown[1], grown[0] or "not warm",
            max(s[2] for s in sizes))
        for name, rss, fds in sizes:
            if name == "manager":
                words += ", manager %d KiB, %d" % (rss, fds)
        return words

    def judge_memory(self):
        for name, grown in self.most.items():
            if grown > self.soak.options.rss:
                self.soak.fault("RSS", "%s has %d KiB more" % (name, grown))

    def judge_descriptors(self):
        def more():
            return {n: fds for n, _, fds in self.sizes()
                    if fds > self.idle.get(n, fds)}
        if not eventually(lambda: not more(), 5):
            for name, fds in more().items():
                self.soak.fault("descriptors", "%s has %d, at first %d" % (
                    name, fds, self.idle[name]))

    def slots(self):
        words = []
        for g in self.soak.groups:
            eventually(lambda g=g: g.registry.slots()[0] == g.slots_wanted(),
                       5)
            alive, used = g.registry.slots()
            if alive != g.slots_wanted():
                self.soak.fault("slots", "%s: %d alive, %d members" % (
                    g.name, alive, g.slots_wanted()))
            words.append("%d/%d" % (alive, used))
        return "slots " + " ".join(words)
