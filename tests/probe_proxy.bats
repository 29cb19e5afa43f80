#!/usr/bin/env bats
# probe --proxy: who answers behind SOCKS5 and HTTP proxies, real ones and nasty
# ones.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe
load connect
load proxy

# behind URL...: 60 attempts at a server of two workers, through these proxies,
# all of which are answered; each phase of the way is measured.
behind() {
	local url through=()
	for url; do
		through+=(--proxy "$url")
	done
	start echo --identify -w 2 127.0.0.1 0
	probe --json -n 60 --echo "${through[@]}" 127.0.0.1 "$port"
	assert_equal "$status" 0
	sums
	holds '.ok == 60 and .by == "banner" and .target.port == '"$port"
	holds '.latency.connect.count == 60 and .latency.proxy.count == 60'
	holds '.latency.echo.count == 60 and .latency.accept == null'
	holds '[.members[].latency.proxy.count] | add == 60'
	test "$(get '[.members[].worker] | sort | tostring')" = "[0,1]"
	test "$(get .target.proxy)" = "$(printf ', %s' "$@" | cut -c 3-)"
}

# refuses STATUS REASON ARG...: all of three attempts fail, the last one for this
# reason.
refuses() {
	probe -n 3 -c 1 "${@:3}"
	assert_equal "$status" "$1"
	grep -qxF "failed 3 ($2)" report
}

@test "probe --proxy: microsocks: the workers behind it are counted" {
	microsocks
	behind "socks5://127.0.0.1:$port"
}

@test "probe --proxy: dante, and a name that it looks up" {
	dante
	behind "socks5h://127.0.0.1:$port"
	probe --json -n 5 --proxy "$(get .target.proxy)" localhost "$port"
	holds '.ok == 5 and .target.address == null and .target.name == "localhost"'
	holds '.target.port == '"$port"
}

@test "probe --proxy: ssh -D" {
	private_sshd
	port=$(free_port)
	serve ssh -F ssh_config -N -D "127.0.0.1:$port" 127.0.0.1
	behind "socks5h://127.0.0.1:$port"
}

@test "probe --proxy: tinyproxy with a password, and its 407 names the option" {
	local url
	tinyproxy 'BasicAuth me secret'
	url=http://127.0.0.1:$port
	probe -n 3 --proxy "$url" a.example 80
	assert_equal "$status" 1
	grep -qE "^failed 3 \(proxy 3: $url: a.example:80: HTTP/1.. 407 .*: give USER:PASSWORD with --proxy-auth-file\)$" report
	export RPNC_PROXY_AUTH=me:secret
	behind "$url"
	run ! grep -r secret report err
}

@test "probe --proxy: ncat's HTTP proxy" {
	port=$(free_port)
	serve ncat -lk 127.0.0.1 "$port" --proxy-type http
	behind "http://127.0.0.1:$port"
}

@test "probe --proxy: a chain of SOCKS5 and HTTP" {
	local first
	microsocks
	first=socks5h://127.0.0.1:$port
	http_proxy
	behind "$first" "http://127.0.0.1:$port"
}

@test "probe --proxy: the report says through which proxy, and the heading's name is the server's" {
	microsocks
	local url=socks5h://127.0.0.1:$port
	start echo --identify 127.0.0.1 0
	probe -n 200 --proxy "$url" localhost "$port"
	assert_equal "$status" 0
	grep -qE "^localhost:$port tcp through $url, 200 connections, " report
	grep -qE '^proxy    p50 +[0-9.]+ .s  p90 ' report
	probe --watch=0.1 -d 400ms --proxy "$url" localhost "$port"
	grep -qE "^localhost:$port tcp through $url " report
	grep -qE '^proxy +p50 ' report
}

@test "probe --proxy: without a greeting nobody is known, and the reason is said" {
	microsocks
	local url=socks5h://127.0.0.1:$port
	start echo -r 127.0.0.1 0
	probe -n 10 --proxy "$url" 127.0.0.1 "$port"
	assert_equal "$status" 0
	grep -qF 'no verdict: the member that answered is not known: it is behind a proxy' report
	probe --json -n 10 --match '(x)' --send x --proxy "$url" 127.0.0.1 "$port"
	holds '.by == "reply" and .members[0].name == "x" and .members[0].count == 10'
}

