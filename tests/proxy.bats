#!/usr/bin/env bats
# connect --proxy: SOCKS5 and HTTP proxies, real ones and nasty ones.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers
load connect
load proxy

# both_ways URL [ARG...]: 64 MiB arrive unchanged, up on one connection and down
# on another. Many proxies end both directions when one ends, so only one has
# data.
both_ways() {
	random_file 64M data
	start_with /dev/null listen 127.0.0.1 0
	quiet --proxy "$@" 127.0.0.1 "$port" <data
	finish "$pid"
	cmp data "out.$((${#pids[@]} - 1))"
	start_with data listen --until input 127.0.0.1 0
	quiet -n --proxy "$@" 127.0.0.1 "$port" >got
	cmp data got
	finish "$pid"
}

# half_closed URL...: 64 MiB each way at the same time, on one connection whose
# ends half-close.
half_closed() {
	local url through=()
	for url; do
		through+=(--proxy "$url")
	done
	random_file 64M up
	random_file 64M down
	start_with down listen 127.0.0.1 0
	quiet "${through[@]}" 127.0.0.1 "$port" <up >got
	finish "$pid"
	cmp got down
	cmp "out.$((${#pids[@]} - 1))" up
}

# fails STATUS REGEXP ARG...: one line on stderr.
fails() {
	local status=0 want=$1 line=$2
	quiet "${@:3}" </dev/null >out || status=$?
	cat err
	assert_equal "$status" "$want"
	complained "$line"
	test ! -s out
}

@test "connect --proxy: microsocks passes 64 MiB each way, unchanged" {
	microsocks
	both_ways "socks5://127.0.0.1:$port"
}

@test "connect --proxy: --no-shutdown gets the reply that a half-close loses in microsocks" {
	local proxy
	microsocks
	proxy=socks5://127.0.0.1:$port
	server 'c = accept(); c.recv(9); c.sendall(b"answer\n")'
	quiet --no-shutdown --proxy "$proxy" 127.0.0.1 "$port" <<<question >out
	assert_equal "$(<out)" answer
	# what microsocks does
	server 'c = accept(); everything(c); c.sendall(b"answer\n")'
	quiet --proxy "$proxy" 127.0.0.1 "$port" <<<question >out
	test ! -s out
}

@test "connect --proxy: microsocks takes a user and password from file, variable and URL" {
	local url server
	microsocks -u me -P 's:ecret@1'
	url=127.0.0.1:$port
	start echo --identify 127.0.0.1 0
	server=(127.0.0.1 "$port")

	echo 'me:s:ecret@1' >auth
	quiet -n --proxy "socks5://$url" --proxy-auth-file auth "${server[@]}" \
		> >(head -n 1 >got) || true
	eventually grep -q '^rpnc/1' got
	RPNC_PROXY_AUTH='me:s:ecret@1' quiet -n --proxy "socks5h://$url" \
		"${server[@]}" > >(head -n 1 >got2) || true
	eventually grep -q '^rpnc/1' got2
	quiet -n --proxy "socks5://m%65:s%3Aecret%401@$url" "${server[@]}" \
		> >(head -n 1 >got3) || true
	eventually grep -q '^rpnc/1' got3
	assert_equal "$(grep -c 'every user can see this password with ps(1)' err)" 1
	run ! grep -q ecret err

	fails 1 "proxy socks5://$url: it wants a login: give USER:PASSWORD with --proxy-auth-file" \
		--proxy "socks5://$url" "${server[@]}"
	echo me:wrong >auth
	fails 1 "proxy socks5://$url: it refused the user and password: .*file" \
		--proxy "socks5://$url" --proxy-auth-file auth "${server[@]}"
}

@test "connect --proxy: dante passes 64 MiB both ways at once, and half-closes" {
	dante
	half_closed "socks5://127.0.0.1:$port"
}

