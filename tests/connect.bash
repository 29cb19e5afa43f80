# Sourced by tests of rpnc connect: the client, and scripted servers in Python.
# shellcheck shell=bash disable=SC2034

# The system's python3; a user's own may be a slow wrapper.
PYTHON=/usr/bin/python3

# connect ARG...: within 20 s, or status 124.
connect() {
	timeout 20 rpnc connect "$@"
}

# quiet ARG...: the same, with its stderr in the file err.
quiet() {
	connect "$@" 2>err
}

# server CODE: runs Python in the background and sets $port. CODE finds a
# listening socket in s, on 127.0.0.1 (KIND=udp: datagrams; KIND=unix and
# unix-udp: on ./socket), and has the functions below. tell(NAME) writes to the
# fifo NAME, told(NAME) reads from it: so it and the test wait for each other.
# told() reads one line, and is a writer itself: an open(2) of the test that
# SIGCHLD interrupts would miss a reader that has come, read an end, and gone.
server() {
	test -e at || mkfifo at
	background "$PYTHON" -c "$server_start$1" >server.out 2>server.err
	port=$(<./at)
	test -n "$port"
}

server_start='
import os, signal, socket, struct, sys, time
def tell(name, what="now"):
    with open(name, "w") as f: f.write(str(what) + "\n")
def told(name):
    with open(name, "r+b", buffering=0) as f: return f.readline().decode()
def accept(): return s.accept()[0]
def everything(c):
    parts = []
    while part := c.recv(1 << 20): parts.append(part)
    return b"".join(parts)
def save(data):
    with open("got", "wb") as f: f.write(data)
def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
def fill(s): # fills a queue of one: later connections are dropped
    s.listen(0)
    for i in range(2):
        c = socket.socket(s.family)
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        clients.append(c)
clients = []
kind = os.environ.get("KIND", "tcp")
s = socket.socket(socket.AF_UNIX if "unix" in kind else socket.AF_INET,
    socket.SOCK_DGRAM if "udp" in kind else socket.SOCK_STREAM)
s.bind("socket" if "unix" in kind else ("127.0.0.1", 0))
if "udp" not in kind: s.listen()
tell("at", s.getsockname()[1])
'

# open_stdin: makes the fifo in; descriptor 5 holds it open.
open_stdin() {
	mkfifo in
	exec 5<>in
}

# talk ARG...: connect in the background. Descriptor 5 is its stdin, 6 its
# stdout; its stderr is in the file err.
talk() {
	mkfifo in out
	as_by_a_person connect "$@" <in >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	exec 5>in 6<out
}

# ends_with STATUS PID: waits for the process; its status must be that.
ends_with() {
	local status=0
	finish "$2" || status=$?
	assert_equal "$status" "$1"
}

# complained REGEXP: stderr is one line, which matches.
complained() {
	assert_equal "$(wc -l <err)" 1
	grep -E -- "^rpnc connect: $1" err || {
		cat err
		return 1
	}
}

# free_port: prints a free port, for programs that can't ask for port 0. The
# kernel gives ports of this range to nobody who asks for port 0.
free_port() {
	"$PYTHON" -c 'import random, socket
while True:
    try:
        s = socket.socket()
        s.bind(("127.0.0.1", random.randrange(10000, 32768)))
        break
    except OSError:
        pass
print(s.getsockname()[1])'
}

# no_leaks COMMAND...: without the leak check, which can't work under strace.
no_leaks() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 "$@"
}

# in_netns CODE: runs bash in its own network namespace, with privileges there.
in_netns() {
	unshare -Urn true || skip "no network namespaces here"
	timeout 40 unshare -Urn bash -eu -c "ip link set lo up
$1" in_netns "${@:2}"
}

