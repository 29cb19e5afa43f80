"""rpnc as a client: as a load, at a rate, and over ports that are closed."""
import json
import re
import time

from rounds import Row, Trouble, Variant
from rows_connect import CLIENT, NGINX, NGINX_CONF, configured, serve_web
from rows_echo import ECHO
from stats import Target

PROBE = ("{rpnc} probe --json --by none --echo -c 64 -d {seconds} "
         "--sources 127.0.0.0/24 {host} {port}")
ASKED = PROBE.replace("--by none", "--by diag")     # as without --by
PACE = ("{rpnc} probe --json --busy --echo -c 64 --rate 2000 -d {seconds} "
        "--sources 127.0.0.0/24 {host} {port}")
# One request a connection, as fast as a core can; ab and wrk know no less than
# a second.
REQUEST = "GET / HTTP/1.1\\r\\nHost: bench\\r\\nConnection: close\\r\\n\\r\\n"
WEB = {
    "rpnc": "{rpnc} probe --json --by none --send '" + REQUEST +
            "' --expect '~$' -c 64 -d {seconds} {host} {port}",
    "wrk": "wrk -t 1 -c 64 -d {whole}s -H 'Connection: close' "
           "http://{host}:{port}/",
    "ab": "ab -q -c 64 -t {whole} -n 10000000 http://{host}:{port}/",
}
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
    def run(r):
        server = r.serve(ECHO["bare"])
        found = report(r.call(command, port=server.port,
                              seconds=f"{r.seconds:.3f}"))
        if found["ok"] < found["attempts"]:
            raise Trouble(f"{found['attempts'] - found['ok']} failed")
        late = found["latency"]["late"] or {}
        return {"rate": found["ok"] / found["seconds"] / 1e3,
                "cpu": r.spent / found["ok"] * 1e6,
                "late": late.get("p50", 0)}
    return run


def reported(said):
    """Attempts that went well, and those that did not."""
    found = report(said)
    return found["ok"], found["attempts"] - found["ok"], found["seconds"]


def wrk_says(said):
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", said)
    lost = re.search(r"connect (\d+), read (\d+), write (\d+)", said)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    seconds = float(done[2]) / (1000 if done[3] == "ms" else 1)
    return (int(done[1]), sum(map(int, lost.groups() if lost else ())) +
            int(bad[1] if bad else 0), seconds)


def ab_says(said):
    found = dict(re.findall(r"^([A-Z][^:]*): +([\d.]+)", said, re.M))
    return (int(found["Complete requests"]), int(found["Failed requests"]) +
            int(found.get("Non-2xx responses", 0)),
            float(found["Time taken for tests"]))


def asked(command, says):
    """A client at nginx: what it did, by its own account."""
    def run(r):
        server = serve_web(r, NGINX, "nginx.conf", NGINX_CONF)
        count, lost, seconds = says(r.call(
            command, port=server.port, seconds=f"{r.seconds:.3f}",
            whole=max(1, round(r.seconds))))
        if lost or not count:
            raise Trouble(f"{lost} failed, {count} did not")
        return {"rate": count / seconds / 1e3, "cpu": r.spent / count * 1e6,
                "served": r.end(server) / count * 1e6}
    return run


def web():
    says = {"rpnc": reported, "wrk": wrk_says, "ab": ab_says}
    conf = configured(NGINX_CONF, "/tmp", 9000)
    return Row("probe-web", "a connection for each request, at nginx", [
        Variant(n, asked(c, says[n]), (c, NGINX), conf)
        for n, c in WEB.items()],
        [Target(1, ("wrk", "ab")),
         Target(1, ("wrk", "ab"), "cpu", least=False)], unit="k/s",
        also=(("cpu", "CPU us"), ("served", "nginx us")))


def ceiling(r):
    server = r.serve(ECHO["bare"])
    found = r.call(CLIENT, port=server.port, seconds=f"{r.seconds:.3f}")
    return {"rate": found["requests"] / found["seconds"] / 1e3,
            "cpu": r.spent / found["requests"] * 1e6}


def scanned(command, last):
    """Whole processes, as they are all that a loop has."""
    def run(r):
        began = time.monotonic()
        r.call(command, good=(0, 1), first=FIRST, last=last)
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
            [Target(0.8, ("load",))], unit="k/s",
            also=(("cpu", "CPU us"),)),
        web(),
        Row("pace", "probe --rate 2000 --busy: how late an attempt starts", [
            Variant("rpnc", probed(PACE), (PACE,))],
            [Target(50, metric="late", least=False, says="us late (p50)")],
            figure="late", unit="us", weight=0.4),
        Row("scan", "closed ports, whole processes", scans,
            [Target(1.0, ("nc.openbsd -z",)),
             Target(60, ("loop of nc -z",))], unit="k/s", weight=0.6),
    ]
