"""holder.py [OPTION...] ADDRESS PORT: holds a port as another program might.

Prints the port, then waits for its end; what comes in is left in the queue.
"""
import argparse
import os
import signal
import socket

arguments = argparse.ArgumentParser()
for name in ("udp", "reuseport", "reuseaddr", "v6only", "bound"):
    arguments.add_argument("--" + name, action="store_true")
arguments.add_argument("--device")
arguments.add_argument("--user", type=int)
arguments.add_argument("--backlog", type=int, default=1000)
arguments.add_argument("--buffer", type=int)  # SO_RCVBUF
arguments.add_argument("--command")  # what it calls itself
arguments.add_argument("--connect", type=int)  # to this port, from the other
arguments.add_argument("--served", action="store_true")  # one client has left
arguments.add_argument("--left", action="store_true")  # it has closed --connect
arguments.add_argument("address")
arguments.add_argument("port", type=int)
options = arguments.parse_args()

if options.command:
    with open("/proc/self/comm", "wb") as comm:
        comm.write(options.command.encode().decode("unicode_escape")
                   .encode("latin-1"))
if options.user is not None:
    os.setgroups([])
    os.setuid(options.user)
v6 = ":" in options.address
kind = socket.SOCK_DGRAM if options.udp else socket.SOCK_STREAM
port = options.port
if not port:  # one that is free on every address, in both families
    try:
        scout = socket.socket(socket.AF_INET6, kind)
        scout.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        scout.bind(("::", 0))
    except OSError:
        scout = socket.socket(socket.AF_INET, kind)
        scout.bind(("0.0.0.0", 0))
    port = scout.getsockname()[1]
    scout.close()
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, options.reuseaddr)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, options.reuseport)
if v6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, options.v6only)
if options.buffer:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.buffer)
if options.device:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                 options.device.encode() + b"\0")
s.bind((options.address, port))
if options.connect:
    s.connect((options.address, options.connect))
elif not options.udp and not options.bound:
    s.listen(options.backlog)
if options.served:  # its end of the connection waits in TIME_WAIT
    client = socket.create_connection((options.address, port))
    server, _ = s.accept()
    server.close()
    assert client.recv(1) == b""
    client.close()
    s.close()
if options.left:  # then this end waits in TIME_WAIT
    s.close()
print(port, flush=True)
signal.pause()