@test "connect --proxy: ssh -D passes 64 MiB both ways at once, and half-closes" {
	private_sshd
	port=$(free_port)
	serve ssh -F ssh_config -N -D "127.0.0.1:$port" 127.0.0.1
	half_closed "socks5h://127.0.0.1:$port"
}

@test "connect --proxy: ncat's HTTP proxy passes 64 MiB each way, with a password" {
	port=$(free_port)
	serve ncat -lk 127.0.0.1 "$port" --proxy-type http --proxy-auth me:secret
	echo me:secret >auth
	both_ways "http://127.0.0.1:$port" --proxy-auth-file auth
}

@test "connect --proxy: tinyproxy passes 64 MiB each way, and its 407 names the option" {
	local proxy
	tinyproxy 'BasicAuth me secret'
	proxy=127.0.0.1:$port
	fails 1 "proxy http://$proxy: a.example:80: HTTP/1.. 407 .*: give USER:PASSWORD with --proxy-auth-file" \
		--proxy "http://$proxy" a.example 80
	fails 1 "proxy http://$proxy: a.example:80: HTTP/1.. 401 " \
		--proxy "http://$proxy" --proxy-auth-file <(echo me:wrong) a.example 80
	export RPNC_PROXY_AUTH=me:secret
	both_ways "http://$proxy"
}

@test "connect --proxy: squid passes 64 MiB each way, with a password" {
	local proxy
	squid me secret
	proxy=127.0.0.1:$port
	fails 1 "proxy http://$proxy: 127.0.0.1:1: HTTP/1.. 407 .*: give USER:PASSWORD with --proxy-auth-file" \
		--proxy "http://$proxy" 127.0.0.1 1
	echo me:secret >auth
	both_ways "http://$proxy" --proxy-auth-file auth
}

@test "connect --proxy: SOCKS5 through HTTP: 64 MiB both ways at once, half-closed" {
	local first
	http_proxy
	first=http://127.0.0.1:$port
	dante
	half_closed "$first" "socks5h://127.0.0.1:$port"
}

@test "connect --proxy: HTTP through SOCKS5: 64 MiB both ways at once, half-closed" {
	local first
	dante
	first=socks5://localhost:$port
	http_proxy
	half_closed "$first" "http://127.0.0.1:$port"
}

@test "connect --proxy: a fault says which proxy of a chain it is" {
	local first
	microsocks
	first=socks5h://127.0.0.1:$port
	server "$scripted"'
socks(c := accept()); asked(c); c.sendall(bytes([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]))'
	fails 1 "proxy socks5h://127.0.0.1:$port: a.example:9: connection not allowed by ruleset" \
		--proxy "$first" --proxy "socks5h://127.0.0.1:$port" a.example 9
	fails 1 "proxy $first: 127.0.0.1:1: connection refused" \
		--proxy "$first" --proxy http://127.0.0.1:1 a.example 9
	fails 1 'proxy http://127.0.0.1:1: connect to 127.0.0.1:1: Connection refused' \
		--proxy http://127.0.0.1:1 --proxy "$first" a.example 9
}

@test "connect --proxy: line N of the file is for proxy N, which an empty one skips" {
	local first
	microsocks
	first=socks5h://127.0.0.1:$port
	server "$scripted"'
save(http(accept()).encode())'
	printf '\nme:secret\n' >auth
	fails 1 'proxy http://.*without a reply' --proxy "$first" \
		--proxy "http://127.0.0.1:$port" --proxy-auth-file auth a.example 9
	grep '^Proxy-Authorization: Basic bWU6c2VjcmV0' got
}

