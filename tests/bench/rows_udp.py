"""Datagrams of 1400 bytes at full speed: what of them arrives; and batches of
datagrams that come back.
"""
import time

import apart
from rounds import Hung, Row, Trouble, Variant
from stats import Target

RECEIVE = {
    "rpnc": "{rpnc} listen -q -u {host} {port}",
    "bare": "{bare} count {host} {port}",
    "nc.openbsd": "nc.openbsd -d -u -l {host} {port}",
    "nc.traditional": "nc.traditional -u -l -s {host} -p {port}",
    "ncat": "ncat -u -l --recv-only {host} {port}",
    "socat": "socat -u UDP-RECV:{port},bind={host} STDOUT",
}
BLAST = "{load} blast -u -s 1400 -t {seconds} {host} {port}"

ECHO = {
    "rpnc": "{rpnc} echo -q -u {host} {port}",
    "bare": "{bare} bounce {host} {port}",
    "socat": "socat UDP-LISTEN:{port},bind={host} PIPE",
    "ncat -e cat": "ncat -u -l -e /bin/cat {host} {port}",
}
BOUNCE = "{load} bounce -u -c 64 -s 1000 -t {seconds} {host} {port}"


def settled(port):
    """All that the kernel kept for the receiver has been read."""
    end = time.monotonic() + 3
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        quiet = 0 if apart.queued(port) else quiet + 1
        apart.pause(0.01)


def received(command):
    """The kernel counts what programs read: what a receiver then does with it
    would be another work."""
    def run(r):
        receiver = r.serve(command, protocol="udp")
        before = apart.datagrams()
        sent = r.call(BLAST, seconds=f"{r.seconds:.3f}", port=receiver.port)
        settled(receiver.port)
        got, out, lost = (b - a for a, b in zip(before, apart.datagrams()))
        if not sent["sent"] or sent["refused"]:
            raise Trouble(f"{sent['refused']} refused")
        if out != sent["sent"] or got + lost != out:
            raise Trouble(f"{got} read and {lost} lost of {out} datagrams")
        return {"loss": lost / out, "cpu": r.end(receiver) / got * 1e6,
                "received": got / sent["seconds"] / 1e3,
                "sent": out / sent["seconds"] / 1e3}
    return run


def bounced(serve, client):
    def run(r):
        server = r.serve(serve, protocol="udp")
        found = r.call(client, seconds=f"{r.seconds:.3f}", port=server.port)
        if not found["came"]:
            raise Hung()
        return {"rate": found["came"] / found["seconds"] / 1e3,
                "cpu": r.end(server) / found["came"] * 1e6,
                "loss": 1 - found["came"] / found["sent"]}
    return run


def echo_row(name, title, table, client, targets):
    return Row(name, title, [Variant(n, bounced(c, client), (c, client))
                             for n, c in table.items()],
               [Target(bound, versus) for bound, versus in targets],
               unit="k/s", also=(("cpu", "CPU us"), ("loss", "lost")),
               weight=0.7)


def rows():
    joined = {**ECHO, "bare": ECHO["bare"].replace("bounce", "bounce -g")}
    return [
        echo_row("udp-echo", "echo of datagrams of 1000 bytes, 64 at a time",
                 ECHO, BOUNCE,
                 [(0.9, ("bare",)), (2, ("socat",)), (2, ("ncat -e cat",))]),
        echo_row("udp-echo-gso", "the same, joined by the kernel (GSO, GRO)",
                 joined, BOUNCE.replace(" -u", " -u -G"), [(0.9, ("bare",))]),
        Row("udp", "datagrams of 1400 bytes at full speed: loss", [
            Variant(n, received(c), (c, BLAST))
            for n, c in RECEIVE.items()],
            [Target(0.1, ("nc.openbsd",), "loss", least=False,
                    steady="received", says="x the loss of nc.openbsd")],
            figure="loss", unit="of 1",
            also=(("received", "k/s in"), ("sent", "k/s out"),
                  ("cpu", "CPU us")), weight=0.7),
    ]
