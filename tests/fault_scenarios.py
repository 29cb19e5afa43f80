"""The scenarios of faults.py: what users do with rpnc, each in a Run (fault_run.py).

A scenario is a function of a run. It starts what is traced, one process of rpnc
and all below it, and what that needs (traced=False); it raises Finding.
"""
import os
import signal
import socket
import threading
from subprocess import DEVNULL, PIPE

from driver import check
from fault_run import (DATA, ENDED_BY_TERM, Way, eventually, exchange, proxy,
                       send_all)

GRACE = "--grace", "1"  # what a program may take that can't be killed
LO, ANY = "127.0.0.1", ["127.0.0.1", "0"]
DGRAM, SEQPACKET = socket.SOCK_DGRAM, socket.SOCK_SEQPACKET


# Servers

def serves(run, p, way, answer=lambda data: data):
    """Clients come, the fault hits some of them; the server must go on."""
    for _ in range(4):
        got = exchange(way, DATA[:1000])
        check(got in (None, answer(DATA[:1000])) or run.persists or run.ends_connection or
              way.kind != socket.SOCK_STREAM or not got and way.head,
              "a client's data is cut, and nothing tells it: %d bytes" %
              len(got or b""))
    check(p.poll() is None, "the server ended")
    run.persists or check(
        any(exchange(way, b"last\n") == answer(b"last\n") for _ in range(5)),
        "it does not serve any more")
    run.idle(p)


def ends_by_term(run, p, was_ready=True):
    if was_ready:
        p.send_signal(signal.SIGTERM)
    run.end(p)
    run.judge(p)
    check(was_ready or p.returncode, "status 0, and it was never ready")
    check(not was_ready or p.returncode in ENDED_BY_TERM or p.lines,
          "status %d" % p.returncode)


def a_server(*words, kind=socket.SOCK_STREAM, tls=False, head=b"",
             answer=lambda data: data, place=ANY):
    """A server, which answers with the data, and ends by SIGTERM."""
    def scenario(run):
        p, address = run.ready([*words[:1], *dashed(words[1:], place)])
        if address:
            serves(run, p, Way(address, kind, tls, head), answer)
        ends_by_term(run, p, address)
        if isinstance(address, str):
            # who can't look at its file does not remove it
            check(not os.path.exists(address) or run.call in ("unlink", "newfstatat"),
                  "its path is left")
    return scenario


def dashed(words, place):
    """The place goes before "-- COMMAND"."""
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *place, *words[at:]]


def a_listed(*words):
    """A server with a socket that another program opened."""
    def scenario(run):
        with socket.create_server((LO, 0)) as s:
            fd = s.fileno()
            p = run.popen([run.rpnc, *words, "--listen-fd", str(fd)],
                          pass_fds=[fd], stdin=DEVNULL)
            address = s.getsockname()
        serves(run, p, Way(address)) if eventually(
            lambda: exchange(Way(address)) == b"hello\n" or
            p.poll() is not None) and p.poll() is None else None
        ends_by_term(run, p, p.poll() is None)
    return scenario


def an_adopter(run):
    """It takes over another program's socket, which loses nobody."""
    old, address = run.adopted()
    p, ready = run.ready(["echo", "--adopt", str(old.pid)])
    if ready:
        run.stop(old)
        serves(run, p, Way(address))
    else:
        check(exchange(Way(address)) == b"old\n", "the other one is touched")
        run.stop(old)
    ends_by_term(run, p, ready)


# Members of a group

def others(address, count=20, kind=socket.SOCK_STREAM):
    """Another member serves all that come."""
    for _ in range(count):
        check(exchange(Way(address, kind)) == b"hello\n",
              "a client of another is lost")


def start_other(run, name="other", port=0, *words):
    return run.ready(["echo", "-r", "--name", name, *words, LO, str(port)],
                     traced=False)


def free_port():
    """For UDP; a group of it can't have port 0."""
    with socket.socket(socket.AF_INET, DGRAM) as s:
        s.bind((LO, 0))
        return s.getsockname()[1]


def a_member(command, *words, kind=socket.SOCK_STREAM):
    """It joins another, serves and leaves."""
    def scenario(run):
        udp = ["-u"] if kind == DGRAM else []
        other, address = start_other(run, "other", free_port() if udp else 0, *udp)
        p, ready = run.ready([command, "-r", *dashed(words, [LO, str(address[1])])])
        if ready:
            serves(run, p, Way(address, kind))
        ends_by_term(run, p, ready)
        check(other.poll() is None, "the other member has ended")
        others(address, kind=kind)
        run.stop(other)
    return scenario