@test "connect --proxy: a name is looked up here for socks5, there for socks5h and http" {
	server "$scripted"'
def answer(c):
    socks(c)
    f.write("%s %d\n" % asked(c))
    c.sendall(OK)
with open("asked", "w") as f:
    for i in range(4): answer(accept())
    f.write(http(c := accept()))
    c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")'
	local url=127.0.0.1:$port
	quiet -n --proxy "socks5://$url" -4 localhost 80
	quiet -n --proxy "socks5h://$url" localhost 81
	quiet -n --proxy "socks5h://$url" a.example 82
	quiet -n --proxy "socks5h://$url" ::1 83
	quiet -n --proxy "http://$url" ::1 84
	finish "$pid"
	cat >wanted <<-END
		127.0.0.1 80
		localhost 81
		a.example 82
		::1 83
		CONNECT [::1]:84 HTTP/1.1
		Host: [::1]:84

	END
	diff wanted <(tr -d '\r' <asked)
}

@test "connect --proxy: if one address of the server can't be reached, the next is tried" {
	needs_ipv6
	server "$scripted"'
socks(c := accept()); assert asked(c)[0] == "127.0.0.1"
c.sendall(bytes([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]))
socks(c := accept()); assert asked(c)[0] == "::1"
c.sendall(OK + b"hello\n")'
	assert_equal "$(quiet -n --proxy "socks5://127.0.0.1:$port" localhost 80)" hello
}

@test "connect --proxy --wait: goes on while the server refuses, and only then" {
	server "$scripted"'
def refuse(code):
    socks(c := accept()); asked(c)
    c.sendall(bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])); c.close()
refuse(5); refuse(4); refuse(3)
socks(c := accept()); asked(c); c.close()
socks(c := accept()); asked(c); c.sendall(OK + b"hello\n"); c.close()
for i in 502, 503, 504:
    http(c := accept()); c.sendall(b"HTTP/1.1 %d No\r\n\r\n" % i); c.close()
http(c := accept()); c.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello\n"); c.close()
refuse(2)
http(c := accept()); c.sendall(b"HTTP/1.1 403 No\r\n\r\n"); c.close()'
	local url=127.0.0.1:$port
	assert_equal "$(quiet -n --wait 15 --proxy "socks5://$url" 127.0.0.1 80)" hello
	assert_equal "$(quiet -n --wait 15 --proxy "http://$url" a.example 80)" hello
	fails 1 'proxy .*ruleset' --wait 60 --proxy "socks5://$url" 127.0.0.1 80
	fails 1 'proxy .*403' --wait 60 --proxy "http://$url" a.example 80
}

@test "connect --proxy --wait: one time is for all that is tried, and a refusal says more than what comes after it" {
	needs_ipv6
	server "$scripted"'
import select
socks(c := accept()); asked(c); select.select([c], [], [], 2.5)
s.close(); c.sendall(bytes([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]))'
	local url=socks5://127.0.0.1:$port began=${EPOCHREALTIME/./}
	fails 1 "proxy $url: .*host unreachable \(SOCKS reply 4\): tried [0-9]+ times within 3 s$" \
		--wait 3 --proxy "$url" localhost 80
	test "$((${EPOCHREALTIME/./} - began))" -lt 5000000
}

@test "connect --proxy --wait: says how often it tried a proxy that does not answer" {
	fails 1 'proxy http://127.0.0.1:1: .*Connection refused: tried ([2-9]|[1-9][0-9]+) times within 0.5 s$' \
		--wait 500ms --proxy http://127.0.0.1:1 a 80
}

