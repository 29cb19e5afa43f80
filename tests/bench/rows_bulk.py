"""Many bytes through one connection: files, chains, pairs, both ways, back."""
import contextlib
import os
import time

import apart
from runner import parsed
from process import text
from rounds import Row, Trouble, Variant
from stats import Target

# How each tool sends standard input, and receives to standard output.
SEND = {
    "rpnc": "{rpnc} connect -q {host} {port}",
    "bare": "{bare} pump {host} {port}",
    "nc.openbsd": "nc.openbsd -N {host} {port}",
    "nc.traditional": "nc.traditional -q 0 {host} {port}",
    "ncat": "ncat --send-only {host} {port}",
    "socat": "socat -u STDIN TCP:{host}:{port}",
    "socat -b": "socat -u -b 262144 STDIN TCP:{host}:{port}",
}
RECEIVE = {
    "rpnc": "{rpnc} listen -q {host} {port}",
    "bare": "{bare} pump -l {host} {port}",
    "nc.openbsd": "nc.openbsd -d -l {host} {port}",
    "nc.traditional": "nc.traditional -l -s {host} -p {port}",
    "ncat": "ncat -l --recv-only {host} {port}",
    "socat": "socat -u TCP-LISTEN:{port},bind={host},reuseaddr STDOUT",
    "socat -b":
        "socat -u -b 262144 TCP-LISTEN:{port},bind={host},reuseaddr STDOUT",
}
UNIX_SEND = {
    "rpnc": "{rpnc} connect -q -U {path}",
    "bare": "{bare} pump {path}",
    "nc.openbsd": "nc.openbsd -N -U {path}",
    "ncat": "ncat --send-only -U {path}",
    "socat": "socat -u STDIN UNIX:{path}",
    "socat -b": "socat -u -b 262144 STDIN UNIX:{path}",
}
UNIX_RECEIVE = {
    "rpnc": "{rpnc} listen -q -U {path}",
    "bare": "{bare} pump -l {path}",
    "nc.openbsd": "nc.openbsd -d -l -U {path}",
    "ncat": "ncat -l --recv-only -U {path}",
    "socat": "socat -u UNIX-LISTEN:{path} STDOUT",
    "socat -b": "socat -u -b 262144 UNIX-LISTEN:{path} STDOUT",
}
# Both directions at once: (listens, connects).
DUPLEX = {
    "rpnc": ("{rpnc} listen -q {host} {port}", SEND["rpnc"]),
    "bare": (RECEIVE["bare"], SEND["bare"]),
    # one that listens ends when the other has: that must not be the first
    "nc.openbsd": ("nc.openbsd -N -l {host} {port}",
                   "nc.openbsd {host} {port}"),
    "ncat": ("ncat -l {host} {port}", "ncat {host} {port}"),
    "socat -b": (
        "socat -t 30 -b 262144 TCP-LISTEN:{port},bind={host},reuseaddr STDIO",
        "socat -t 30 -b 262144 STDIO TCP:{host}:{port}"),
}
REFLECT = {
    "rpnc": "{rpnc} echo -q {host} {port}",
    "bare": "{bare} reflect {host} {port}",
    "socat PIPE": "socat TCP-LISTEN:{port},bind={host},reuseaddr PIPE",
    "ncat -e cat": "ncat -l -e /bin/cat {host} {port}",
}
IPERF = ("iperf3 -s -1 -p {port} -B {host}",
         "iperf3 -c {host} -p {port} -n {bytes} -J")
PRODUCE = "{load} produce -b {bytes}"
CONSUME = "{load} consume"
SINK = "{load} sink {host} {port}"
BOTH = "{load} both -b {bytes} {host} {port}"
GB = 1e9


def patience(r):
    return r.patience + r.bytes / 150e6


def figures(r, count, seconds, cpu):
    return {"rate": count / GB / seconds, "cpu": cpu / (count / GB)}


def same(wanted, got):
    if got != wanted:
        raise Trouble(f"{got} of {wanted} bytes")


@contextlib.contextmanager
def whole_file(r):
    """The data as standard input; all of it has been read at the end."""
    fd = os.open(r.data(), os.O_RDONLY)
    try:
        yield fd
        same(r.bytes, os.lseek(fd, 0, os.SEEK_CUR))
    finally:
        os.close(fd)


def file_to_reader(send):
    def run(r):
        out = r.file()
        sink = r.serve(SINK, cores=r.client_core, stdout=out)
        with whole_file(r) as data:
            p = r.start(send, r.server_core, data, port=sink.port)
            r.finish(sink, patience(r))
            r.finish(p, 5)
        found = parsed(text(out))
        same(r.bytes, found["bytes"])
        return figures(r, r.bytes, found["seconds"], r.end(p))
    return run


