"""TLS: many bytes through one connection, and many handshakes."""
import os
import re
import subprocess
import time

from rounds import Row, Trouble, Variant
from rows_bulk import LOOK, flat, pair
from rows_connect import HAPROXY, NGINX, NGINX_COMMON
from stats import Target

PEM = "{dir}/tls.pem"   # a key and its certificate, on P-256
MAKE_PEM = ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
            "-nodes -days 30 -subj /CN=localhost -keyout {dir}/key.pem "
            "-out {dir}/cert.pem")
# How each tool sends standard input, and receives to standard output.
SEND = {
    "rpnc": "{rpnc} connect -q --tls --tls-insecure {host} {port}",
    "ncat": "ncat --send-only --ssl {host} {port}",
    "socat": "socat -u STDIN OPENSSL:{host}:{port},verify=0",
    "socat -b": "socat -u -b 262144 STDIN OPENSSL:{host}:{port},verify=0",
    "openssl": "openssl s_client -quiet -no_ign_eof -connect {host}:{port}",
}
LISTEN = "OPENSSL-LISTEN:{port},bind={host},reuseaddr,verify=0,cert=" + PEM
RECEIVE = {
    "rpnc": "{rpnc} listen -q --tls --tls-cert " + PEM + " {host} {port}",
    "ncat": "ncat -l --recv-only --ssl --ssl-cert " + PEM + " --ssl-key " +
            PEM + " {host} {port}",
    "socat": "socat -u " + LISTEN + " STDOUT",
    "socat -b": "socat -u -b 262144 " + LISTEN + " STDOUT",
    "openssl": "openssl s_server -quiet -naccept 1 -cert " + PEM +
               " -accept {host}:{port}",
}
SERVE = {
    "rpnc": "{rpnc} echo -q --tls --tls-cert " + PEM + " {host} {port}",
    "socat fork": "socat " + LISTEN + ",fork,backlog=4096 PIPE",
    "ncat -e cat": "ncat -l -k -m 4096 --ssl --ssl-cert " + PEM +
                   " --ssl-key " + PEM + " -e /bin/cat {host} {port}",
    "openssl": "openssl s_server -quiet -www -cert " + PEM +
               " -accept {host}:{port}",
}
CLIENT = "openssl s_time -new -connect {host}:{port} -time {seconds}"
NGINX_CONF = NGINX_COMMON + """        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {dir}/tls.pem; ssl_certificate_key {dir}/tls.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        return 200;
    }}
}}
"""
HAPROXY_CFG = """global
    nbthread 1
    maxconn 4096
defaults
    mode tcp
    timeout client 60s
    timeout server 60s
    timeout connect 60s
frontend front
    bind 127.0.0.1:{port} ssl crt {dir}/tls.pem backlog 4096
"""


def certified(run):
    """Makes the certificate before the first run that needs it."""
    def wrapped(r):
        path = os.path.join(r.dir, "tls.pem")
        if not os.path.exists(path):
            subprocess.run(r.words(MAKE_PEM), check=True, capture_output=True)
            with open(path, "w", encoding="ascii") as out:
                for name in ("key.pem", "cert.pem"):
                    with open(os.path.join(r.dir, name),
                              encoding="ascii") as part:
                        out.write(part.read())
        return run(r)
    return wrapped


def handshakes(r, server):
    """s_time counts in whole seconds: the clock here is finer."""
    began = time.monotonic()
    said = r.call(CLIENT, seconds=max(1, round(r.seconds)), port=server.port)
    seconds = time.monotonic() - began
    found = re.search(r"^(\d+) connections in \d+ real seconds", said, re.M)
    if not found or not int(found.group(1)):
        raise Trouble("no handshakes")
    count = int(found.group(1))
    return {"rate": count / seconds / 1e3,
            "cpu": r.end(server) / count * 1e6}


def served(serve):
    return certified(lambda r: handshakes(r, r.serve(serve)))


def configured(command, name, config):
    def run(r):
        with open(os.path.join(r.dir, name), "w", encoding="ascii") as f:
            f.write(config.format(dir=r.dir, port=r.port + 1))
        if not os.path.exists(r.words(command)[0]):
            raise Trouble("not there")
        return handshakes(r, r.serve(command))
    return certified(run)


def rows():
    bulk = [Variant(n, certified(pair(RECEIVE[n], SEND[n])),
                    flat((RECEIVE[n], SEND[n]))) for n in SEND]
    many = [Variant(n, served(c), (c, CLIENT)) for n, c in SERVE.items()]
    for name, command, conf in (("nginx", NGINX, NGINX_CONF),
                                ("haproxy", HAPROXY, HAPROXY_CFG)):
        file = "nginx.conf" if name == "nginx" else "haproxy.cfg"
        many.append(Variant(name, configured(command, file, conf),
                            (command, CLIENT),
                            conf.format(dir="/tmp", port=9000)))
    return [
        Row("tls-bulk", "a file through TLS to /dev/null", bulk,
            [Target(0.9, ("socat", "socat -b")), Target(1.35, ("ncat",))],
            **LOOK),
        Row("tls-connect", "TLS handshakes, one after the other", many,
            [Target(0.9, ("nginx",)), Target(0.9, ("haproxy",)),
             Target(1.5, ("socat fork",)), Target(1.5, ("ncat -e cat",))],
            unit="k/s", also=(("cpu", "CPU us"),)),
    ]
