"""An echo server as Python's standard library suggests it, to compare with.

selectors_echo.py HOST PORT
"""
import selectors
import socket
import sys


def main():
    chosen = selectors.DefaultSelector()
    server = socket.create_server((sys.argv[1], int(sys.argv[2])),
                                  backlog=4096)
    server.setblocking(False)

    def accept():
        try:
            while True:
                client, _ = server.accept()
                client.setblocking(False)
                chosen.register(client, selectors.EVENT_READ, client)
        except BlockingIOError:
            pass

    def echo(client):
        try:
            data = client.recv(65536)
            if data:
                client.sendall(data)
                return
        except OSError:
            pass
        chosen.unregister(client)
        client.close()

    chosen.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in chosen.select():
            if key.data is None:
                accept()
            else:
                echo(key.data)


main()
