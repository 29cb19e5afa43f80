#!/usr/bin/env bats
# The units in src/systemd, as systemd-analyze(1) judges them, and their commands.
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC2154 # a test is a subshell; words

load helpers

units=$BATS_TEST_DIRNAME/../src/systemd

# installed: puts them into this directory, for port 9000, with paths of this test.
installed() {
	local unit
	for unit in "$units"/*@.*; do
		sed "s|@bindir@|${RPNC%/*}|" "$unit" >"${unit##*/}"
	done
}

# command_of UNIT: prints what it runs, for port 0.
command_of() {
	sed -n 's/^ExecStart=//p' "$1" | sed 's/%i/0/'
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

@test "units: their commands start, and the programs have their arguments" {
	installed
	local command
	command=$(command_of rpnc-echo@.service)
	start ${command#*/rpnc }
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	OPTIONS=127.0.0.1 COMMAND='echo one two'
	command=$(command_of rpnc-listen@.service)
	command=${command/'$OPTIONS'/$OPTIONS}
	command=${command/'$COMMAND'/$COMMAND}
	as_by_a_person ${command#*/rpnc } >out.listen 2>err.listen &
	pids+=("$!")
	eventually grep -q 'listening on' err.listen
	port=$(sed -nE 's/.*listening on [0-9.]+:([0-9]+) .*/\1/p' err.listen)
	assert_equal "$(rpnc connect -n "$port")" 'one two'
}
