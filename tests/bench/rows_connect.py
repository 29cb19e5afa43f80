"""Connect, one message and its answer, close: 64 at a time, for a while; and
the same with a process or a program for each connection.
"""
import os

from rounds import Hung, Row, Trouble, Variant
from rows_echo import ECHO
from stats import Target

AT_A_TIME = 64
CLIENT = "{load} connect -c 64 -m 250 -t {seconds} {host} {port}"
NGINX = "{peers}/nginx/usr/sbin/nginx -p {dir} -c {dir}/nginx.conf"
HAPROXY = "{peers}/haproxy/usr/sbin/haproxy -db -f {dir}/haproxy.cfg"
SOCAT = "socat TCP-LISTEN:{port},bind={host},reuseaddr,fork,backlog=4096 "
FORK = {
    "rpnc": "{rpnc} echo -q --accept fork {host} {port}",
    "socat fork": SOCAT + "PIPE",
}
EXEC = {
    "rpnc": "{rpnc} listen -q -k {host} {port} -- cat",
    "ncat -e cat": ECHO["ncat -e cat"],
    "socat EXEC": SOCAT + "EXEC:cat",
    "socat nofork": SOCAT + "EXEC:cat,nofork",
}
ALSO = (("cpu", "CPU us"), ("p50", "p50 ms"), ("p99", "p99 ms"))
BODY = "x" * 63 + "~"   # what ends an answer for "load connect -g"
# What each server of the bench shares; its own lines follow in its block.
NGINX_COMMON = """daemon off;
user root;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t; proxy_temp_path {dir}/t;
    fastcgi_temp_path {dir}/t; uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
    server {{
"""
NGINX_CONF = NGINX_COMMON + """        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "{body}"; }}
    }}
}}
"""
HAPROXY_CFG = """global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 60s
frontend front
    bind 127.0.0.1:{port} backlog 4096
    http-request return status 200 content-type text/plain string "{body}"
"""


def visits(r, server, web=False):
    found = r.call(CLIENT.replace(" -m", " -g -m") if web else CLIENT,
                   seconds=f"{r.seconds:.3f}", port=server.port)
    if found["failed"]:
        raise Trouble(f"{found['failed']} failed")
    if not found["requests"]:
        raise Hung()
    return {"rate": found["requests"] / found["seconds"] / 1e3,
            "cpu": r.end(server) / found["requests"] * 1e6,
            "p50": found["p50"] / 1e3, "p99": found["p99"] / 1e3}


def echo(serve):
    def run(r):
        return visits(r, r.serve(serve))
    return run


def configured(config, directory, port):
    return config.format(dir=directory, port=port, body=BODY)


def serve_web(r, command, name, config):
    """nginx and haproxy answer a request; its port is in a file."""
    with open(os.path.join(r.dir, name), "w", encoding="ascii") as f:
        f.write(configured(config, r.dir, r.port + 1))
    if not os.path.exists(r.words(command)[0]):
        raise Trouble("not there")
    return r.serve(command)


def web(command, name, config):
    return lambda r: visits(r, serve_web(r, command, name, config), True)


def rows():
    ways = [Variant(n, echo(s), (s, CLIENT)) for n, s in ECHO.items()]
    request = CLIENT.replace(" -m", " -g -m")
    ways += [
        Variant("nginx", web(NGINX, "nginx.conf", NGINX_CONF),
                (NGINX, request), configured(NGINX_CONF, "/tmp", 9000)),
        Variant("haproxy", web(HAPROXY, "haproxy.cfg", HAPROXY_CFG),
                (HAPROXY, request), configured(HAPROXY_CFG, "/tmp", 9000)),
    ]
    return [
        Row("connect", "connect, echo, close: 64 at a time", ways,
            [Target(15, ("socat fork",)), Target(60, ("ncat -e cat",)),
             Target(0.9, ("nginx",)), Target(0.9, ("haproxy",)),
             Target(0.9, ("bare",))], unit="k/s", also=ALSO, weight=1.5),
        Row("fork", "the same, a process for each connection",
            [Variant(n, echo(c), (c, CLIENT)) for n, c in FORK.items()],
            [Target(1, ("socat fork",)),
             Target(1, ("socat fork",), "cpu", least=False)],
            unit="k/s", also=ALSO, weight=0.5),
        Row("exec", "the same, a program (cat) for each connection",
            [Variant(n, echo(c), (c, CLIENT)) for n, c in EXEC.items()],
            [Target(1, ("ncat -e cat",)),
             Target(1, ("socat EXEC", "socat nofork"))],
            unit="k/s", also=ALSO, weight=0.7),
    ]
