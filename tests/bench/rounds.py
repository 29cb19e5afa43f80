"""Rows, their variants, and the rounds in which these take turns."""
import time
from dataclasses import dataclass, field

import apart
import stats


class Trouble(Exception):
    """One sample that gave no figure: the word is what is shown for it."""


class Hung(Trouble):
    def __init__(self, word="hung"):
        super().__init__(word)


@dataclass
class Variant:
    """One way to do the work: run(ground) gives its figures by name."""
    name: str
    run: object
    commands: tuple = ()


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
    rounds: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    steal: float = 0.0
    seconds: float = 0.0
    verdicts: list = field(default_factory=list)
    skipped: str = ""

    def figures(self, name, metric):
        return stats.summary(stats.paired(self.rounds, name, None, metric))


def with_again(row):
    """The variants, with rpnc once more behind itself."""
    ours = row.variants[0]
    if not row.again:
        return list(row.variants)
    return [ours, Variant(ours.name + " again", ours.run)] + row.variants[1:]


def turns(variants, number):
    """The order of a round: the start rotates, the direction changes."""
    at = number % len(variants)
    order = variants[at:] + variants[:at]
    return order[::-1] if number % 2 else order


def sample(ground, variant, found, tries):
    """The figures of one turn, or None. One that fails twice is left out."""
    if found.failed.get(variant.name) and tries[variant.name] > 1:
        return None
    try:
        return variant.run(ground)
    except Trouble as e:
        tries[variant.name] = tries.get(variant.name, 0) + 1
        found.failed[variant.name] = str(e)
        return None
    finally:
        ground.clear()


def run(row, ground, seconds, least, most):
    """All rounds of a row: as many as fit into the time, within limits."""
    found = Found(row)
    variants, tries = with_again(row), {}
    began, before = time.monotonic(), apart.stolen()
    ground.seconds = max(0.15, min(2.0, seconds / least / len(variants) - 0.1))
    while len(found.rounds) < most:
        passed = time.monotonic() - began
        number = len(found.rounds)
        if number >= least and passed * (number + 1) / number > seconds:
            break
        found.rounds.append(
            {v.name: f for v in turns(variants, number)
             if (f := sample(ground, v, found, tries))})
    after = apart.stolen()
    found.steal = (after[0] - before[0]) / max(1, after[1] - before[1])
    found.seconds = time.monotonic() - began
    for name in list(found.failed):
        if found.figures(name, row.figure):
            found.failed[name] += f" {tries[name]} of {len(found.rounds)} times"
    return found


def judge(found, wanted):
    lost = {n: why for n, why in found.failed.items()
            if not found.figures(n, found.row.figure)}
    found.verdicts = [stats.judge(t, found.rounds, found.steal, lost, wanted)
                      for t in found.row.targets]
