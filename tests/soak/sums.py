"""What a soak counts, and which losses a kill excuses."""
import collections
import json
import os

EXCUSABLE = ("reset", "short")
SUMS = ("connections", "slow", "leaves", "rounds", "joins", "kills", "stops",
        "lost", "excused", "said", "modes", "faults", "slow rounds",
        "windows")


class State:
    """The sums, in a file; the next run adds to them."""

    def __init__(self, descriptor):
        self.fd = descriptor
        self.sums = {name: collections.Counter() for name in SUMS}
        self.seconds = self.runs = 0
        self.programs = []
        old = os.pread(self.fd, 1 << 20, 0).strip(b"\0 \n")
        if old:
            old = json.loads(old)
            for name in SUMS:
                self.sums[name].update(old["sums"].get(name, {}))
            self.seconds, self.runs = old["seconds"], old["runs"]
            self.programs = old["programs"]

    def write(self, seconds):
        text = json.dumps({"sums": self.sums, "runs": self.runs,
                           "seconds": round(self.seconds + seconds, 1),
                           "programs": self.programs}).encode() + b"\n"
        text = text.ljust(max(8192, len(text)))
        os.pwrite(self.fd, text, 0)

    def total(self, name):
        return self.sums[name].total()


Loss = collections.namedtuple("Loss", "group kind began ended text pid during")
Kill = collections.namedtuple("Kill", "group pid sent gone")


def is_excused(loss, kill):
    if loss.group != kill.group or loss.began > kill.gone:
        return False
    if loss.group == "udp":
        return loss.kind == "timeout" and loss.began > kill.sent - 2 * 10**9
    return (loss.kind in EXCUSABLE and
            kill.sent < loss.ended < kill.gone + 5 * 10**9 and
            loss.pid in (0, kill.pid))
