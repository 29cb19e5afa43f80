"""waiters.py N PORT [ADDRESS]: N clients of an echo server, at once.

Each sends a line of its own. Prints "connected" when all are, and "answered N"
once each has had its own line back, whatever else was sent to it, or is lost.
The connections are there until a signal.
"""
import selectors
import signal
import socket
import sys

count, port = int(sys.argv[1]), int(sys.argv[2])
address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
select = selectors.DefaultSelector()
for i in range(count):
    s = socket.create_connection((address, port), 20)
    s.sendall(b"line %d.\n" % i)
    select.register(s, selectors.EVENT_READ, [b"line %d.\n" % i, b""])
print("connected", flush=True)
answered = lost = 0
done = []
while answered + lost < count:
    for key, _ in select.select():
        line, _ = key.data
        try:
            data = key.fileobj.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            select.unregister(key.fileobj)
            lost += 1
            continue
        key.data[1] += data
        if key.data[1].endswith(line):
            answered += 1
            select.unregister(key.fileobj)
            done.append(key.fileobj)
print("answered", answered, flush=True)
signal.pause()
