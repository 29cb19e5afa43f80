"""The scenarios of faults.py: what users do with rpnc, each in a Run (fault_run.py).

A scenario is a function of a run. It starts the traced rpnc, and what that
needs (traced=False). It raises Finding if something is wrong. run.expect()
checks what must hold only in the run without a fault.
"""
import os
import signal
import socket
import threading
from subprocess import DEVNULL, PIPE

from driver import Finding, check
from fault_run import (DATA, LIMIT, ENDED_BY_TERM, Target, eventually, exchange, proxy,
                       send_all)

GRACE = "--grace", "1"  # a program that can't be killed delays the end so long
LO, ANY = "127.0.0.1", ["127.0.0.1", "0"]
DGRAM, SEQPACKET = socket.SOCK_DGRAM, socket.SOCK_SEQPACKET


# Servers

def serves(run, p, target, answer=lambda data: data):
    """Clients come, and the fault hits some of them; the server must go on."""
    for _ in range(4):
        got = exchange(target, DATA[:1000])
        run.expect(got == answer(DATA[:1000]), "a client is not served")
        check(got in (None, answer(DATA[:1000])) or run.persists or
              run.ends_connection or target.kind != socket.SOCK_STREAM or
              not got and target.head,
              "a client's data is cut, and nothing tells it: %d bytes" %
              len(got or b""))
    if p.poll() is not None and run.loses_spawner:
        return
    check(p.poll() is None, "the server ended")
    if not run.persists:
        check(any(exchange(target, b"last\n") == answer(b"last\n")
                  for _ in range(5)), "it does not serve any more")
    run.idle(p)


def ends_by_term(run, p, was_ready=True):
    if was_ready:
        p.send_signal(signal.SIGTERM)
    run.end(p)
    run.judge(p)
    run.expect(p.returncode in ENDED_BY_TERM, "status %d" % p.returncode)
    # 6 and 7 are a probe's
    check(p.returncode not in (0, 6, 7), "status %d, by SIGTERM" % p.returncode)


def a_server(*words, kind=socket.SOCK_STREAM, tls=False, head=b"",
             answer=lambda data: data, where=ANY):
    """A server, which answers with the data, and ends by SIGTERM."""
    def scenario(run):
        p, address = run.ready([*words[:1], *with_address(words[1:], where)])
        if address:
            serves(run, p, Target(address, kind, tls, head), answer)
        ends_by_term(run, p, address)
        if isinstance(address, str):
            # rpnc removes its file only if it can see that it is its own
            check(not os.path.exists(address) or run.call in ("unlink", "newfstatat"),
                  "its path is left")
    return scenario


def words_of(address):
    return [LO, str(address[1])] if isinstance(address, tuple) else [address]


def with_address(words, where):
    """The words and an address, which goes before "-- COMMAND"."""
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *where, *words[at:]]


def a_listed(*words):
    """A server with a socket that another program opened."""
    def scenario(run):
        with socket.create_server((LO, 0)) as s:
            fd = s.fileno()
            p = run.popen([run.rpnc, *words, "--listen-fd", str(fd)],
                          pass_fds=[fd], stdin=DEVNULL)
            address = s.getsockname()
        began = eventually(lambda: exchange(Target(address)) == b"hello\n" or
                           p.poll() is not None)
        check(began or run.persists, "it does not serve")
        runs = p.poll() is None
        if began and runs:
            serves(run, p, Target(address))
        ends_by_term(run, p, runs)
    return scenario


def an_adopter(run):
    """It takes over another program's socket, and no client is lost."""
    old, address = run.adopted()
    p, ready = run.ready(["echo", "--adopt", str(old.pid)])
    if ready:
        run.stop(old)
        serves(run, p, Target(address))
    else:
        with socket.create_connection(address, LIMIT) as s:
            check(s.recv(9) == b"old\n", "the other one is touched")
        run.stop(old)
    ends_by_term(run, p, ready)


# Members of a group

def others(address, count=20, kind=socket.SOCK_STREAM):
    """Another member serves all clients that come."""
    for _ in range(count):
        check(exchange(Target(address, kind)) == b"hello\n",
              "a client of another is lost")


def others_while(p, address):
    """The same, as long as p runs."""
    try:
        others(address, 10)
    except Finding:
        if not eventually(lambda: p.poll() is not None):
            raise


def start_other(run, name="other", port=0, *words):
    return run.ready(["echo", "-r", "--name", name, *words, LO, str(port)],
                     traced=False)


def free_port():
    """For UDP, where a group can't have port 0."""
    with socket.socket(socket.AF_INET, DGRAM) as s:
        s.bind((LO, 0))
        return s.getsockname()[1]


