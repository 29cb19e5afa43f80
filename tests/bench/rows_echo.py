"""Messages of 64 bytes that are sent back, on connections that stay."""
from rounds import Hung, Row, Trouble, Variant
from stats import Target

ECHO = {
    "rpnc": "{rpnc} echo -q {host} {port}",
    "bare": "{bare} echo {host} {port}",
    "python": "python3 {here}/selectors_echo.py {host} {port}",
    "socat fork":
        "socat TCP-LISTEN:{port},bind={host},reuseaddr,fork,backlog=4096 PIPE",
    "ncat -e cat": "ncat -l -k -m 4096 -e /bin/cat {host} {port}",
}
CLIENT = "{load} echo -m 16 -c {conns} -j {jobs} -t {seconds} {host} {port}"
BUSY = "{rpnc} echo -q --busy {host} {port}"
WORK = "{rpnc} echo -q --work 20us -w {workers} {host} {port}"
ALSO = (("cpu", "CPU us"), ("p50", "p50 ms"), ("p99", "p99 ms"))


def talk(r, server, conns, cores=None, jobs=1, also=()):
    """Only what is spent once all are connected counts, with that of the
    other processes that serve."""
    serving = (server, *also)

    def start_clock():
        for p in serving:
            p.cpu = -p.spent()

    seconds = max(r.seconds, min(2.0, conns / 20000))
    found = r.stepped(CLIENT, start_clock, cores, seconds * 2 + 40, jobs=jobs,
                      conns=conns, seconds=f"{seconds:.3f}", port=server.port)
    if found["failed"]:
        raise Trouble(f"{found['failed']} connections failed")
    if not found["requests"]:
        raise Hung()
    return {"rate": found["requests"] / found["seconds"] / 1e3,
            "cpu": r.end(*serving) / found["requests"] * 1e6,
            "p50": found["p50"] / 1e3, "p99": found["p99"] / 1e3}


def echo(serve, conns, same_core=False):
    def run(r):
        server = r.serve(serve)
        return talk(r, server, conns, r.server_core if same_core else None)
    return run


def variants(conns, names=tuple(ECHO), same_core=False):
    return [Variant(n, echo(ECHO[n], conns, same_core), (ECHO[n], CLIENT))
            for n in names]


def row(name, title, ways, targets=(), **more):
    return Row(name, title, ways, list(targets), unit="k/s", also=ALSO, **more)


def workers(n):
    """Not pinned: the workers have all cores, and so has the client."""
    def run(r):
        server = r.serve(WORK.replace("{workers}", str(n)), pinned=False,
                         members=n)
        return talk(r, server, 50, cores=range(64))
    return run


def rows():
    return [
        row("echo-1", "echo, 1 connection, client on the same core",
            variants(1, same_core=True), [Target(0.9, ("bare",))]),
        row("echo-1-cores", "echo, 1 connection, client on another core",
            variants(1, ("rpnc",)) +
            [Variant("rpnc --busy", echo(BUSY, 1), (BUSY,))] +
            variants(1, ("bare", "python", "socat fork")), weight=0.5),
        row("echo-50", "echo, 50 connections, 1 worker", variants(50),
            [Target(4, ("ncat -e cat",)), Target(2.9, ("socat fork",)),
             Target(1.1, ("python",)), Target(0.9, ("bare",)),
             Target(0.35, ("socat fork",), "cpu", least=False)]),
        row("echo-1000", "echo, 1,000 connections, 1 worker",
            variants(1000, ("rpnc", "bare", "python", "socat fork")),
            [Target(7, ("socat fork",)), Target(1.15, ("python",)),
             Target(0.9, ("bare",))], weight=1.2),
        row("work", "echo --work 20us, 50 connections", [
            Variant(f"rpnc -w {n}", workers(n),
                    (WORK.replace("{workers}", str(n)), CLIENT))
            for n in (2, 1)],
            [Target(1.4, ("rpnc -w 1",), ours="rpnc -w 2",
                    again="rpnc -w 2 again")], weight=0.8),
    ]
