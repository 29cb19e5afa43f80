#!/usr/bin/env bats
# shellcheck disable=SC2016 # the other shell expands it
# Multicast groups and broadcast, in a network of its own, with socat beside.

load helpers
load connect

# in_lan CODE: runs bash in a network with 10.9.0.1 and 10.9.0.2 on v0. There
# serve NAME ARG... starts rpnc listen, and line NAME is the next line that it
# received.
in_lan() {
	in_netns '
		ip link add v0 type veth peer v1
		ip addr add 10.9.0.1/24 brd + dev v0
		ip addr add 10.9.0.2/24 dev v0
		for link in v0 v1; do
			echo 0 >"/proc/sys/net/ipv6/conf/$link/accept_dad"
			ip link set "$link" up
		done
		trap "kill \$(jobs -p) 2>/dev/null || true; wait" EXIT
		mkfifo at
		serve() {
			mkfifo "$1"
			exec {fd}<>"$1"
			declare -g "fd_$1=$fd"
			rpnc listen -u -k "${@:2}" --ready-fd 4 4>at >"$1" 2>"$1.err" </dev/null &
			declare -g "pid_$1=$!"
			cat at >/dev/null
		}
		line() {
			local fd=fd_$1
			read -r -t 20 -u "${!fd}" REPLY
			echo "$1: $REPLY"
		}
		send() { rpnc connect -u --linger 0 "$@"; }
	'"$1"
}

@test "multicast: listen joins the group that is its address, on --interface" {
	run -0 in_lan '
		serve four --interface v0 239.1.2.3 5000
		echo by socat | socat -u - UDP4-DATAGRAM:239.1.2.3:5000,ip-multicast-if=10.9.0.1
		line four
		# another group of the same port, which another socket has joined
		serve other --interface v0 239.1.2.4 5000
		echo to the other | send --interface v0 239.1.2.4 5000
		line other
		echo by rpnc | send --interface v0 239.1.2.3 5000
		line four
	'
	assert_output "four: by socat
other: to the other
four: by rpnc"
}

@test "multicast: connect sends to what socat has joined" {
	run -0 in_lan '
		mkfifo got
		exec 6<>got
		socat -u UDP4-RECV:5000,ip-add-membership=239.1.2.3:10.9.0.1 - >got &
		# socat does not say when it is ready
		until read -r -t 0.1 -u 6 REPLY; do
			echo hello | send --interface v0 239.1.2.3 5000
		done
		echo "$REPLY"
	'
	assert_output "hello"
}

@test "multicast: SRC@GROUP receives that sender only" {
	run -0 in_lan '
		serve one --interface v0 10.9.0.2@232.1.2.3 5000
		echo no | send -s 10.9.0.1 --interface v0 232.1.2.3 5000
		echo yes | send -s 10.9.0.2 --interface v0 232.1.2.3 5000
		line one
	'
	assert_output "one: yes"
}

@test "multicast: an IPv6 group of a link is joined on its interface" {
	needs_ipv6
	run -0 in_lan '
		serve scope ff02::5:1%v0 5000
		echo first | send ff02::5:1%v0 5000
		line scope
		serve named --interface v0 ff02::5:2 5001
		echo second | send --interface v0 ff02::5:2 5001
		line named
	'
	assert_output "scope: first
named: second"
}

@test "multicast: with -r each member gets every datagram, and leaves without loss" {
	run -0 in_lan '
		export XDG_RUNTIME_DIR=$PWD/run
		serve A -r --interface v0 239.1.2.3 5000
		serve B -r --interface v0 239.1.2.3 5000
		for i in 1 2 3; do
			echo "$i" | send --interface v0 239.1.2.3 5000
		done
		for i in 1 2 3; do
			line A
			line B
		done
		kill "$pid_B"
		wait "$pid_B" || true
		echo last | send --interface v0 239.1.2.3 5000
		line A
		until grep -o "2 members, .*" A.err; do
			read -r -t 0.1 <>at || true
		done
		grep -o "left: .*" B.err
	'
	assert_output "A: 1
B: 1
A: 2
B: 2
A: 3
B: 3
A: last
2 members, each gets every datagram
left: nothing was waiting, nothing lost"
}

@test "multicast: what can't be joined is a line that says what to do" {
	run -2 rpnc listen 239.1.2.3 5000
	assert_output "rpnc listen: 239.1.2.3: a multicast group is for datagrams: say -u"
	run -2 rpnc listen -u ff02::1:3 5000
	assert_output --partial "needs its interface: ff02::1:3%eth0"
	run -2 rpnc connect -u ff02::1:3 5000
	assert_output --partial "needs its interface: ff02::1:3%eth0"
	run -2 rpnc listen -u host@239.1.2.3 5000
	assert_output --partial "want the address of a sender and of a multicast group"
	run -2 rpnc listen -u ::1@232.1.2.3 5000
	assert_output --partial "::1@232.1.2.3: want the address of a sender and of a multicast group, both IPv4 or both IPv6"
	run -2 rpnc connect -u 10.1.1.1@232.1.2.3 5000
	assert_output --partial "10.1.1.1@232.1.2.3: SRC@GROUP is for listen -u"
	run -2 rpnc echo -u -r --steer random 239.1.2.3 5000
	assert_output --partial "--steer: each member gets every datagram of a multicast group"
	run -5 in_netns 'rpnc listen -u 239.1.2.3 5000'
	assert_output "rpnc listen: join 239.1.2.3:5000: No such device: no route says on which interface: --interface says it"
}

@test "broadcast: sending needs --sockopt broadcast, and says so; a server needs nothing" {
	run -0 in_lan '
		serve all 5000
		send 10.9.0.255 5000 </dev/null 2>err || echo "status $?"
		cat err
		echo to all | send --sockopt broadcast 10.9.0.255 5000
		line all
	'
	assert_output "status 1
rpnc connect: connect to 10.9.0.255:5000: Permission denied: this is a broadcast address: --sockopt broadcast allows it
all: to all"
}