def chain(receive, send):
    """producer | sender, on one core, receiver | consumer on the other."""
    def run(r):
        out = r.file()
        (last_in, last_out), (first_in, first_out) = os.pipe(), os.pipe()
        consumer = r.start(CONSUME, r.client_core, last_in, out)
        listener = r.serve(receive, cores=r.client_core, stdout=last_out)
        sender = r.start(send, r.server_core, first_in, port=listener.port)
        producer = r.start(PRODUCE, r.server_core, None, first_out,
                           bytes=r.bytes)
        for fd in (last_in, last_out, first_in, first_out):
            os.close(fd)
        r.finish(consumer, patience(r))
        for p in (producer, sender, listener):
            r.finish(p, 5, None)
        found = parsed(text(out))
        same(r.bytes, found["bytes"])
        return figures(r, r.bytes, found["seconds"], r.end(listener, sender))
    return run


def pair(receive, send, protocol="tcp"):
    """From the sender's start to the receiver's end."""
    def run(r):
        before = apart.loopback_bytes()
        listener = r.serve(receive, cores=r.client_core, protocol=protocol)
        with whole_file(r) as data:
            began = time.monotonic()
            sender = r.start(send, r.server_core, data, port=listener.port,
                             path=listener.port)
            r.finish(listener, patience(r), None)
            seconds = time.monotonic() - began
            r.finish(sender, 5, None)
        if protocol == "tcp" and apart.loopback_bytes() - before < r.bytes:
            raise Trouble("bytes lost")
        return figures(r, r.bytes, seconds, r.end(listener, sender))
    return run


def duplex(receive, send):
    def run(r):
        before = apart.loopback_bytes()
        with whole_file(r) as one, whole_file(r) as two:
            listener = r.serve(receive, cores=r.client_core, stdin=one)
            began = time.monotonic()
            sender = r.start(send, r.server_core, two, port=listener.port)
            for p in (listener, sender):
                r.finish(p, patience(r), None)
            seconds = time.monotonic() - began
        if apart.loopback_bytes() - before < 2 * r.bytes:
            raise Trouble("bytes lost")
        return figures(r, 2 * r.bytes, seconds, r.end(listener, sender))
    return run


def iperf(extra=""):
    def run(r):
        server = r.serve(IPERF[0], cores=r.client_core)
        found = r.call(IPERF[1] + extra, r.server_core, patience(r),
                       port=server.port, bytes=r.bytes)
        r.finish(server, 5, None)
        end = found["end"]["sum_received"]
        return figures(r, end["bytes"], end["seconds"], r.end(server))
    return run


def reflected(serve):
    def run(r):
        server = r.serve(serve)
        found = r.call(BOTH, patience=patience(r), port=server.port,
                       bytes=r.bytes)
        return figures(r, r.bytes, found["seconds"], r.end(server))
    return run


def flat(commands):
    return sum(((c,) if isinstance(c, str) else c for c in commands), ())


def of(names, how, *tables):
    return [Variant(n, how(*(t[n] for t in tables)),
                    flat(t[n] for t in tables)) for n in names]


PLAIN = ("rpnc", "bare", "nc.openbsd", "nc.traditional", "ncat", "socat",
         "socat -b")
SOCATS = ("socat", "socat -b")
LOOK = {"unit": "GB/s", "also": (("cpu", "CPU s/GB"),)}


def pairs(name, title, space, targets):
    return Row(name, title, of(PLAIN, pair, RECEIVE, SEND) + [
        Variant("iperf3", iperf(), IPERF),
        Variant("iperf3 -Z", iperf(" -Z"), (IPERF[0], IPERF[1] + " -Z"))],
        targets, space=space, weight=1.2, **LOOK)


def rows():
    """No program is faster than bare, whatever the others are: where rpnc is
    as fast, the bounds are what that leaves here."""
    chains = of(PLAIN, chain, RECEIVE, SEND)
    return [
        Row("file", "a file to a plain reader", of(PLAIN, file_to_reader, SEND),
            [Target(2, ("nc.openbsd",)), Target(1.5, SOCATS),
             Target(0.9, ("bare",))], **LOOK),
        Row("chain", "producer | sender, receiver | consumer", chains,
            [Target(1.5, ("nc.openbsd",)), Target(1.15, SOCATS),
             Target(0.9, ("bare",))], **LOOK),
        Row("chain-bbr", "the same, under bbr", chains,
            [Target(2, ("nc.openbsd",)), Target(1.2, SOCATS),
             Target(1, ("bare",))], space="bbr",
            weight=1.2, **LOOK),
        pairs("pair", "a file, the tool at both ends, to /dev/null", "reno",
              [Target(3.6, ("nc.openbsd",)), Target(1.2, ("iperf3",))]),
        pairs("pair-bbr", "the same, under bbr", "bbr",
              [Target(4, ("nc.openbsd",))]),
        Row("duplex", "both directions at once, to /dev/null",
            of(DUPLEX, lambda both: duplex(*both), DUPLEX),
            [Target(3.2, ("nc.openbsd",))], **LOOK),
        Row("unix", "a file through a Unix socket to /dev/null",
            of(UNIX_SEND, lambda r, s: pair(r, s, "unix"), UNIX_RECEIVE,
               UNIX_SEND),
            [Target(2.6, ("nc.openbsd",))], **LOOK),
        Row("reflect", "bulk echo: sent and read back at once",
            of(REFLECT, reflected, REFLECT),
            [Target(2, ("socat PIPE",)), Target(0.9, ("bare",)),
             Target(0.15, ("socat PIPE",), "cpu", least=False)], **LOOK),
    ]
