#!/usr/bin/env bats
# The units in src/systemd, as systemd-analyze(1) judges them, and their commands.
# shellcheck disable=SC2016,SC2034,SC2030,SC2031,SC2086,SC2154 # a test is a subshell; words

load helpers

units=$BATS_TEST_DIRNAME/../src/systemd

# installed: puts them into this directory, for port 9000, with paths of this test.
installed() {
	local unit
	for unit in "$units"/*@.*; do
		sed "s|@bindir@|${RPNC%/*}|" "$unit" >"${unit##*/}"
	done
}

# command_of UNIT: prints what it runs for instance 0, with $OPTIONS and $COMMAND.
command_of() {
	local ADDRESS line
	ADDRESS=$(sed -nE 's/^Environment="?ADDRESS=([^"]*)"?$/\1/p' "$1")
	test -n "$ADDRESS"
	line=$(sed -n 's/^ExecStart=//p' "$1")
	eval "line=\"${line//&/\\&}\""
	echo "${line//%i/0}"
}

@test "units: systemd takes each of them without a word" {
	installed
	local unit
	for unit in *@.*; do
		run -0 --separate-stderr systemd-analyze verify --man=no "$PWD/${unit/@/@9000}"
		assert_equal "$output$stderr" ''
	done
	echo 'Nonsense=yes' >>rpnc-echo@.socket
	run systemd-analyze verify --man=no "$PWD/rpnc-echo@9000.socket"
	assert_output --partial Nonsense
}

@test "units: what the services may do is little" {
	installed
	for unit in *@.service; do
		run -0 systemd-analyze security --no-pager --offline=true --threshold=25 "$PWD/$unit"
	done
	sed -i '/^ProtectSystem=/,/^UMask=/d' "$unit"
	run ! systemd-analyze security --no-pager --offline=true --threshold=25 "$PWD/$unit"
}

# allowed UNIT: prints the system calls that its filter allows, one a line.
allowed() {
	systemd-analyze syscall-filter 2>/dev/null | python3 -c '
import re, sys
sets = {}
for line in sys.stdin:
    word = line.strip()
    if line.startswith("@"):
        members = sets.setdefault(word, set())
    elif word and not word.startswith("#"):
        members.add(word)
def expand(name):
    return set().union(*map(expand, sets[name])) if name in sets else {name}
calls = set()
for line in open(sys.argv[1]):
    if line.startswith("SystemCallFilter="):
        value = line.strip().partition("=")[2]
        named = set().union(*map(expand, value.lstrip("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
print("\n".join(sorted(calls)))' "$1"
}

@test "units: the filter leaves each call that the sandbox leaves" {
	# echo and listen change no owner: only the history of a prompt does
	sed -nE 's/^\tCALL(_IF)?\(([a-z0-9_]+),.*/\2/p' "$units/../sandbox/calls.c" |
		grep -vx fchown | sort -u >wanted
	printf '%s\n' execve pidfd_send_signal setrlimit >>wanted
	test "$(wc -l <wanted)" -gt 100
	for unit in "$units"/*.service; do
		allowed "$unit" | sort >got
		if grep -qx bpf got || ! grep -qx write got; then fail "$unit: $(wc -l got)"; fi
		assert_equal "$(grep -vxFf got wanted)" setrlimit # prlimit64 is one
	done
}

@test "units: both services are confined alike, and share one registry" {
	local unit
	for unit in echo listen; do
		sed -n '/^# The members of a port/,$p' "$units/rpnc-$unit@.service" >"$unit"
		test "$(wc -l <$unit)" -gt 35
		grep -E '^(Restart|KillMode|Timeout|Watchdog|Type)' "$units/rpnc-$unit@.service" >>"$unit"
	done
	diff echo listen
	# /run/rpnc is that of root
	grep -qx 'RuntimeDirectory=rpnc-services' echo
	grep -qx 'Environment=XDG_RUNTIME_DIR=%t/rpnc-services' echo
	grep -qx 'RuntimeDirectoryPreserve=yes' echo
	# echo -r takes no other socket
	grep -qx 'ReusePort=yes' "$units/rpnc-echo@.socket"
	# systemd waits longer than open sessions have (--grace), and COMMANDs
	test "$(sed -n 's/^TimeoutStopSec=//p' echo)" -gt 15
	rpnc listen --help=all | grep -A1 -e --grace | grep -q 10
}

@test "units: their commands start, and the programs have their arguments" {
	installed
	local command OPTIONS='' COMMAND='' n
	command=$(command_of rpnc-echo@.service)
	start ${command#*/rpnc }
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	OPTIONS='-w 2 --identify' # as in /etc/rpnc/echo-NAME
	command=$(command_of rpnc-echo@.service)
	start ${command#*/rpnc }
	run -0 rpnc connect "$port" <<<hello
	assert_output --partial ' worker='
	OPTIONS='--allow 127.0.0.1' COMMAND='echo one two'
	command=$(command_of rpnc-listen@.service)
	n=${#pids[@]}
	mkfifo "ready.$n"
	as_by_a_person listen --ready-fd 4 ${command#*/rpnc listen } 4>"ready.$n" 3>&- \
		>out.listen 2>err.listen </dev/null &
	pids+=("$!")
	read -r port <"ready.$n"
	[[ $port == 127.0.0.1:* ]]
	assert_equal "$(rpnc connect -n "$port")" 'one two'
}
