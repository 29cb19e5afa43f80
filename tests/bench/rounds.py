"""Rows, their variants, and the rounds in which these take turns."""
import time
from dataclasses import dataclass, field, replace

import apart
import stats

MOST = 9            # rounds
TRIES_FIRST, TRIES = 2, 4
AGAIN = 2           # times that a disturbed sample is taken again


class Trouble(Exception):
    """One sample that gave no figure: the word is what is shown for it."""


class Hung(Trouble):
    def __init__(self, word="hung"):
        super().__init__(word)


@dataclass
class Variant:
    """One way to do the work: run(runner) gives its figures by name."""
    name: str
    run: object
    commands: tuple = ()
    config: str = ""        # of a file that a command names
    base_of: str = ""       # the variant that does this with another rpnc


@dataclass
class Row:
    """One table. weight: its share of the time, 1 is usual."""
    name: str
    title: str
    variants: list
    targets: list = field(default_factory=list)
    space: str = "reno"
    unit: str = "/s"
    figure: str = "rate"
    also: tuple = ()        # other figures to show, as (name, unit)
    weight: float = 1.0
    quick: bool = True      # also with QUICK
    again: bool = True      # has an A/A pair


@dataclass
class Found:
    row: Row
    variants: list = field(default_factory=list)
    rounds: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    seconds: float = 0.0
    verdicts: list = field(default_factory=list)
    skipped: str = ""

    def needed(self):
        """The variants that verdicts are about."""
        return {n for t in self.row.targets if t.timed
                for n in (t.ours, t.again, t.first, *t.versus)}

    def clean(self):
        """How many rounds have all of these undisturbed, or not at all."""
        return sum(all(stats.undisturbed(r[n]) for n in self.needed()
                       if n in r) for r in self.rounds)

    def ratios(self, name, other, metric):
        values, _ = stats.paired(self.rounds, name, other, metric)
        return stats.summary(values)

    def figures(self, name, metric):
        return self.ratios(name, None, metric)


def taken(row, quick):
    """The variants that take part, with rpnc once more behind itself. QUICK
    has no time for those that no target is about."""
    ours, *others = row.variants
    if quick and row.targets:
        needed = {p for t in row.targets for p in (*t.versus, t.ours, "bare")}
        others = [v for v in others if v.name in needed]
    again = [Variant(ours.name + " again", ours.run)] if row.again else []
    return [ours, *again, *others]


def beside_base(row):
    """The same row with what rpnc does, by two commits in turn, and no
    peers."""
    pairs = []
    for v in row.variants:
        if any("{rpnc}" in c for c in v.commands):
            name = f"base {v.name.removeprefix('rpnc')}".replace("  ", " ")
            pairs += [v, replace(v, name=name.strip(), base_of=v.name,
                                 run=lambda r, run=v.run: r.as_base(run))]
    return replace(row, variants=pairs, targets=[])


def turns(variants, number):
    """The order of a round: the start rotates, the direction changes."""
    count, step = len(variants), -1 if number % 2 else 1
    return [variants[(number + i * step) % count] for i in range(count)]


def steal_during(run):
    """What run gives, and the part of all CPU time that the host took."""
    before = apart.stolen()
    figures = run()
    after = apart.stolen()
    if figures is not None:
        figures["steal"] = (after[0] - before[0]) / max(1, after[1] - before[1])
    return figures


def sample(runner, variant, found, tries):
    """The figures of one turn, or None. Who only fails is left out soon."""
    had = any(variant.name in r for r in found.rounds)
    if tries.get(variant.name, 0) >= (TRIES if had else TRIES_FIRST):
        return None
    try:
        return steal_during(lambda: variant.run(runner))
    except Trouble as e:
        tries[variant.name] = tries.get(variant.name, 0) + 1
        found.failed[variant.name] = str(e)
        return None
    finally:
        runner.clear()


def calm_sample(runner, variant, found, tries, end):
    """The same, once or twice again while it is disturbed: the calmest."""
    best = sample(runner, variant, found, tries)
    for _ in range(AGAIN):
        if best is None or stats.undisturbed(best) or time.monotonic() > end:
            break
        new = sample(runner, variant, found, tries)
        if new and new["steal"] < best["steal"]:
            best = new
    return best


def one(runner, found, tries, end):
    order = turns(found.variants, len(found.rounds))
    needed = found.needed()
    found.rounds.append(
        {v.name: f for v in order
         if (f := calm_sample(runner, v, found, tries,
                              end if v.name in needed else 0))})


def enough(found, clock, least):
    """Whether the time is over: that of the row, or while the host takes too
    much of it, also what there is to spare."""
    number = len(found.rounds)
    if number < least:
        return False
    each = found.seconds / number
    if number >= MOST or found.clean() >= least:
        return number >= MOST or found.seconds + each > clock.seconds
    return found.seconds + each > clock.most(found.row)


@dataclass
class Clock:
    """Seconds for a row, and those that all rows may use beyond theirs."""
    seconds: float
    spare: float = 0.0

    def most(self, row):
        spare = self.spare if row.targets else 0
        return self.seconds + min(spare, self.seconds)


def run(row, runner, clock, least, quick):
    """All rounds of a row."""
    found = Found(row, taken(row, quick))
    began, tries = time.monotonic(), {}
    each = clock.seconds / least / len(found.variants)
    other = 0.1
    while not enough(found, clock, least):
        runner.seconds = max(0.15, each / 4, min(2.0, each - other))
        one(runner, found, tries, began + clock.most(row) / 2)
        found.seconds = time.monotonic() - began
        if len(found.rounds) == 1:  # what of a turn is not measuring
            other = found.seconds / len(found.variants) - runner.seconds
    clock.spare -= max(0.0, found.seconds - clock.seconds)
    for name, count in tries.items():
        if found.figures(name, row.figure):
            found.failed[name] += f" ({count} of {len(found.rounds)} times)"
    return found


def judge(found, wanted):
    lost = {n: why for n, why in found.failed.items()
            if not found.figures(n, found.row.figure)}
    found.verdicts = [stats.judge(t, found.rounds, lost, wanted)
                      for t in found.row.targets]