def a_successor(run):
    """It replaces old; if it can't, old stays."""
    other, address = start_other(run)
    old, _ = start_other(run, "old", address[1])
    p, ready = run.ready(["echo", "-r", "--replace", "old", LO, str(address[1])])
    others(address)
    if ready:
        serves(run, p, Way(address))
    ends_by_term(run, p, ready)
    others(address)
    check(ready or old.poll() is None, "neither of both is there")
    run.stop(other)
    if old.poll() is None:
        old.send_signal(signal.SIGTERM)
    run.end(old)


def a_replaced(run):
    """It is replaced."""
    other, address = start_other(run)
    p, ready = run.ready(["echo", "-r", "--name", "old", LO, str(address[1])])
    if ready:
        new, _ = start_other(run, "new", address[1], "--replace", "old")
        others(address)
        # it can't have been asked, if its registry failed
        if not eventually(lambda: p.poll() is not None):
            p.send_signal(signal.SIGTERM)
        run.stop(new)
    run.end(p)
    run.judge(p)
    others(address)
    run.stop(other)


def a_live_member(run):
    """With --live, on a terminal."""
    other, address = start_other(run)
    p = run.on_terminal([run.rpnc, "echo", "-r", "--live", "--name", "live",
                         LO, str(address[1])])
    if run.shows(p, b"other", 3):
        serves(run, p, Way(address))
    if p.poll() is None:
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)
    others(address)
    run.stop(other)


# Who receives

def a_receiver(*words, kind=socket.SOCK_STREAM, tls=False, head=b"", place=ANY,
               data=DATA):
    """listen, for one client, who sends data."""
    def scenario(run):
        p, address = run.ready(["listen", *words, *place], stdout=PIPE)
        if address:
            send_all(Way(address, kind, tls, head), data)
        out = run.talk_until(p, 5)
        run.judge(p)
        check(p.returncode or out == data, "status 0, and %d of %d bytes" %
              (len(out), len(data)))
    return scenario


def a_receiver_of_datagrams(run):
    p, address = run.ready(["listen", "-u", "--idle-timeout", "0.2", *ANY],
                           stdout=PIPE)
    if address:
        send_all(Way(address, DGRAM), DATA[:1000])
    out = run.talk_until(p, 5)
    run.judge(p)
    check(p.returncode or out in (DATA[:1000], b""), "status 0, and cut")


def a_receiver_once_for_program(run):
    p, address = run.ready(["listen", *GRACE, *ANY, "--", "cat"])
    got = exchange(Way(address), DATA) if address else None
    check(got in (None, DATA) or run.persists,
          "a client's data is cut, and nothing tells it: %d" % len(got or b""))
    run.talk_until(p, 1)
    run.judge(p)


# Clients

def a_client(*words, server=("echo",), place=ANY, data=DATA, through=0, stdin=None,
             answer=lambda data: data):
    """connect sends data to an echo server, and writes what comes back."""
    def scenario(run):
        s, address = run.ready([*server, *place], traced=False)
        target = [LO, str(address[1])] if isinstance(address, tuple) else [address]
        chain = [word for n in range(through) for word in
                 ("--proxy", "%s://%s:%d" % (("socks5", "http")[n], *proxy()))]
        p = run.popen([run.rpnc, "connect", *words, *chain, *target], stdout=PIPE,
                      stdin=stdin(run, data) if stdin else PIPE)
        timer = threading.Timer(1.5, s.terminate)
        timer.start() if run.ends_connection else None
        out = run.talk(p, None if stdin else data)
        timer.cancel()
        run.judge(p)
        check(p.returncode or out == answer(data), "status 0, and %d of %d bytes" %
              (len(out), len(data)))
        check(exchange(Way(address, *kind_of(server))) is not None or
              run.ends_connection, "the server is touched")
        run.stop(s)
    return scenario


def kind_of(server):
    if "--tls" in server:
        return socket.SOCK_STREAM, True
    return (DGRAM if "-u" in server else SEQPACKET if "--seqpacket" in server
            else socket.SOCK_STREAM,)


def from_file(run, data):
    with open(run.path("input"), "wb") as f:
        f.write(data)
    return open(run.path("input"), "rb")


def a_client_of_member(run):
    other, address = start_other(run)
    second, _ = start_other(run, "second", address[1])
    p = run.popen([run.rpnc, "connect", "--to", "second", LO, str(address[1])],
                  stdin=PIPE, stdout=PIPE)
    out = run.talk(p, DATA)
    run.judge(p)
    check(p.returncode or out == DATA, "status 0, and %d bytes" % len(out))
    others(address)
    run.stop(other, second)