@test "connect --proxy: replies a byte at a time, and with each type of address" {
	server "$scripted"'
for end in bytes([1, 1, 2, 3, 4, 0, 5]), bytes([3, 5]) + b"proxy\0\5", \
    bytes([3, 0, 0, 5]), bytes([4] + 16 * [5] + [0, 5]):
    c = accept()
    bytewise(c, bytes([5, 0]))
    exactly(c, 3); asked(c)
    bytewise(c, bytes([5, 0, 0]) + end + b"\5\0\0hello\n")
    c.close()
c = accept(); http(c)
bytewise(c, b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n\5\0\0hello\n")'
	local i
	printf '\5\0\0hello\n' >wanted
	for i in {1..4}; do
		quiet -n --proxy "socks5h://127.0.0.1:$port" a.example 80 >got
		cmp wanted got
	done
	quiet -n --proxy "http://127.0.0.1:$port" a.example 80 >got
	cmp wanted got
}

@test "connect --proxy: no byte behind a reply is lost, though it came in one segment" {
	server "$scripted"'
data = os.urandom(200000)
save(data)
socks(c := accept()); asked(c); c.sendall(OK + data); c.close()
http(c := accept()); c.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + data); c.close()
http(c := accept()); c.sendall(b"HTTP/1.0 200 OK\n\n" + data); c.close()
http(c := accept()); c.sendall(b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + data); c.close()
http(c := accept()); c.sendall(b"HTTP/1.1 200 " + b"x" * 65519 + b"\r\n\r\n" + data); c.close()
http(c := accept()); c.sendall(b"HTTP/1.1 200 " + b"x" * 65520 + b"\r\n\r\n" + data); c.close()'
	local i url=127.0.0.1:$port
	quiet -n --proxy "socks5h://$url" a.example 80 >out
	cmp got out
	for i in {1..4}; do
		quiet -n --proxy "http://$url" a.example 80 >out
		cmp got out
	done
	fails 1 "proxy http://$url: the reply's header is over 64 KiB" \
		--proxy "http://$url" a.example 80
}

@test "connect --proxy: each refusal of SOCKS has its words" {
	server "$scripted"'
for i in range(1, 10):
    socks(c := accept()); asked(c)
    c.sendall(bytes([5, i]) if i % 2 else bytes([5, i, 0, 1] + 6 * [0])); c.close()'
	local i words=('' 'general SOCKS server failure' 'connection not allowed by ruleset'
		'network unreachable' 'host unreachable' 'connection refused' 'TTL expired'
		'command not supported' 'address type not supported' 'unknown error')
	for i in {1..9}; do
		fails 1 "proxy socks5h://127.0.0.1:$port: a.example:80: ${words[i]} \(SOCKS reply $i\)$" \
			--proxy "socks5h://127.0.0.1:$port" a.example 80
	done
}

@test "connect --proxy: an HTTP status line is shown escaped" {
	server "$scripted"'
http(c := accept()); c.sendall(b"HTTP/1.1 403 \33[31mno\7 entry " + b"x" * 1000 + b"\r\nA: b\r\n\r\nbody"); c.close()'
	fails 1 "proxy http://127.0.0.1:$port: a.example:80: HTTP/1.1 403 .e\[31mno.x07 entry x{9,120}$" \
		--proxy "http://127.0.0.1:$port" a.example 80
}

@test "connect --proxy: what is no reply is one line, with status 1" {
	server "$scripted"'
accept().sendall(b"SSH-2.0-OpenSSH\r\n")
accept().sendall(b"SSH-2.0-OpenSSH\r\n")
socks(accept(), 1)
socks(accept(), 2)
c = accept(); socks(c); asked(c); c.sendall(bytes([5, 0, 0, 2]))
c = accept(); socks(c); asked(c); c.sendall(bytes([5, 0, 0, 1, 0])); c.shutdown(socket.SHUT_WR)
accept().close()
http(c := accept()); c.sendall(b"HTTP/1.1 200 OK\r\n"); c.close()
http(c := accept()); reset(c)'
	local url=127.0.0.1:$port line
	for line in 'is not SOCKS5' 'HTTP' 'not offered' 'not offered' \
		'unknown type' 'within its reply' '(without a reply|reset)' \
		'HTTP:within its reply' 'HTTP:reset by peer'; do
		case $line in
		HTTP*) fails 1 "proxy http://$url: .*${line#*:}" --proxy "http://$url" a.example 80 ;;
		*) fails 1 "proxy socks5h://$url: .*$line" --proxy "socks5h://$url" a.example 80 ;;
		esac
	done
}

