"""Many connections: what they cost idle, what a request costs among them, and
how workers share them.
"""
import signal

from process import text
from rounds import Row, Trouble, Variant
from rows_connect import CLIENT as CONNECT, visits
from rows_echo import ALSO, CLIENT, ECHO, talk
from rows_probe import report
from stats import Target

HOLD = "{load} hold -c {conns} -m 4 {host} {port}"
MANY, WORKERS = 100000, 6
EACH = 18000        # descriptors that a process must be allowed for MANY
PAIR = "{rpnc} echo --json -w 2 {host} {port}"
SIX = "{rpnc} echo -q -w 6 {host} {port}"
BARE_MEMBER = "{bare} echo -r {host} {port}"
MODELS = ("reuseport", "shared", "exclusive", "blocking", "handoff", "fork")
MODEL = "{rpnc} echo -q -w 2 --accept {model} {host} {port}"


def memory(server):
    """KiB that the tree has to itself, with its part of what it shares."""
    total = 0
    for p in server.tree():
        with open(f"/proc/{p}/smaps_rollup", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f
                         if line.startswith("Pss:"))
    return total


def idle(command, conns):
    """Opened, a message on each, and then looked at."""
    def run(r):
        server = r.serve(command)
        kept = [memory(server)]
        found = r.stepped(HOLD, lambda: kept.append(memory(server)),
                          conns=conns, port=server.port)
        if found["requests"] < conns:
            raise Trouble(f"{found['requests']} of {conns} echoed")
        return {"memory": max(0, kept[1] - kept[0]) / conns,
                "time": found["opening"]}
    return run


def among(command, conns):
    def run(r):
        return talk(r, r.serve(command), conns)
    return run


def shared_out(r):
    """What the workers report at their end."""
    out = r.file()
    server = r.serve(PAIR, pinned=False, stdout=out, members=2)
    r.call(CLIENT, conns=1000, jobs=1, seconds=0.1, port=server.port)
    r.end(server, sig=signal.SIGTERM)
    workers = report(text(out))["workers"]
    if sum(w["accepted"] for w in workers) != 1000:
        raise Trouble("not 1000 accepted")
    return {"share": max(w["share"] for w in workers)}


def six(command, processes):
    """So many members; and as many processes for a client."""
    def run(r):
        if r.files < EACH:
            raise Trouble(f"ulimit -n is {r.files}, {EACH} wanted")
        if processes == 1:
            first = r.serve(command, pinned=False, members=WORKERS)
            return talk(r, first, MANY, range(64), WORKERS)
        first = r.serve(command, pinned=False)
        more = [r.start(command, range(64), port=first.port)
                for _ in range(processes - 1)]
        r.await_listener(first, "tcp", first.port, processes)
        return talk(r, first, MANY, range(64), WORKERS, more)
    return run


def accepting(model):
    def run(r):
        return visits(r, r.serve(
            MODEL.replace("{model}", model), pinned=False,
            members=2 if model == "reuseport" else 1))
    return run


def rows():
    sizes = (100, 1000, 10000)
    costs = [Variant(f"{n} {c:,}", among(ECHO[n], c), (ECHO[n], CLIENT))
             for c in sizes for n in ("rpnc", "bare")]
    holders = ("rpnc", "bare", "python")
    return [
        Row("idle", "10,000 idle connections: KiB of the process for each",
            [Variant(n, idle(ECHO[n], 10000), (ECHO[n], HOLD))
             for n in holders],
            [Target(0.5, metric="memory", least=False, timed=False,
                    says="KiB a connection"),
             Target(1, metric="time", least=False,
                    says="s to open all and echo on each")],
            figure="memory", unit="KiB", also=(("time", "s"),)),
        Row("balance", "1,000 connections over 2 workers: the larger share",
            [Variant("rpnc", shared_out, (PAIR,))],
            [Target(0.56, metric="share", least=False, timed=False,
                    says="of all")],
            figure="share", unit="of 1", weight=0.3, again=False),
        Row("models", "connect, echo, close: ways to accept, 2 workers",
            [Variant(m, accepting(m), (MODEL.replace("{model}", m), CONNECT))
             for m in MODELS], unit="k/s", weight=0.7,
            also=(("cpu", "CPU us"), ("p99", "p99 ms"))),
        Row("scale", "echo: what a request costs among many connections",
            costs, [Target(0.9, (f"bare {c:,}",), ours=f"rpnc {c:,}",
                           again="rpnc 100 again", first="rpnc 100")
                    for c in sizes],
            unit="k/s", also=ALSO, weight=1.2),
        Row("scale-100k", "echo on 100,000 connections, 6 workers",
            [Variant("rpnc", six(SIX, 1), (SIX,)),
             Variant("bare", six(BARE_MEMBER, WORKERS), (BARE_MEMBER,))],
            unit="k/s", also=ALSO, weight=2, quick=False),
    ]
