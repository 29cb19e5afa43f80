# Sourced by connect.bats and stream.bats: connect, and servers that do as told.
# shellcheck shell=bash disable=SC2034

# The system's: a user's own python3 may be a slow wrapper.
PYTHON=/usr/bin/python3

# connect ARG...: within 20 s, or status 124.
connect() {
	timeout 20 rpnc connect "$@"
}

# quiet ARG...: the same, its stderr in err.
quiet() {
	connect "$@" 2>err
}

# server CODE: Python in the background; its port is in port. CODE has s, that
# listens on 127.0.0.1 (KIND: udp; unix and unix-udp are bound to ./socket), and
# the functions below. By tell(NAME) and told(NAME), which are fifos, it and
# the test wait for each other.
server() {
	test -e at || mkfifo at
	background "$PYTHON" -c "$server_start$1" >server.out 2>server.err
	read -r port <"at"
}

server_start='
import os, signal, socket, struct, sys, time
def tell(name, what="now"):
    with open(name, "w") as f: f.write(str(what) + "\n")
def told(name):
    with open(name) as f: return f.read()
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
def fill(s): # a queue of one, full: what comes later is dropped
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

# open_stdin: a fifo, in, that 5 holds open.
open_stdin() {
	mkfifo in
	exec 5<>in
}

# talk ARG...: connect in the background; 5 is its stdin, 6 its stdout, and its
# stderr is in err.
talk() {
	mkfifo in out
	as_by_a_person connect "$@" <in >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	exec 5>in 6<out
}

# ends_with STATUS PID
ends_with() {
	local status=0
	finish "$2" || status=$?
	assert_equal "$status" "$1"
}

# complained REGEXP: stderr is one line, and says so.
complained() {
	assert_equal "$(wc -l <err)" 1
	grep -E -- "^rpnc connect: $1" err || {
		cat err
		return 1
	}
}

# free_port: for programs that can't choose one: none that the kernel gives to
# anybody who lets it choose.
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

# no_leaks COMMAND...: under strace the leak check can't work.
no_leaks() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 "$@"
}

# in_netns CODE: bash in a network of its own, with privileges there.
in_netns() {
	unshare -Urn true || skip "no network namespaces here"
	timeout 40 unshare -Urn bash -eu -c "ip link set lo up
$1" in_netns "${@:2}"
}

has_ipv6() {
	grep -q ' lo$' /proc/net/if_inet6 || skip "no IPv6 here"
}
