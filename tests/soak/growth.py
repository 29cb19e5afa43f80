"""What must not grow: memory, descriptors, slots of a registry."""
import collections
import os
import time

from processes import eventually, status_of


class Growth:
    """Measures the processes that live as long as the run."""

    def __init__(self, soak):
        self.soak = soak
        self.first = {}     # by process: RSS when the run was warm
        self.grown = collections.Counter()  # by process: RSS since then
        # by process: descriptors before the first client
        self.idle = {name: fds for name, _, fds in self.sizes()}

    def sizes(self):
        """(name, RSS in KiB, descriptors) of each."""
        for group in self.soak.groups:
            for name, pid in group.lasting():
                rss = int(status_of(pid)["VmRSS"].split()[0])
                yield name, rss, len(os.listdir("/proc/%d/fd" % pid))

    def is_warm(self):
        return time.monotonic() - self.soak.began > self.soak.options.warm

    def measure(self):
        """Notes the sizes, once the run is warm, and returns them."""
        sizes = list(self.sizes())
        for name, rss, _ in sizes:
            if self.is_warm():
                self.first.setdefault(name, rss)
                self.grown[name] = rss - self.first[name]
        return sizes

    def text(self):
        """The largest RSS, what has grown most, and the most descriptors."""
        sizes = self.measure()
        name, grown = self.grown.most_common(1)[0] if self.grown else (
            "not warm", 0)
        text = "RSS <= %d KiB (%+d: %s), fds <= %d" % (
            max(s[1] for s in sizes), grown, name, max(s[2] for s in sizes))
        for name, rss, fds in sizes:
            if name == "manager":
                text += ", manager %d KiB, %d" % (rss, fds)
        return text

    def judge_memory(self):
        for name, grown in self.grown.items():
            if grown > self.soak.options.rss:
                self.soak.fault("RSS", "%s has %d KiB more" % (name, grown))

    def judge_descriptors(self):
        def more():
            return {n: fds for n, _, fds in self.sizes()
                    if fds > self.idle[n]}
        if not eventually(lambda: not more(), 5):
            for name, fds in more().items():
                self.soak.fault("descriptors", "%s has %d, at first %d" % (
                    name, fds, self.idle[name]))

    def slots(self):
        """Judges the living slots; returns "ALIVE/USED" for each group."""
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