def a_prompt(run):
    """connect at a terminal: a line there and back, and the end of input."""
    server, address = run.ready(["echo", *ANY], traced=False)
    p = run.on_terminal([run.rpnc, "connect", LO, str(address[1])])
    if run.shows(p, b"connected to") and run.shows(p, b">", 2):
        os.write(p.master, b"say\r")
        if run.shows(p, b"\nsay", 1) or p.poll() is None:
            os.write(p.master, b"\4")
    if not eventually(lambda: run.show(p) and False or p.poll() is not None, 3):
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)
    run.stop(server)


def a_listening_prompt(run):
    """listen -k at a terminal: a client is answered by the user."""
    p = run.on_terminal([run.rpnc, "listen", "-k", *ANY])
    if run.shows(p, b"listening on " + LO.encode(), 3):
        run.shows(p, b">", 1)
        port = int(p.shown.split(b"listening on 127.0.0.1:")[1].split()[0])
        try:
            with socket.create_connection((LO, port), 3) as s:
                s.sendall(b"from the client\n")
                run.shows(p, b"from the client", 2)
                os.write(p.master, b"back\r")
                run.show(p, 0.3)
        except OSError:
            pass
        os.write(p.master, b"\4")
    if not eventually(lambda: run.show(p) and False or p.poll() is not None, 1):
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)


# Probes

def a_probe(*words, server=("echo", "-r"), place=ANY, through=0, files=()):
    def scenario(run):
        s, address = run.ready([*server, *(
            [LO, str(free_port())] if "-u" in server else place)], traced=False)
        target = [LO, str(address[1])] if isinstance(address, tuple) else [address]
        chain = ["--proxy", "socks5://%s:%d" % proxy()] if through else []
        p = run.popen([run.rpnc, "probe", *dashed(words, chain + target)],
                      stdin=DEVNULL, stdout=PIPE)
        out = run.talk(p, None)
        reported(run, p, out, files)
        check(exchange(Way(address, *kind_of(server))) is not None,
              "the server is touched")
        run.stop(s)
    return scenario


def reported(run, p, out, files=()):
    run.judge(p, out)
    check(p.returncode or out, "status 0, and no report")
    check(p.returncode or all(os.path.getsize(run.path(f)) for f in files
                              if os.path.exists(run.path(f)) or check(
                                  False, "status 0, and no " + f)), "an empty file")
    check(not [f for f in os.listdir(run.place) if f.endswith((".tmp", "~"))],
          "a file of its own is left")


def a_probe_on_terminal(run):
    server, address = start_other(run)
    p = run.on_terminal([run.rpnc, "probe", "--watch=0.1", "-d", "0.3", "--rate",
                         "50", LO, str(address[1])])
    run.leaves_terminal(p)
    others(address)
    run.stop(server)


def a_scan(run):
    server, (_, port) = run.ready(["echo", *ANY], traced=False)
    p = run.popen([run.rpnc, "probe", LO, "%d-%d" % (port, min(port + 3, 65535))],
                  stdin=DEVNULL, stdout=PIPE)
    reported(run, p, run.talk(p, None))
    run.stop(server)


def a_comparison(run):
    p = run.popen([run.rpnc, "probe", "--compare", "-d", "0.02", "-n", "9", "-w", "1", "-c", "2"],
                  stdin=DEVNULL, stdout=PIPE)
    reported(run, p, run.talk(p, None))


def a_merge(run):
    for name in "a", "b":
        with open(run.path(name), "wb") as f:
            f.write(report(run))
    p = run.popen([run.rpnc, "probe", "--merge", "a", "b"], stdin=DEVNULL, stdout=PIPE)
    reported(run, p, run.talk(p, None))


def report(run):
    server, address = start_other(run)
    p = run.popen([run.rpnc, "probe", "--json", "-n", "3", LO, str(address[1])],
                  traced=False, stdin=DEVNULL, stdout=PIPE)
    out = run.talk(p, None)
    run.stop(server)
    return out


def a_quarantine(mode):
    """A stuck member is kept away from clients, and then it is let go."""
    def scenario(run):
        other, address = start_other(run)
        stuck, _ = start_other(run, "stuck", address[1])
        stuck.send_signal(signal.SIGSTOP)
        p = run.popen([run.rpnc, "probe", "--yes", "--json", "--" + mode, "stuck", LO,
                       str(address[1])], stdin=DEVNULL)
        eventually(lambda: p.poll() is not None or
                   b"quarantined" in run.output(), 3)
        if p.poll() is None:
            run.persists or others(address, 10)
            p.send_signal(signal.SIGTERM)
        stuck.send_signal(signal.SIGCONT)
        run.end(p)
        run.judge(p, run.output())
        others(address)
        run.stop(other, stuck)
    return scenario


MODELS = "shared exclusive reuseport blocking handoff".split()
SOCKET = ["-U", "socket"]
HEADER = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
PROBE = "-n", "5", "--echo"

