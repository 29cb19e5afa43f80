"""The tables on the terminal, and the same as JSON."""
import dataclasses
import os
import shlex
import sys
import textwrap

import stats

BLOCKS = " ▏▎▍▌▋▊▉█"
CELLS = 12
NAME = 15


def bar(part, cells=CELLS):
    eighths = max(1, round(min(part, 1) * cells * 8)) if part > 0 else 0
    return "".join(BLOCKS[min(8, max(0, eighths - 8 * i))]
                   for i in range(cells))


def number(value):
    """Three digits that say something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2 if value >= 0.1 else 4}f}"


def ratio(r):
    return (f"{number(r.median)} ({number(r.low)}-{number(r.high)})"
            if r else "")


def line(found, variant, most):
    """A variant: its median, and how much rpnc has of it, by rounds."""
    row, name = found.row, variant.name
    ours = variant.base_of or row.variants[0].name
    own = found.figures(name, row.figure)
    if not own:
        return f"  {name:{NAME}} {found.failed.get(name, 'not run')}"
    against = found.ratios(ours, name, row.figure)
    also = "".join(f"{number(f.median):>8}" if (f := found.figures(name, m))
                   else " " * 8 for m, _ in row.also)
    compared = ratio(against) if name != ours else ""
    return (f"  {name:{NAME}}{number(own.median):>7} "
            f"{bar(own.median / most)} {compared:18}{also}").rstrip()


def verdict(v):
    what = f"  {v.word:12} {v.target.text()}"
    if v.ratio:
        what += f": {ratio(v.ratio)}"
    if v.against and len(v.target.versus) > 1:
        what += f" of {v.against}"
    what += f", {v.why}" if v.why else ""
    return textwrap.fill(what, 79, subsequent_indent=" " * 15,
                         drop_whitespace=True)


def told(found):
    """How it was measured."""
    samples = [f for r in found.rounds for f in r.values()]
    over = sum(not stats.undisturbed(f) for f in samples)
    what = f"{len(found.rounds)} rounds, {found.seconds:.0f} s"
    return what + (f", {over} of {len(samples)} samples with over "
                   f"{stats.STEAL:.0%} steal" if over else "")


def table(found):
    row = found.row
    names = [v.name for v in found.variants]
    medians = [m.median for n in names if (m := found.figures(n, row.figure))]
    most = max(medians, default=1) or 1
    heads = "".join(f"{unit:>8}" for _, unit in row.also)
    ours = f"{row.variants[0].name} has, x" if len(names) > 1 else ""
    out = [f"\n{row.name}: {row.title} [{row.space}]",
           f"  {'':{NAME}}{row.unit:>7} {'':{CELLS}} {ours:18}{heads}".rstrip()]
    out += [line(found, v, most) for v in found.variants]
    out += [verdict(v) for v in found.verdicts]
    troubled = [f"{n} {w}" for n, w in found.failed.items()
                if found.figures(n, row.figure)]
    if troubled:
        out.append(textwrap.fill("; ".join(troubled), 79, initial_indent="  ",
                                 subsequent_indent="  "))
    out.append("  " + told(found))
    return "\n".join(out)


def commands(rows, runner):
    """How to repeat it all by hand."""
    def plain(command):
        words = runner.words(command.replace("{port}", "9000"),
                             bytes=runner.bytes, conns="N", jobs=1,
                             seconds=1, whole=1, workers=2, path="/tmp/socket")
        return shlex.join(
            "rpnc" if w == runner.rpnc else
            os.path.relpath(w) if w.startswith(os.getcwd()) else
            w.replace(runner.dir, "/tmp") for w in words)
    ways = [v for row in rows for v in row.variants]
    seen = dict.fromkeys(plain(c) for v in ways for c in v.commands)
    out = ["", "Commands, with port 9000 and files in /tmp:"]
    out += ["  " + c for c in seen]
    for v in ways:
        if v.config:
            out += ["", f"The configuration of {v.name}:",
                    textwrap.indent(v.config, "  ").rstrip()]
    return out


def beside_base(found, base):
    """One line for each pair: our part of the base's figure and CPU time."""
    out = ["", f"What rpnc has of the figures of {base}, x:",
           f"  {'':{NAME}}{'':{NAME}} {'figure':22}CPU"]
    for f in found:
        for v in f.variants:
            if not v.base_of:
                continue
            compared = [ratio(f.ratios(v.base_of, v.name, m))
                        for m in (f.row.figure, "cpu")]
            out.append(f"  {f.row.name:{NAME}}{v.base_of:{NAME}} "
                       f"{compared[0]:22}{compared[1]}".rstrip())
    return out


def steal(found):
    """The part of all CPU time that the host took, on average."""
    taken = [s["steal"] for f in found for r in f.rounds for s in r.values()]
    return sum(taken) / max(1, len(taken))


def count(found):
    words = [v.word for f in found for v in f.verdicts]
    return (f"{words.count(stats.HOLDS)} hold, {words.count(stats.MISSED)} "
            f"missed, {words.count(stats.INCONCLUSIVE)} inconclusive")


def as_json(header, found):
    def variant(f, name):
        metrics = {m for r in f.rounds for m in (r.get(name) or {})}
        return {"name": name, "failed": f.failed.get(name),
                "figures": {m: dataclasses.asdict(f.figures(name, m))
                            for m in sorted(metrics)}}

    def judged(v):
        d = dataclasses.asdict(v)
        d["target"]["text"] = v.target.text()
        return d

    return {**header, "rows": [
        {"name": f.row.name, "title": f.row.title, "space": f.row.space,
         "unit": f.row.unit, "figure": f.row.figure,
         "seconds": f.seconds, "skipped": f.skipped or None,
         "variants": [variant(f, v.name) for v in f.variants],
         "rounds": f.rounds, "verdicts": [judged(v) for v in f.verdicts]}
        for f in found]}


def say(*lines):
    for text in lines:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()
