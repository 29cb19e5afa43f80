"""make bench: how fast rpnc is, beside its peers and beside the ceiling.

How it works: a row is one kind of work, done by several programs (variants) in
rounds, in a network namespace of its own. stats.py says what that shows, and
when it shows nothing. What the environment may say: QUICK, ROWS (patterns),
JSON (a file), RPNC, BENCH and PEERS (where things are).

A target that is missed is a finding: the exit status is 1 only if something
could not be run.
"""
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import apart
import rounds
import show
import stats
from runner import Runner
from process import files_limit
import rows_bulk
import rows_connect
import rows_echo
import rows_probe
import rows_scale
import rows_start
import rows_tls
import rows_udp

# Seconds: of a row of weight 1, of all rows, and to spare for rounds that are
# done again because the host took too much of the machine.
TIMES = {"whole": (36, 16 * 60, 150), "quick": (5, 135, 15)}
FEW = 3         # rounds, where there will be no verdict

VERSIONS = (
    ("rpnc", "{rpnc} --version"), ("nc.openbsd", "dpkg-query netcat-openbsd"),
    ("nc.traditional", "dpkg-query netcat-traditional"),
    ("ncat", "dpkg-query ncat"), ("socat", "dpkg-query socat"),
    ("wrk", "dpkg-query wrk"),
    ("ab", "dpkg-query apache2-utils"), ("openssl", "openssl version"),
    ("iperf3", "dpkg-query iperf3"), ("python", "python3 --version"),
    ("nginx", "{peers}/nginx/usr/sbin/nginx -v"),
    ("haproxy", "{peers}/haproxy/usr/sbin/haproxy -v"),
)


def all_rows():
    found = []
    for module in (rows_bulk, rows_echo, rows_connect, rows_scale, rows_probe,
                   rows_start, rows_tls, rows_udp):
        found += module.rows()
    return found


def version(runner, command):
    words = runner.words(command)
    if words[0] == "dpkg-query":
        words[1:1] = ["-W", "-f", "${Version}"]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False)
    except OSError:
        return None
    number = re.search(r"[0-9][^ ,\n]*", done.stdout)
    return number.group() if number and not done.returncode else None


def base_commit(runner):
    """That of the other rpnc, as tests/bench/base has left it."""
    if not runner.base:
        return None
    try:
        return apart.read(runner.base + "/commit").strip()[:12]
    except OSError:
        return runner.base


def header(runner, quick, files):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return {
        "kernel": os.uname().release, "cores": len(os.sched_getaffinity(0)),
        "processor": model.group(1) if model else os.uname().machine,
        "congestion": apart.congestion_control(),
        "bbr": apart.congestion_available("bbr"),
        "descriptors": files, "quick": quick, "base": base_commit(runner),
        "versions": {n: version(runner, c) for n, c in VERSIONS},
    }


def show_header(h):
    versions = ", ".join(f"{n} {v}" for n, v in h["versions"].items() if v)
    lines, width = [], 78
    while versions:
        cut = len(versions) if len(versions) <= width else \
            versions.rfind(" ", 0, width)
        lines.append(versions[:cut].strip())
        versions = versions[cut:].strip()
    show.say(
        f"Linux {h['kernel']}, {h['cores']} cores, {h['processor']}",
        f"congestion control {h['congestion']} on the host"
        f"{'' if h['bbr'] else ' (no bbr here: its rows are left out)'}, "
        f"reno where a row says so; ulimit -n {h['descriptors']}", *lines)
    if h["quick"]:
        show.say("QUICK: few and short rounds, which are no verdict.")


def chosen(rows, patterns):
    names = patterns.split()
    picked = [r for r in rows if not names or
              any(fnmatch.fnmatch(r.name, p) for p in names)]
    for p in names:
        if not any(fnmatch.fnmatch(r.name, p) for r in rows):
            sys.exit(f"bench: no such row: {p}; there are " +
                     " ".join(r.name for r in rows))
    return picked


def skipped(row, why):
    show.say(f"\n{row.name}: {row.title}: {why}")
    found = rounds.Found(row, skipped=why)
    found.verdicts = [stats.Verdict(t, stats.INCONCLUSIVE, why)
                      for t in row.targets]
    return found


def one(row, runner, h, clock):
    """A row in a namespace of its own."""
    few = h["quick"] or not (row.targets or h["base"])
    least = FEW if few else stats.ROUNDS
    if row.space == "bbr" and not h["bbr"]:
        return skipped(row, "no bbr here")
    if clock.seconds <= 0:
        return skipped(row, "no time was left")
    apart.network(row.space)
    found = rounds.run(row, runner, clock, least, h["quick"])
    rounds.judge(found, least)
    show.say(show.table(found))
    return found


def measure(rows, runner, h):
    """All rows, none of them at the cost of those to come."""
    usual, total, spare = TIMES["quick" if h["quick"] else "whole"]
    end = time.monotonic() + total + spare
    clock = rounds.Clock(0, spare)
    found = []
    for i, row in enumerate(rows):
        left = end - time.monotonic() - clock.spare
        part = min(usual, left / sum(r.weight for r in rows[i:]))
        clock.seconds = part * row.weight
        found.append(one(row, runner, h, clock))
    return found


def main():
    quick = os.environ.get("QUICK", "") not in ("", "0")
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        apart.be_root()
        files = files_limit()
        rows = chosen([r for r in all_rows() if r.quick or not quick],
                      os.environ.get("ROWS", ""))
        runner = Runner(quick, files)
        if runner.base:
            rows = [rounds.beside_base(r) for r in rows]
        h = header(runner, quick, files)
        show_header(h)
        try:
            found = measure(rows, runner, h)
        finally:
            runner.clear()
    except apart.Unavailable as e:
        sys.exit(f"bench: {e}: it must run as root, or where unshare -Urn "
                 "works")
    except KeyboardInterrupt:
        sys.exit(130)
    show.say(*show.commands(rows, runner))
    finish(found, h, quick, began)


def finish(found, h, quick, began):
    """The rest of the output, and the exit status."""
    h["seconds"] = time.monotonic() - began
    h["steal"] = show.steal(found)
    path = os.environ.get("JSON") or "build/bench.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(show.as_json(h, found), f, indent=1)
        f.write("\n")
    if h["base"]:
        show.say(*show.beside_base(found, h["base"]))
    show.say("", f"{h['seconds']:.0f} s, steal {h['steal']:.0%} on average; "
             f"as JSON: {path}")
    if quick and not h["base"]:
        show.say("QUICK is no verdict. What the rounds look like:")
    if not h["base"]:
        show.say(show.count(found))
    lost = [f.row.name for f in found
            if not f.skipped and not f.figures(f.row.variants[0].name,
                                               f.row.figure)]
    if lost:
        sys.exit(f"bench: rpnc has no figures in {' '.join(lost)}")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    shutil.which("ip") or sys.exit("bench: no ip (iproute2)")
    main()