def a_member(command, *words, kind=socket.SOCK_STREAM):
    """It joins another, serves and leaves."""
    def scenario(run):
        udp = ["-u"] if kind == DGRAM else []
        other, address = start_other(run, "other", free_port() if udp else 0, *udp)
        p, ready = run.ready([command, "-r",
                              *with_address(words, words_of(address))])
        if ready:
            serves(run, p, Target(address, kind))
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
    if ready:
        serves(run, p, Target(address))
    else:
        others(address)
    ends_by_term(run, p, ready)
    others(address)
    # what can't write its address was ready all the same
    check(ready or old.poll() is None or run.call == "write",
          "neither of both is there")
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
        ended = eventually(lambda: p.poll() is not None)
        # a fault of its registry hides the request from it
        run.expect(ended, "it does not end when it is replaced")
        if not ended:
            p.send_signal(signal.SIGTERM)
        run.stop(new)
    run.end(p)
    run.judge(p)
    run.expect(p.returncode == 0, "status %d" % p.returncode)
    others(address)
    run.stop(other)


def a_live_member(run):
    """With --live, on a terminal."""
    other, address = start_other(run)
    p = run.on_terminal([run.rpnc, "echo", "-r", "--live", "--name", "live",
                         LO, str(address[1])])
    shown = run.shows(p, b"other", 3)
    run.expect(shown, "it does not show the other member")
    if shown:
        serves(run, p, Target(address))
    if p.poll() is None:
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)
    others(address)
    run.stop(other)


# Receivers

def a_receiver(*words, kind=socket.SOCK_STREAM, tls=False, head=b"", where=ANY,
               data=DATA):
    """listen, for one client, who sends data."""
    def scenario(run):
        p, address = run.ready(["listen", *words, *where], stdout=PIPE)
        if address:
            send_all(Target(address, kind, tls, head), data)
        out = run.talk_until(p, 5)
        run.judge(p)
        run.expect(p.returncode == 0, "status %d" % p.returncode)
        check(p.returncode or out == data, "status 0, and %d of %d bytes" %
              (len(out), len(data)))
    return scenario


def a_receiver_of_datagrams(run):
    p, address = run.ready(["listen", "-u", "--idle-timeout", "0.2", *ANY],
                           stdout=PIPE)
    if address:
        send_all(Target(address, DGRAM), DATA[:1000])
    out = run.talk_until(p, 5)
    run.judge(p)
    # 4: --idle-timeout ends it
    run.expect(p.returncode == 4 and out == DATA[:1000],
               "status %d, and %d of 1000 bytes" % (p.returncode, len(out)))
    check(p.returncode not in (0, 4) or out in (DATA[:1000], b""),
          "status %d, and %d bytes" % (p.returncode, len(out)))


def a_receiver_once_for_program(run):
    p, address = run.ready(["listen", *GRACE, *ANY, "--", "cat"])
    got = exchange(Target(address), DATA) if address else None
    run.expect(got == DATA, "the program does not answer")
    check(got in (None, DATA) or run.persists,
          "a client's data is cut, and nothing tells it: %d" % len(got or b""))
    run.talk_until(p, 1)
    run.judge(p)
    run.expect(p.returncode == 0, "status %d" % p.returncode)


# Clients

def talk_to(run, server, p, data):
    """What p says when it gets data. If the kernel has ended its connection, the
    server must end, too."""
    timer = threading.Timer(1.5, server.terminate)
    if run.ends_connection:
        timer.start()
    out = run.talk(p, data)
    timer.cancel()
    return out


def a_client(*words, server=("echo",), where=ANY, data=DATA, through=0,
             stdin=None, answer=lambda data: data):
    """connect sends data to an echo server, and writes what comes back."""
    def scenario(run):
        s, address = run.ready([*server, *where], traced=False)
        operands = words_of(address)
        chain = [word for n in range(through) for word in
                 ("--proxy", "%s://%s:%d" % (("socks5", "http")[n], *proxy()))]
        p = run.popen([run.rpnc, "connect", *words, *chain, *operands],
                      stdin=stdin(run, data) if stdin else PIPE, stdout=PIPE)
        out = talk_to(run, s, p, None if stdin else data)
        run.judge(p)
        run.expect(p.returncode == 0, "status %d" % p.returncode)
        check(p.returncode or out == answer(data), "status 0, and %d of %d bytes" %
              (len(out), len(data)))
        check(exchange(Target(address, *kind_of(server))) is not None or
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
    out = talk_to(run, second, p, DATA)
    run.judge(p)
    run.expect(p.returncode == 0, "status %d" % p.returncode)
    check(p.returncode or out == DATA, "status 0, and %d bytes" % len(out))
    others(address)
    run.stop(other, second)


def a_prompt(run):
    """connect at a terminal: a line there and back, and the end of input."""
    server, address = run.ready(["echo", *ANY], traced=False)
    p = run.on_terminal([run.rpnc, "connect", LO, str(address[1])])
    asks = run.shows(p, b"connected to") and run.shows(p, b">", 2)
    run.expect(asks, "no prompt")
    if asks:
        os.write(p.master, b"say\r")
        answered = run.shows(p, b"\rsay", 1)
        run.expect(answered, "the answer is not shown")
        if answered or p.poll() is None:
            os.write(p.master, b"\4")
    if not eventually(lambda: run.show(p) and False or p.poll() is not None, 3):
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)
    run.expect(p.returncode == 0, "status %d" % p.returncode)
    run.stop(server)


