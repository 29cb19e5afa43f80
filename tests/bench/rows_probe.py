"""rpnc as a client: as a load, at a rate, and over ports that are closed."""
import json
import time

from rounds import Row, Trouble, Variant
from rows_connect import CLIENT
from rows_echo import ECHO
from stats import Target

PROBE = ("{rpnc} probe --json --by none --echo -c 64 -d {seconds} "
         "--sources 127.0.0.0/24 {host} {port}")
ASKED = PROBE.replace("--by none", "--by diag")     # as without --by
PACE = ("{rpnc} probe --json --busy --echo -c 64 --rate 2000 -d {seconds} "
        "--sources 127.0.0.0/24 {host} {port}")
FIRST, LAST, FEW = 20001, 30000, 20200
SCANS = {
    "rpnc": "{rpnc} probe -q {host} {first}-{last}",
    "nc.openbsd -z": "nc.openbsd -z {host} {first}-{last}",
    "load scan": "{load} scan {host} {first} {last}",
    "nc.traditional": "nc.traditional -z {host} {first}-{last}",
    "loop of nc -z": "sh -c 'for p in $(seq {first} {last}); do "
                     "nc.openbsd -z {host} $p; done'",
}


def report(said):
    """The last of the events that rpnc wrote."""
    try:
        last = said if isinstance(said, dict) else \
            json.loads(said.splitlines()[-1])
        if last["event"] == "report":
            return last
    except (ValueError, LookupError):
        pass
    raise Trouble("no report")


def probed(command):
    def run(g):
        server = g.serve(ECHO["bare"])
        found = report(g.call(command, port=server.port,
                              seconds=f"{g.seconds:.3f}"))
        if found["ok"] < found["attempts"]:
            raise Trouble(f"{found['attempts'] - found['ok']} failed")
        late = found["latency"]["late"] or {}
        return {"rate": found["ok"] / found["seconds"] / 1e3,
                "cpu": g.spent / found["ok"] * 1e6,
                "late": late.get("p50", 0)}
    return run


def ceiling(g):
    server = g.serve(ECHO["bare"])
    found = g.call(CLIENT, port=server.port, seconds=f"{g.seconds:.3f}")
    return {"rate": found["requests"] / found["seconds"] / 1e3,
            "cpu": g.spent / found["requests"] * 1e6}


def scanned(command, last):
    """Whole processes, as they are all that a loop has."""
    def run(g):
        began = time.monotonic()
        g.call(command, good=(0, 1), first=FIRST, last=last)
        seconds = time.monotonic() - began
        return {"rate": (last - FIRST + 1) / seconds / 1e3}
    return run


def rows():
    scans = []
    for name, command in SCANS.items():
        last = FEW if "loop" in name else LAST
        shown = command.replace("{first}", str(FIRST)).replace(
            "{last}", str(last))
        scans.append(Variant(name, scanned(command, last), (shown,)))
    return [
        Row("probe", "probe --echo -c 64 at a bare server, as a load", [
            Variant("rpnc", probed(PROBE), (PROBE,)),
            Variant("rpnc --by diag", probed(ASKED), (ASKED,)),
            Variant("load", ceiling, (CLIENT,))],
            [Target(0.85, ("load",))], unit="k/s",
            also=(("cpu", "CPU us"),)),
        Row("pace", "probe --rate 2000 --busy: how late an attempt starts", [
            Variant("rpnc", probed(PACE), (PACE,))],
            [Target(50, metric="late", least=False, says="us late (p50)")],
            figure="late", unit="us", weight=0.4),
        Row("scan", "closed ports, whole processes", scans,
            [Target(1.0, ("nc.openbsd -z",)),
             Target(60, ("loop of nc -z",))], unit="k/s", weight=0.6),
    ]