@test "connect --proxy: one limit is for the whole way: silence at any step is status 4" {
	server "$scripted"'
kept = [accept()]
socks(c := accept()); kept.append(c)
socks(c := accept()); c.sendall(OK[:-1]); kept.append(c)
http(c := accept()); c.sendall(b"HTTP/1.1 200 OK\r\n"); kept.append(c)
tell("held"); signal.pause()'
	local i url=127.0.0.1:$port
	mkfifo held
	for i in 1 2 3; do
		fails 4 "proxy socks5h://$url: no answer in time" \
			--connect-timeout 300ms --proxy "socks5h://$url" a.example 80
	done
	fails 4 "proxy http://$url: no answer in time" \
		--connect-timeout 300ms --proxy "http://$url" a.example 80
	read -r <held
}

@test "connect --proxy: a name that does not resolve is status 3" {
	fails 3 'proxy socks5://gate.invalid:1080: gate.invalid: ' \
		--proxy socks5://gate.invalid 127.0.0.1 80
	microsocks
	fails 3 'server.invalid: .*socks5h:// lets the proxy look it up' \
		--proxy "socks5://127.0.0.1:$port" server.invalid 80
	fails 3 'a.example: ' --numeric --proxy "socks5h://127.0.0.1:$port" a.example 80
}