@test "probe --proxy: metrics and --merge have the proxy and its phase" {
	local url
	microsocks
	url=socks5h://127.0.0.1:$port
	start echo --identify 127.0.0.1 0
	for i in 1 2; do
		probe --json -n 20 --openmetrics metrics --proxy "$url" localhost "$port"
		cp report "one.$i"
	done
	grep -qF 'rpnc_probe_latency_seconds_count{address="localhost",port="'"$port"'",protocol="tcp",proxy="'"$url"'",phase="proxy"} 20' metrics
	grep -qE '^rpnc_probe_failures\{.*reason="proxy"\} 0$' metrics
	probe --merge --json one.1 one.2
	holds '.ok == 40 and .latency.proxy.count == 40'
	holds '.target.name == "localhost" and .target.port == '"$port"
	test "$(get .target.proxy)" = "$url"
	probe --merge one.1 one.2
	grep -qF "localhost:$port tcp through $url, 40 connections, 2 reports" report
}

@test "probe --proxy: a reply a byte at a time, and a greeting in the reply's segment" {
	server "$scripted"'
greeting = b"rpnc/1 name=%c host=h pid=7 worker=0\n"
for i in range(3):
    c = accept(); bytewise(c, bytes([5, 0])); exactly(c, 3); asked(c)
    bytewise(c, OK + greeting % b"A"); c.close()
for i in range(3):
    socks(c := accept()); asked(c); c.sendall(OK + greeting % b"B"); c.close()
for i in range(3):
    http(c := accept()); bytewise(c, b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n" + greeting % b"C"); c.close()
for i in range(3):
    http(c := accept())
    c.sendall(b"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 " + b"x" * 50000 + b"\r\n\r\n" + greeting % b"D"); c.close()'
	local scheme name want=(A B C D)
	for name in "${want[@]}"; do
		scheme=socks5h
		[[ $name = [AB] ]] || scheme=http
		probe --json -n 3 -c 1 --proxy "$scheme://127.0.0.1:$port" a.example 80
		assert_equal "$status" 0
		holds '.members | length == 1 and .[0].count == 3'
		test "$(get '.members[0].name')" = "$name"
	done
	finish "$pid"
}

@test "probe --proxy: a refusal has SOCKS's words or HTTP's line, and is not the server's" {
	server "$scripted"'
for i in range(1, 10):
    for j in range(3):
        socks(c := accept()); asked(c)
        c.sendall(bytes([5, i]) if i % 2 else bytes([5, i, 0, 1] + 6 * [0])); c.close()
for i in range(3):
    http(c := accept()); c.sendall(b"HTTP/1.1 502 \33[31mno\r\nA: b\r\n\r\nbody"); c.close()
for i in range(3): socks(accept(), 255)
for i in range(3): accept().close()
for i in range(3): accept().sendall(b"SSH-2.0-OpenSSH\r\n")
for i in range(3):
    http(c := accept()); reset(c)'
	local i at=127.0.0.1:$port words=('' 'general SOCKS server failure'
		'connection not allowed by ruleset' 'network unreachable' 'host unreachable'
		'connection refused' 'TTL expired' 'command not supported'
		'address type not supported' 'unknown error')
	for i in {1..9}; do
		refuses 1 "proxy 3: socks5h://$at: a.example:80: ${words[i]} (SOCKS reply $i)" \
			--proxy "socks5h://$at" a.example 80
	done
	refuses 1 "proxy 3: http://$at: a.example:80: HTTP/1.1 502 \\e[31mno" \
		--proxy "http://$at" a.example 80
	refuses 1 "proxy 3: socks5h://$at: it wants a login: give USER:PASSWORD with --proxy-auth-file" \
		--proxy "socks5h://$at" a.example 80
	probe --json -n 3 -c 1 --proxy "socks5h://$at" a.example 80
	holds '.failed.proxy == 3 and .failed.refused == 0 and .failed.reset == 0'
	holds '.finding.text | contains("it closed the connection without a reply") or
		contains("reset by peer")'
	refuses 1 "proxy 3: socks5h://$at: the reply is not SOCKS5" --proxy "socks5h://$at" a.example 80
	refuses 1 "proxy 3: http://$at: connection: Connection reset by peer" --proxy "http://$at" a.example 80
}

@test "probe --proxy: a proxy that is not there is said to be the proxy" {
	refuses 1 'proxy 3: http://127.0.0.1:1: Connection refused' --proxy http://127.0.0.1:1 a.example 80
	probe -n 3 --proxy socks5://gate.invalid 127.0.0.1 80
	assert_equal "$status" 3
	grep -q 'proxy socks5://gate.invalid:1080: gate.invalid: ' err
	probe -n 3 --proxy socks5://127.0.0.1:1 server.invalid 80
	assert_equal "$status" 3
	grep -q 'server.invalid: .*socks5h:// lets the proxy look it up' err
}

@test "probe --proxy: silence at any step is a timeout, within one limit for the whole way" {
	server "$scripted"'
kept = [accept()]
socks(c := accept()); kept.append(c)
socks(c := accept()); asked(c); c.sendall(OK[:-1]); kept.append(c)
http(c := accept()); c.sendall(b"HTTP/1.1 200 OK\r\n"); kept.append(c)
tell("held"); told("end")'
	local scheme url=127.0.0.1:$port
	mkfifo held end
	for scheme in socks5h socks5h socks5h http; do
		probe --json -n 1 --connect-timeout 300ms --proxy "$scheme://$url" a.example 80
		assert_equal "$status" 4
		holds '.failed.timeout == 1 and .latency.proxy == null and .seconds < 5'
	done
	read -r <held
	echo >end
}

@test "probe --proxy: if the proxy can't reach one address of the server, the next is tried" {
	needs_ipv6
	server "$scripted"'
socks(c := accept()); first = asked(c)[0]
c.sendall(bytes([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])); c.close()
for i in range(3):
    socks(c := accept()); assert {first, asked(c)[0]} == {"127.0.0.1", "::1"}
    c.sendall(OK + b"rpnc/1 name=A host=h pid=7 worker=0\n"); c.close()'
	probe -v -n 3 -c 1 --proxy "socks5://127.0.0.1:$port" localhost 80
	assert_equal "$status" 0
	grep -qF 'connection refused (SOCKS reply 5); trying the next address' err
	finish "$pid"
}

@test "probe --proxy --during: attempts that the proxy refused are lost to it" {
	microsocks
	probe --json --during -d 100ms --rate 50 --proxy "socks5h://127.0.0.1:$port" 127.0.0.1 1 -- true
	assert_equal "$status" 1
	holds '.during.losses.proxy > 0 and .during.lost == .during.losses.proxy'
	holds '[.during.intervals[].proxy] | add > 0'
}

@test "probe --proxy: what can't work is refused before any packet" {
	local p=(--proxy socks5h://127.0.0.1:1) by
	for by in diag registry; do
		probe "${p[@]}" --by "$by" a.example 80
		assert_equal "$status" 2
		grep -q "this host can't see the server's end of a connection through a proxy: --by banner or reply" err
	done
	probe "${p[@]}" -u --echo a.example 80
	grep -q -- '--proxy is for TCP only' err
	probe "${p[@]}" unix:path
	grep -q -- '--proxy is for TCP only' err
	probe "${p[@]}" --send-proxy v1 a.example 80
	grep -q -- '--send-proxy: a PROXY header names both ends' err
	probe "${p[@]}" --group 80
	assert_equal "$status" 2
	grep -q -- '--proxy' err
	for by in -X -x; do
		probe "$by" connect a.example 80
		assert_equal "$status" 2
		grep -qF -e "$by: nc's -X 5 -x is --proxy with socks5h:// before HOST:PORT" err
	done
	probe --proxy-auth-file f a.example 80
	grep -q -- '--proxy-auth-file goes with --proxy' err
	probe "${p[@]}" $'a\nb' 80
	grep -q 'the host has a blank or a control character' err
}

@test "scan --proxy: a port is open or closed, says the proxy" {
	local url open
	microsocks
	url=socks5://127.0.0.1:$port
	start echo 127.0.0.1 0
	open=$port
	probe -v --proxy "$url" 127.0.0.1 "1,$open"
	assert_equal "$status" 0
	grep -qE "^127\.0\.0\.1:$open +open, says the proxy +[0-9.]+ .s" report
	grep -qE '^127\.0\.0\.1:1 +closed, says the proxy ' report
	grep -qE '^1 open, 1 closed, 0 no answer, ' report
	probe --json --proxy "${url/socks5/socks5h}" localhost "1,$open"
	test "$(get .proxy)" = "${url/socks5/socks5h}"
	get '.scan[] | "\(.address) \(.name) \(.port) \(.state)"' >got
	diff -u <(printf 'null localhost %s\n' '1 closed' "$open open") got
}

@test "scan --proxy: what is not known has no answer, with the proxy's words" {
	server "$scripted"'
http(c := accept()); c.sendall(b"HTTP/1.1 502 Bad \33Gateway\r\n\r\n"); c.close()
http(c := accept()); told("end")'
	mkfifo end
	probe --json -c 1 --connect-timeout 300ms --proxy "http://127.0.0.1:$port" a.example 1,2
	assert_equal "$status" 1
	echo >end
	get '.scan[] | "\(.port) \(.state) \(.reason)"' >got
	diff -u - got <<-END
		1 no answer proxy http://127.0.0.1:$port: a.example:1: HTTP/1.1 502 Bad \\eGateway
		2 no answer $(errno_text ETIMEDOUT)
	END
	probe -v --proxy http://127.0.0.1:1 a.example 1,2
	test "$(grep -c 'no answer  http://127.0.0.1:1: Connection refused$' report)" -eq 2
}
