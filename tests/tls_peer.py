"""A TLS peer by hand, for tests: they choose what is sent, and when."""

import select
import socket
import ssl
import sys

OP_IGNORE_UNEXPECTED_EOF = 1 << 7  # SSL_CTX_set_options(3ssl); ssl sets it


def context(server=None, ca=None, verify=True, alpn=(), version=None, cert=None):
    """server: its certificate (a file); ca: whom to trust (a file)."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    c.options &= ~OP_IGNORE_UNEXPECTED_EOF
    if not server:
        c.check_hostname = bool(ca)
        c.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    elif ca and verify:
        c.verify_mode = ssl.CERT_REQUIRED
    if server or cert:
        c.load_cert_chain(server or cert)
    if ca:
        c.load_verify_locations(ca)
    if alpn:
        c.set_alpn_protocols(list(alpn))
    if version:
        v = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        c.minimum_version = c.maximum_version = v
    return c


class Tls:
    """Records go through memory, so that no close_notify is sent unasked."""

    def __init__(self, sock, c, name="localhost"):
        self.sock = sock
        self.send = sock.sendall
        self.room = 1 << 18
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.early = b""    # read, and not asked for yet
        server = c.protocol == ssl.PROTOCOL_TLS_SERVER
        self.tls = c.wrap_bio(self.into, self.out, server, None if server else name)

    def flush(self):
        if self.out.pending:
            self.send(self.out.read())

    def fill(self):
        data = self.sock.recv(self.room)
        if data:
            self.into.write(data)
        else:
            self.into.write_eof()

    def go(self, f, *args):
        while True:
            try:
                return f(*args)
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
            finally:
                self.flush()

    def handshake(self):
        self.go(self.tls.do_handshake)
        return self

    def write(self, data):
        for i in range(0, len(data), 1 << 16):
            self.go(self.tls.write, data[i:i + (1 << 16)])

    def read(self, n=1 << 16):
        """b"": a close_notify; SSLEOFError: an end without one."""
        if self.early:
            data, self.early = self.early[:n], self.early[n:]
            return data
        try:
            return self.go(self.tls.read, n)
        except ssl.SSLZeroReturnError:
            return b""

    def exact(self, n):
        data = b""
        while len(data) < n:
            data += self.read(n - len(data)) or sys.exit("end")
        return data

    def whole(self):
        return b"".join(iter(self.read, b""))

    def notify(self):
        """Sends a close_notify."""
        # unwrap() fails if a record is in memory: one may have come together
        # with the end of the handshake
        try:
            while data := self.tls.read(1 << 16):
                self.early += data
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def shut(self):
        self.notify()
        self.sock.shutdown(socket.SHUT_WR)

    def exchange(self, data):
        """Sends data and shuts, and reads meanwhile; returns all."""
        got, sent, shut = bytearray(), 0, False
        while True:
            if sent < len(data):
                sent += self.tls.write(data[sent:sent + (1 << 16)])
                self.flush_and_read(got)
            elif not shut:
                shut = True
                self.shut()
            elif not self.drain(got):
                return bytes(got)
            else:
                self.fill()

    def flush_and_read(self, got):
        rest = self.out.read()
        while rest:
            r, w, _ = select.select([self.sock], [self.sock], [], 50)
            if r:
                self.fill()
                self.drain(got)
            if w:
                rest = rest[self.sock.send(rest):]

    def drain(self, got):
        """Reads what has come; False: the peer's close_notify is among it."""
        try:
            while part := self.tls.read(1 << 16):
                got += part
            return False
        except ssl.SSLZeroReturnError:
            return False
        except ssl.SSLWantReadError:
            return True
