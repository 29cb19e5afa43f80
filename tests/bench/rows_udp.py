"""Datagrams of 1400 bytes at full speed: what of them arrives."""
import time

import apart
from rounds import Row, Trouble, Variant
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
    def run(g):
        receiver = g.serve(command, protocol="udp")
        before = apart.datagrams()
        sent = g.call(BLAST, seconds=f"{g.seconds:.3f}", port=receiver.port)
        settled(receiver.port)
        got, out, lost = (b - a for a, b in zip(before, apart.datagrams()))
        if not sent["sent"] or sent["refused"]:
            raise Trouble(f"{sent['refused']} refused")
        if out != sent["sent"] or got + lost != out:
            raise Trouble(f"{got} read and {lost} lost of {out} datagrams")
        return {"loss": lost / out, "cpu": g.end(receiver) / got * 1e6,
                "received": got / sent["seconds"] / 1e3,
                "sent": out / sent["seconds"] / 1e3}
    return run


def rows():
    return [
        Row("udp", "datagrams of 1400 bytes at full speed: loss", [
            Variant(n, received(c), (c, BLAST))
            for n, c in RECEIVE.items()],
            [Target(0.1, ("nc.openbsd",), "loss", least=False,
                    steady="received", says="x the loss of nc.openbsd")],
            figure="loss", unit="of 1",
            also=(("received", "k/s in"), ("sent", "k/s out"),
                  ("cpu", "CPU us")), weight=0.7),
    ]