@test "connect --proxy: what can't work is refused before any packet" {
	local p=--proxy many=() http=http:
	fails 2 '--proxy socks4://a: want socks5://, socks5h:// or http://' $p socks4://a a 80
	fails 2 '--proxy a:...: want socks5://' $p a:1080 a 80
	fails 2 '--proxy socks5://me:...: its port must be 1 to 65535' $p socks5://me:secret@a:0 a 80
	fails 2 '--proxy is for TCP only' -u $p socks5://a a 80
	fails 2 '--proxy is for TCP only' -U $p socks5://a ./path
	fails 2 '--proxy is for TCP only' $p socks5://a unix:path
	fails 2 '--proxy-auth-file goes with --proxy' --proxy-auth-file f a 80
	fails 2 '--proxy-auth-file f: No such file' --proxy-auth-file f $p http://a.b a 80
	fails 2 '--proxy-auth-file .: Is a directory' --proxy-auth-file . $p http://a.b a 80
	echo me >f
	fails 2 '--proxy-auth-file line 1: want USER:PASSWORD' --proxy-auth-file f $p http://a.b a 80
	RPNC_PROXY_AUTH=me fails 2 'RPNC_PROXY_AUTH line 1: want USER:PASSWORD' $p http://a.b a 80
	fails 2 'the host has a blank or a control character' $p http://a.b $'a\r\nb' 80
	fails 2 'fe80::1%lo: a proxy can.t use this host.s interface' $p http://a.b fe80::1%lo 80
	fails 2 '-4 and -6 are for a name that this host looks up' -6 $p http://a.b a 80
	fails 2 'proxy 2: the host has a blank or a control' $p socks5://a $p $'socks5h://b.example\r\nc' a 80
	fails 2 'proxy 2: fe80::1%lo: a proxy can.t use this' $p socks5://a $p "${http/http/socks5h}//[fe80::1%lo]" a 80
	fails 2 "--proxy $http//a%3ab:...: HTTP allows no ':' in a user" $p "$http//a%3ab:secret@c" a 80
	for _ in {1..9}; do many+=("$p" socks5://a); done
	fails 2 '--proxy: at most 8' "${many[@]}" a 80
}

@test "connect --proxy: a login that is too long or has a NUL is refused, needed or not" {
	local http=http:
	local proxies=(-q --proxy "$http//me:own@127.0.0.1:1" --proxy "$http//127.0.0.1:1")
	printf 'me:%0510d\nme:secret\n' 1 >f
	fails 2 '--proxy-auth-file line 1: want USER:PASSWORD' --proxy-auth-file f "${proxies[@]}" a 80
	printf '\nme:sec\0ret\n' >f
	fails 2 '--proxy-auth-file line 2: want USER:PASSWORD' --proxy-auth-file f "${proxies[@]}" a 80
	printf 'me:sec\0ret\n' >f
	fails 2 '--proxy-auth-file line 1: want USER:PASSWORD' --proxy-auth-file f "${proxies[@]}" a 80
	printf 'me:secret\r\nme:secret' >f
	fails 1 'proxy http://127.0.0.1:1: connect' --proxy-auth-file f "${proxies[@]}" a 80
}

@test "connect --proxy: -q hides the warning about a password on the command line" {
	fails 1 'proxy http://127.0.0.1:1: connect' -q --proxy http://m.e:secret@127.0.0.1:1 a 80
}

@test "connect: nc's options of a proxy name rpnc's" {
	fails 2 '-X: nc.s -X 5 -x is --proxy with socks5h:// before HOST:PORT' -X 5 -x a:1080 b 80
	fails 2 '-F: nc.s -F is --pass-fd' -F a 80
}

@test "connect --pass-fd: ssh works over it, directly and through a proxy" {
	local sshd
	private_sshd
	sshd=$port
	echo 'ProxyUseFdpass yes' >>ssh_config
	microsocks
	cat >script <<-'END'
		echo "hello $SSH_CONNECTION"
		cat
	END
	random_file 8M data
	timeout 60 ssh -F ssh_config -o ProxyCommand="$RPNC connect --pass-fd %h %p" \
		127.0.0.1 'echo hello; cat' <data >got
	cmp <(echo hello && cat data) got
	timeout 60 ssh -F ssh_config -o ProxyCommand="$RPNC connect --pass-fd \
		--proxy socks5h://127.0.0.1:$port %h $sshd" \
		127.0.0.1 'echo hello; cat' <data >got
	cmp <(echo hello && cat data) got
}

@test "connect --pass-fd: sends one byte with the socket, which blocks, and ends with 0" {
	server "$scripted"'
import subprocess
a, b = socket.socketpair()
r = subprocess.Popen([os.environ["RPNC"], "connect", "--pass-fd", "--proxy",
    "http://127.0.0.1:%d" % s.getsockname()[1], "a.example", "80"], stdout=b)
b.close()
http(c := accept())
c.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello\n")
data, fds, flags, _ = socket.recv_fds(a, 100, 10)
assert len(data) == 1 and len(fds) == 1, (data, fds)
assert os.get_blocking(fds[0])
assert r.wait() == 0
assert a.recv(1) == b""
c.close()
assert os.read(fds[0], 100) == b"hello\n"'
	finish "$pid" || fail "$(cat server.err)"
}

@test "connect --pass-fd: if nobody receives the socket in time, the status is 4" {
	server '
import subprocess
a, b = socket.socketpair()
b.setblocking(False)
try:
    while True: b.send(b"x" * 4096)
except BlockingIOError: b.setblocking(True)
r = subprocess.run([os.environ["RPNC"], "connect", "--pass-fd",
    "--connect-timeout", "1", "127.0.0.1", str(s.getsockname()[1])],
    stdout=b, stderr=subprocess.PIPE, timeout=15)
assert r.returncode == 4, r
assert b"stdout: nobody received the socket in time" in r.stderr, r'
	finish "$pid" || fail "$(cat server.err)"
}

@test "connect --pass-fd: stdout must be a Unix socket, and no data passes" {
	fails 2 '--pass-fd: stdout must be a Unix socket' --pass-fd 127.0.0.1 1
	fails 2 '--pass-fd hands over the first connection, and --to may need several: leave out one of them' --pass-fd --to A 127.0.0.1 1
	fails 2 '--pass-fd hands the connection over' --pass-fd --json 127.0.0.1 1
	fails 2 '--pass-fd hands the connection over' --pass-fd -n 127.0.0.1 1
}