def a_listening_prompt(run):
    """listen -k at a terminal: a client is answered by the user."""
    p = run.on_terminal([run.rpnc, "listen", "-k", *ANY])
    listens = run.shows(p, b"listening on " + LO.encode(), 3)
    run.expect(listens, "it does not listen")
    if listens:
        run.shows(p, b">", 1)
        port = int(p.shown.split(b"listening on 127.0.0.1:")[1].split()[0])
        try:
            with socket.create_connection((LO, port), 3) as s:
                s.sendall(b"from the client\n")
                run.expect(run.shows(p, b"from the client", 2),
                           "the client's line is not shown")
                os.write(p.master, b"back\r")
                s.settimeout(0.3)
                run.expect(s.recv(100) == b"back\n", "no answer to the client")
        except OSError as e:
            run.expect(False, "the client: %s" % e)
        os.write(p.master, b"\4")
    if not eventually(lambda: run.show(p) and False or p.poll() is not None, 1):
        p.send_signal(signal.SIGTERM)
    run.leaves_terminal(p)


# Probes

def a_probe(*words, server=("echo", "-r"), where=ANY, through=0, files=()):
    def scenario(run):
        s, address = run.ready([*server, *(
            [LO, str(free_port())] if "-u" in server else where)], traced=False)
        operands = words_of(address)
        chain = ["--proxy", "socks5://%s:%d" % proxy()] if through else []
        p = run.popen([run.rpnc, "probe",
                       *with_address(words, chain + operands)],
                      stdin=DEVNULL, stdout=PIPE)
        out = run.talk(p, None)
        reported(run, p, out, files)
        check(exchange(Target(address, *kind_of(server))) is not None,
              "the server is touched")
        run.stop(s)
    return scenario


def reported(run, p, out, files=()):
    run.judge(p, out)
    run.expect(p.returncode == 0, "status %d" % p.returncode)
    check(p.returncode or out, "status 0, and no report")
    for f in () if p.returncode else files:
        check(os.path.exists(run.path(f)) and os.path.getsize(run.path(f)),
              "status 0, and no " + f)
    check(not [f for f in os.listdir(run.directory)
               if f.endswith((".tmp", "~"))], "a temporary file is left")


def a_probe_on_terminal(run):
    server, address = start_other(run)
    p = run.on_terminal([run.rpnc, "probe", "--watch=0.1", "-d", "0.3", "--rate",
                         "50", LO, str(address[1])])
    run.leaves_terminal(p, b"failed ")
    run.expect(p.returncode == 0, "status %d" % p.returncode)
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
        run.expect(b"quarantined" in run.output(), "it is not quarantined")
        if p.poll() is None and not run.persists:
            others_while(p, address)
        if p.poll() is None:
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
    "connect-unix": a_client("-U", server=("echo",), where=SOCKET),
    "connect-seqpacket": a_client("-U", "--seqpacket", where=SOCKET,
                                  server=("echo", "--seqpacket")),
    "connect-tls": a_client("--tls", "--tls-insecure", server=("echo", "--tls")),
    "connect-proxy": a_client(through=1),
    "connect-chain": a_client(through=2),
    "connect-to": a_client_of_member,
    "prompt": a_prompt,

    "listen": a_receiver(),
    "listen-events": a_receiver("--events", "events", "-v"),
    "listen-udp": a_receiver_of_datagrams,
    "listen-unix": a_receiver(where=SOCKET),
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
    "echo-unix": a_server("echo", where=SOCKET),
    "echo-unix-shared": a_server("echo", "-w", "2", "--accept", "shared",
                                 where=SOCKET),
    "echo-unix-datagrams": a_server("echo", "-u", where=SOCKET, kind=DGRAM),
    "echo-seqpacket": a_server("echo", "--seqpacket", where=SOCKET,
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
    "probe-unix": a_probe("-U", *PROBE, server=("echo",), where=SOCKET),
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
