#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
# --version: the version for scripts, and what this build and this machine have.

load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)

# commit_of DIRECTORY: what the Makefile there takes as its commit.
commit_of() {
	make -s -C "$1" SAN= build/commit 3>&- && cat "$1/build/commit"
}

@test "version: the first line is for scripts, and the others say what there is" {
	run -0 --separate-stderr rpnc --version
	assert_equal "${lines[0]}" "rpnc $(sed -n 's/^VERSION = //p' "$root/Makefile")"
	assert_line --regexp '^commit ([0-9a-f]{7,40} of 20[0-9-]{8}(, changed)?|unknown)$'
	assert_line --regexp '^readline [0-9.]+ \(libreadline\.so\.[0-9]+\), at a prompt$'
	assert_line --regexp '^OpenSSL 3\..* \(libssl\.so\.3\), for --tls$'
	assert_line --regexp '^sandbox: seccomp, Landlock'
	assert_line 'licence: GPL-3.0-or-later'
	assert_equal "$stderr" ''
}

@test "version: the hardening that it names is that of the file" {
	command -v readelf || skip "no readelf"
	readelf -Wldh "$RPNC" >elf
	rpnc --version >said
	has() {
		grep -qE "^hardening:.* $1( |\$)" said
	}
	if grep -q 'Type: *DYN' elf; then has PIE; else run ! has PIE; fi
	if grep -q GNU_RELRO elf && grep -q 'BIND_NOW\|Flags: NOW' elf; then
		has full-RELRO
	else
		run ! has full-RELRO
	fi
	if grep -q 'GNU_STACK.* RW ' elf; then has no-exec-stack; else run ! has no-exec-stack; fi
	if readelf -Ws "$RPNC" | grep -q __stack_chk_fail; then has stack-protector; fi
	if has_musl && test -e /usr/include/fortify; then
		: # its checks are in the code, and have no names
	elif test -z "${SAN-}" && readelf -Ws "$RPNC" | grep -q __snprintf_chk; then
		has 'fortify=[23]'
	else
		run ! has 'fortify=.'
	fi
}

@test "version: a library that is missing is said to be, with status 0" {
	test -z "${SAN-}" || skip "the sanitizers' own libraries"
	mkdir none
	touch none/libssl.so.3
	touch "none/$(rpnc --version | grep -o 'libreadline[^)]*')"
	local why='file too short'
	! has_musl || why='Exec format error'
	LD_LIBRARY_PATH=$PWD/none run -0 --separate-stderr rpnc --version
	assert_line --regexp "^readline missing: .*libreadline.*$why"
	assert_line --regexp "^OpenSSL missing: .*libssl.*$why"
	assert_equal "$stderr" ''
}

@test "version: the commit is git's, or a tarball's, and its file is written only if it changes" {
	mkdir -p tree/src
	cp "$root/Makefile" tree
	touch tree/src/main.c
	assert_equal "$(commit_of tree)" unknown
	# another repository around it does not count
	git init -q .
	assert_equal "$(commit_of tree)" unknown
	echo 'abcdef0 of 2026-11-30' >tree/.commit
	assert_equal "$(commit_of tree)" 'abcdef0 of 2026-11-30'
	git init -q tree
	git -C tree add src Makefile
	git -C tree -c user.name=x -c user.email=x commit -qm one
	run commit_of tree
	assert_output --regexp "^$(git -C tree rev-parse --short=12 HEAD) of 20[0-9-]{8}\$"
	touch -d '2001-01-01' tree/build/commit
	assert_equal "$(commit_of tree)" "$output"
	assert_equal "$(date -r tree/build/commit +%Y)" 2001
	echo '/* */' >>tree/src/main.c
	assert_equal "$(commit_of tree)" "$output, changed"
}