SCENARIOS = {
    "connect": a_client(),
    "connect-file": a_client(stdin=from_file),
    "connect-hex": a_client("-x"),
    "connect-udp": a_client("-u", "--linger", "0.3", server=("echo", "-u"),
                            data=b"hello\n"),
    "connect-unix": a_client("-U", server=("echo",), place=SOCKET),
    "connect-seqpacket": a_client("-U", "--seqpacket", place=SOCKET,
                                  server=("echo", "--seqpacket")),
    "connect-tls": a_client("--tls", "--tls-insecure", server=("echo", "--tls")),
    "connect-proxy": a_client(through=1),
    "connect-chain": a_client(through=2),
    "connect-to": a_client_of_member,
    "prompt": a_prompt,

    "listen": a_receiver(),
    "listen-events": a_receiver("--events", "events", "-v"),
    "listen-udp": a_receiver_of_datagrams,
    "listen-unix": a_receiver(place=SOCKET),
    "listen-tls": a_receiver("--tls", tls=True),
    "listen-proxied": a_receiver("--accept-proxy", head=HEADER),
    "listen-prompt": a_listening_prompt,
    "listen-program": a_server("listen", "-k", *GRACE, "--", "cat"),
    "listen-program-once": a_receiver_once_for_program,
    "listen-program-tls": a_server("listen", "-k", *GRACE, "--tls", "--", "cat", tls=True),
    "listen-program-member": a_member("listen", "-k", *GRACE, "--", "cat"),

    "echo": a_server("echo"),
    **{"echo-" + model: a_server("echo", "-w", "2", "--accept", model)
       for model in MODELS},
    "echo-fork": a_server("echo", "--accept", "fork"),
    "echo-one": a_server("echo", "-m", "1"),
    "echo-one-fork": a_server("echo", "-m", "1", "--accept", "fork"),
    "echo-source": a_server("echo", "--max-per-source", "1"),
    "echo-udp": a_server("echo", "-u", kind=DGRAM),
    "echo-udp-workers": a_server("echo", "-u", "-w", "2", kind=DGRAM),
    "echo-unix": a_server("echo", place=SOCKET),
    "echo-unix-shared": a_server("echo", "-w", "2", "--accept", "shared",
                                 place=SOCKET),
    "echo-unix-datagrams": a_server("echo", "-u", place=SOCKET, kind=DGRAM),
    "echo-seqpacket": a_server("echo", "--seqpacket", place=SOCKET,
                               kind=SEQPACKET),
    "echo-tls": a_server("echo", "--tls", tls=True),
    "echo-tls-workers": a_server("echo", "--tls", "-w", "2", tls=True),
    "echo-tls-fork": a_server("echo", "--tls", "--accept", "fork", tls=True),
    "echo-proxied": a_server("echo", "--accept-proxy", head=HEADER),
    "echo-slow": a_server("echo", "--limit-rate", "100K", "--stall", "1ms:2"),
    "echo-events": a_server("echo", "--events", "events", "-v", "--discard",
                            answer=lambda data: b""),
    "echo-listen-fd": a_listed("echo"),
    "echo-adopt": an_adopter,

    "member": a_member("echo"),
    "member-workers": a_member("echo", "-w", "2"),
    "member-udp": a_member("echo", "-u", kind=DGRAM),
    **{"member-" + how: a_member("echo", "--leave", how)
       for how in ("steer", "gate", "drain", "close")},
    "member-weight": a_member("echo", "--weight", "50"),
    "member-live": a_live_member,
    "replace": a_successor,
    "replaced": a_replaced,

    "probe": a_probe(*PROBE),
    "probe-load": a_probe("-c", "8", "-d", "0.1", "--rate", "200"),
    "probe-udp": a_probe("-u", *PROBE, server=("echo", "-u", "-r")),
    "probe-unix": a_probe(*PROBE, server=("echo",), place=SOCKET),
    "probe-tls": a_probe("--tls", "--tls-insecure", *PROBE,
                         server=("echo", "--tls")),
    "probe-proxy": a_probe("-n", "1", "--echo", through=1),
    "probe-to": a_probe("--to", "A", *PROBE),
    "probe-json": a_probe("--json", *PROBE),
    "probe-files": a_probe("--html", "page", "--openmetrics", "metrics", "--hdr-log",
                           "log", *PROBE, files=("page", "metrics", "log")),
    "probe-group": a_probe("--group"),
    "probe-each": a_probe("--each"),
    "probe-during": a_probe("--during", "-d", "0.1", "--echo", "--", "true"),
    "probe-scan": a_scan,
    "probe-watch": a_probe_on_terminal,
    "probe-compare": a_comparison,
    "probe-merge": a_merge,
    "probe-quarantine": a_quarantine("quarantine"),
    "probe-rescue": a_quarantine("rescue"),
}
