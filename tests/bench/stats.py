"""What the numbers say: paired ratios, and when they say nothing.

A round runs each variant once, so a ratio is taken within a round, and what
is told is the median of these with their range. rpnc runs twice in a round
(A/A): how far those two are apart is what the machine adds by itself. Samples
during which the host took time from the machine (steal) are passed over.
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


def undisturbed(figures):
    """Whether the host left us the machine meanwhile."""
    return figures.get("steal", 0) <= STEAL


def pairs(rounds, ours, theirs, metric):
    """The samples of each round that has both; no theirs: ours alone."""
    found = []
    for r in rounds:
        both = [r.get(n) for n in (ours, theirs) if n is not None]
        if all(f and metric in f for f in both):
            found.append(both)
    return found


def paired(rounds, ours, theirs, metric, wanted=ROUNDS):
    """The ratio of each round (no theirs: our figure), and the steal. Only
    undisturbed samples count, if there are enough of them."""
    both = pairs(rounds, ours, theirs, metric)
    clean = [p for p in both if all(undisturbed(f) for f in p)]
    if len(clean) >= wanted:
        both = clean
    steal = [max(f.get("steal", 0) for f in p) for p in both]
    if theirs is None:
        ratios = [p[0][metric] for p in both]
    else:
        ratios = [p[0][metric] / p[1][metric] for p in both if p[1][metric]]
    return ratios, sum(steal) / max(1, len(steal))


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
    first: str = ""     # what that repeats, where it isn't ours
    says: str = ""
    steady: str = ""    # the metric of A/A, where it is another one
    timed: bool = True  # else neither noise nor steal matters

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


def best_of(rounds, target, wanted):
    """Of several peers the one with the best median."""
    medians = {}
    for peer in target.versus:
        own, _ = paired(rounds, peer, None, target.metric, wanted)
        if own:
            medians[peer] = median(own)
    if not medians:
        return None
    pick = max if target.least else min
    return pick(medians, key=medians.get)


def noise(rounds, target, wanted):
    """What of A/A there is: (by how much the medians are apart, by how much
    the two of a round usually are)."""
    ratios, _ = paired(rounds, target.again, target.first or target.ours,
                       target.steady or target.metric, wanted)
    if not ratios:
        return 0.0, 0.0
    return abs(median(ratios) - 1), median([abs(r - 1) for r in ratios])


def too_noisy(target, off, spread, margin, steal):
    """Why there is no verdict, or nothing."""
    if not target.timed:
        return ""
    if steal > STEAL:
        return f"steal {steal:.0%}"
    if off > APART:
        return f"A/A apart by {off:.0%}"
    if spread > margin:
        return f"A/A spread {spread:.0%}, margin {margin:.0%}"
    return ""


def judge(target, rounds, failed=None, wanted=ROUNDS):
    """The verdict on one target. failed: why a variant has no numbers."""
    failed = failed or {}
    if target.ours in failed:
        return Verdict(target, MISSED, f"{target.ours} {failed[target.ours]}")
    against = best_of(rounds, target, wanted) if target.versus else None
    if target.versus and against is None:
        return Verdict(target, INCONCLUSIVE, "; ".join(
            f"{p} {failed.get(p, 'not there')}" for p in target.versus))
    ratios, steal = paired(rounds, target.ours, against, target.metric, wanted)
    if not ratios:
        return Verdict(target, INCONCLUSIVE, "nothing to compare with",
                       against or "")
    ratio = summary(ratios)
    reached = ratio.median / target.bound
    margin = abs(reached - 1)
    off, spread = noise(rounds, target, wanted)
    good = reached >= 1 if target.least else reached <= 1
    word, why = (HOLDS, "") if good else (MISSED, f"by {margin:.0%}")
    noisy = too_noisy(target, off, spread, margin, steal)
    if ratio.rounds < wanted:
        noisy = f"{ratio.rounds} rounds"
    if noisy:
        word, why = INCONCLUSIVE, noisy
    return Verdict(target, word, why, against or "", ratio, spread)
