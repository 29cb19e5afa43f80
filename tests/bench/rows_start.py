"""What starting costs: a whole process, from its start to its end."""
from rounds import Row, Trouble, Variant
from stats import Target

SPAWN = "{load} spawn -c 100 -t {seconds} "
ABOUT = {
    "rpnc": "{rpnc} --help",
    "bare": "{bare} none",
    "nc.openbsd": "nc.openbsd -h",
    "nc.traditional": "nc.traditional -h",
    "ncat": "ncat --help",
    "socat": "socat -h",
}
CLOSED = {
    "rpnc": "{rpnc} connect {host} 1",
    "nc.openbsd": "nc.openbsd {host} 1",
    "nc.traditional": "nc.traditional {host} 1",
    "ncat": "ncat {host} 1",
    "socat": "socat - TCP:{host}:1",
}


def started(command, status):
    def run(r):
        found = r.call(SPAWN + command, seconds=f"{r.seconds:.3f}")
        if found["status"] not in status:
            raise Trouble(f"status {found['status']}")
        return {"time": found["seconds"] * 1e3,
                "cpu": r.spent / found["starts"] * 1e3}
    return run


def row(name, title, table, status):
    return Row(name, title, [Variant(n, started(c, status), (c,))
                             for n, c in table.items()],
               [Target(1.2, ("nc.openbsd",), "time", least=False),
                Target(0.45, ("ncat",), "time", least=False),
                Target(0.5, ("socat",), "time", least=False)],
               figure="time", unit="ms", also=(("cpu", "CPU ms"),), weight=0.5)


def rows():
    return [
        row("start", "start and end: --help, or -h", ABOUT,
            (0, 1, 2)),
        row("start-closed", "start, connect to a closed port, end", CLOSED,
            (1, 2)),
    ]
