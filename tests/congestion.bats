#!/usr/bin/env bats
# shellcheck disable=SC2016 # the other shell expands it
# --congestion: what TCP's connections of listen, connect and echo are governed by.

bats_require_minimum_version 1.5.0
load helpers
load connect

# with_bbr CODE: in a network of its own, whose system has bbr. There talk ARG...
# and talk_from PREFIX... have a listener and a client, both with these ARGs,
# talk, and say what governs each side.
with_bbr() {
	in_netns '
		has_bbr() { sysctl -qw net.ipv4.tcp_congestion_control=bbr 2>/dev/null; }
		has_bbr || exit 42
		mkfifo in out at
		exec 5<>in 6<>out
		trap "kill \$(jobs -p) 2>/dev/null || true" EXIT
		connected() {
			$1 ss -tinH state established | grep -Eo "[a-z]+ wscale" |
				cut -d" " -f1 | tr "\n" " "
		}
		talk() { talk_from 127.0.0.1 "" "$@"; }
		echoed() {
			local address server line
			rpnc echo "$@" 127.0.0.1 0 --ready-fd 4 4>at >out 2>&1 </dev/null &
			server=$!
			read -r address <at
			exec 7<>"/dev/tcp/${address/://}"
			echo hello >&7
			read -r line <&7
			ss -tinH state established "sport = :${address##*:}" |
				grep -Eo "[a-z]+ wscale" | cut -d" " -f1
			exec 7>&-
			kill "$server"
			wait "$server" || true
		}
		talk_from() {
			local host=$1 prefix=$2 address server
			shift 2
			rpnc listen -k "$@" 0 --ready-fd 4 4>at >out </dev/null 2>/dev/null &
			server=$!
			read -r address <at
			port=${address##*:}
			$prefix rpnc connect "$@" "$host:$port" <in &
			echo hello >&5
			read -r <&6
			connected ""
			test -z "$prefix" || connected "$prefix"
			echo
			kill "$server" "$!" 2>/dev/null || true
			wait "$server" "$!" || true
		}
	'"$1" || {
		test "$?" -ne 42 || skip "no bbr here"
		return 1
	}
}

@test "congestion: where the system has bbr, this host's own connections have reno" {
	run -0 with_bbr '
		talk
		talk --congestion keep
		talk --congestion bbr
		sysctl -qw net.ipv4.tcp_congestion_control=reno
		talk
		talk --congestion bbr
	'
	assert_output "reno reno 
bbr bbr 
bbr bbr 
reno reno 
bbr bbr "
}

@test "congestion: a peer elsewhere has what the system has" {
	run -0 with_bbr '
		mkfifo up lives
		unshare -n bash -c "ip link set lo up
			sysctl -qw net.ipv4.tcp_congestion_control=bbr
			echo \$\$ >up; read -r <>lives" &
		read -r there <up
		ip link add v0 type veth peer name v1 netns "$there" 2>/dev/null ||
			{ echo none; exit; }
		within="nsenter -t $there -n"
		ip addr add 192.0.2.1/24 dev v0
		ip link set v0 up
		$within ip addr add 192.0.2.2/24 dev v1
		$within ip link set v1 up
		talk_from 192.0.2.1 "$within"
		# an address of this host that is not loopback
		talk_from 192.0.2.1 ""
	'
	test "$output" != none || skip "no veth here"
	assert_output "bbr bbr 
reno reno "
}

@test "congestion: a name that can't be had is told before anything is opened" {
	for command in connect listen; do
		run -2 rpnc "$command" --congestion nobody 1
		assert_output "rpnc $command: --congestion nobody: want one of: keep $(</proc/sys/net/ipv4/tcp_available_congestion_control)"
		for option in -u -U; do
			run -2 rpnc "$command" "$option" --congestion reno 1
			assert_output "rpnc $command: --congestion is for TCP only"
		done
	done
}

@test "congestion: a name that wants privileges is told so" {
	local allowed name
	allowed=" $(</proc/sys/net/ipv4/tcp_allowed_congestion_control) "
	for name in $(</proc/sys/net/ipv4/tcp_available_congestion_control); do
		[[ $allowed == *" $name "* ]] || break
	done
	[[ $allowed != *" $name "* ]] || skip "all are allowed here"
	local as=()
	test "$(id -u)" -ne 0 ||
		as=(setpriv --inh-caps=-net_admin --bounding-set=-net_admin)
	run -2 "${as[@]}" rpnc connect --congestion "$name" 1
	assert_output --partial "--congestion $name: not without privileges"
}

@test "congestion: echo has it too, however it accepts" {
	run -0 with_bbr '
		for model in shared blocking handoff fork; do
			echoed --accept "$model"
			echoed --accept "$model" --congestion keep
		done
		echoed -w 2
		echoed -w 2 --congestion bbr
	'
	assert_output "reno
bbr
reno
bbr
reno
bbr
reno
bbr
reno
bbr"
}
