"""What the numbers say: paired ratios, and when they say nothing.

A round runs each variant once, so a ratio is taken within a round, and what
is told is the median of these with their range. rpnc runs twice in a round
(A/A): how far those two are apart is what the machine adds by itself.
"""
from dataclasses import dataclass

ROUNDS = 5          # fewer are no verdict
APART = 0.12        # A/A medians that differ by more: too noisy
STEAL = 0.05        # of all CPU time
HOLDS, MISSED, INCONCLUSIVE = "holds", "MISSED", "INCONCLUSIVE"


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


@dataclass
class Ratio:
    """A median over rounds, with its range."""
    median: float
    low: float
    high: float
    rounds: int


def summary(values):
    if not values:
        return None
    return Ratio(median(values), min(values), max(values), len(values))


def paired(rounds, ours, theirs, metric):
    """The ratio of each round that has both; no theirs: our figures."""
    found = []
    for r in rounds:
        if metric not in (r.get(ours) or {}):
            continue
        if theirs is None:
            found.append(r[ours][metric])
        elif (r.get(theirs) or {}).get(metric):
            found.append(r[ours][metric] / r[theirs][metric])
    return found


@dataclass
class Target:
    """ours shall be at least (or at most) bound x the best of versus, or with
    no versus bound itself."""
    bound: float
    versus: tuple = ()
    metric: str = "rate"
    least: bool = True
    ours: str = "rpnc"
    again: str = "rpnc again"
    says: str = ""

    def text(self):
        sense = "at least" if self.least else "at most"
        if self.says:
            return f"{sense} {self.bound:g} {self.says}"
        if not self.versus:
            return f"{sense} {self.bound:g}"
        best = "the best of " if len(self.versus) > 1 else ""
        what = "" if self.metric == "rate" else ", " + self.metric
        return (f"{sense} {self.bound:g} x {best}"
                f"{', '.join(self.versus)}{what}")


@dataclass
class Verdict:
    target: Target
    word: str
    why: str = ""
    against: str = ""
    ratio: Ratio = None
    spread: float = None


def best_of(rounds, target):
    """Of several peers the one with the best median."""
    medians = {}
    for peer in target.versus:
        own = paired(rounds, peer, None, target.metric)
        if own:
            medians[peer] = median(own)
    if not medians:
        return None
    pick = max if target.least else min
    return pick(medians, key=medians.get)


def noise(rounds, target):
    """What of A/A there is: (by how much the medians are apart, by how much
    the two of a round usually are)."""
    pairs = paired(rounds, target.again, target.ours, target.metric)
    if not pairs:
        return None, None
    return abs(median(pairs) - 1), median([abs(p - 1) for p in pairs])


def too_noisy(rounds, target, margin, steal):
    """Why there is no verdict, or nothing; and the spread."""
    apart, spread = noise(rounds, target)
    if steal > STEAL:
        return f"steal {steal:.0%}", spread
    if apart is not None and apart > APART:
        return f"A/A apart by {apart:.0%}", spread
    if spread is not None and spread > margin:
        return f"A/A spread {spread:.0%}, margin {margin:.0%}", spread
    return "", spread


def judge(target, rounds, steal, failed=None, wanted=ROUNDS):
    """The verdict on one target. failed: why a variant has no numbers."""
    failed = failed or {}
    if target.ours in failed:
        return Verdict(target, MISSED, f"rpnc {failed[target.ours]}")
    against = best_of(rounds, target) if target.versus else None
    if target.versus and against is None:
        why = "; ".join(f"{p} {failed.get(p, 'not there')}"
                        for p in target.versus)
        return Verdict(target, INCONCLUSIVE, why)
    ratio = summary(paired(rounds, target.ours, against, target.metric))
    if ratio is None:
        return Verdict(target, INCONCLUSIVE, "nothing to compare with",
                       against or "")
    off = ratio.median / target.bound if target.bound else 1.0
    why, spread = too_noisy(rounds, target, abs(off - 1), steal)
    good = off >= 1 if target.least else off <= 1
    word = HOLDS if good else MISSED
    if why:
        word = INCONCLUSIVE
    elif ratio.rounds < wanted:
        word, why = INCONCLUSIVE, f"{ratio.rounds} rounds"
    elif not good:
        why = f"by {abs(off - 1):.0%}"
    return Verdict(target, word, why, against or "", ratio, spread)
