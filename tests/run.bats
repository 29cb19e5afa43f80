#!/usr/bin/env bats
# The runner of the suite: how many files at once, what it shows, and what it
# says of things that a test leaves behind.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # code of other files; a test is a subshell

load helpers
load terminal

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)

# suite ARG...: the runner, not as a child of bats, in whose place it may start
# another; without a limit of ours.
suite() (
	PATH=${PATH//"$BATS_LIBEXEC:"/}
	unset "${!BATS_@}" SAN
	BATS_TEST_TIMEOUT=60 exec env "$@" 3>&- </dev/null
)

# bats_file NAME: that test file, from stdin; it says @ for @test.
bats_file() {
	sed 's/^@ /@test /' >"$1.bats"
}

# meeting N: N files of which each ends well only if all run at once. Each says
# that it is there, by a word in the fifo, and waits until all have said so.
meeting() {
	local i
	mkdir here
	for ((i = 1; i <= $1; i++)); do
		bats_file "meets$i" <<-END
			all() { set -- "$PWD"/here/*; test \$# -ge $1; }
			@ "all $1 are here" {
				touch "$PWD/here/$i"
				until all; do read -r -t 0.02 <> <(:) || true; done
			}
		END
	done
}

@test "run: twice as many files run at once as there are processors" {
	meeting $((2 * $(nproc)))
	run suite -u JOBS "$root/tests/run" "$PWD"/meets*.bats
	assert_success
	assert_line "$((2 * $(nproc))) passed, 0 failed"
}

@test "run: JOBS says how many files run at once" {
	meeting 3
	run suite JOBS=3 "$root/tests/run" "$PWD"/meets*.bats
	assert_success
	local i
	for i in 1 2 3; do
		bats_file "alone$i" <<-END
			@ "no other file runs" {
				mkdir "$PWD/taken"
				read -r -t 0.1 <> <(:) || true
				rmdir "$PWD/taken"
			}
		END
	done
	run suite JOBS=1 "$root/tests/run" "$PWD"/alone*.bats
	assert_success
	assert_line '3 passed, 0 failed'
	run -2 suite JOBS=none "$root/tests/run" "$PWD"/alone*.bats
	assert_output --partial 'JOBS=none: say how many'
}

# Two files whose tests take turns; each writes a second line of its own.
turns() {
	local name
	for name in one two; do
		bats_file "$name" <<-END
			turn() { test -e "$PWD/\$1"; }
			@ "$name begins" { touch "$PWD/$name"; until turn one && turn two; do read -r -t 0.02 <> <(:) || true; done; }
			@ "$name fails" { touch "$PWD/$name.2"; until turn one.2 && turn two.2; do read -r -t 0.02 <> <(:) || true; done; echo "by $name"; false; }
			@ "$name ends" { touch "$PWD/$name.3"; until turn one.3 && turn two.3; do read -r -t 0.02 <> <(:) || true; done; }
		END
	done
}

@test "run: the output of a file is in one piece, then how far the run is" {
	turns
	run suite JOBS=2 "$root/tests/run" "$PWD/one.bats" "$PWD/two.bats"
	assert_failure
	# up to the list of what failed
	sed '/^Failed:/,$d' <<<"$output" |
		awk '/^(not )?ok/ { print $(NF - 1) } /^file/ { print }' |
		uniq -c >pieces
	sed -n 's/^ *//p' pieces >got
	assert_equal "$(sed -n '1p;3p' got | sort)" $'3 one\n3 two'
	assert_equal "$(sed -n '2p;4p' got)" \
		$'1 file 1 of 2, 1 failed\n1 file 2 of 2, 2 failed'
	assert_equal "${lines[-1]}" '4 passed, 2 failed'
	assert_line '# by one'
}

@test "run: the files with the most tests begin first, at a terminal the more so" {
	bats_file short <<<'@ "short" { true; }'
	printf '@ "long %d" { true; }\n' 1 2 3 4 5 | bats_file long
	printf 'load() { :; }\nload terminal\n@ "typed %d" { true; }\n' 1 2 |
		bats_file typed
	run suite JOBS=1 "$root/tests/run" "$PWD"/{short,long,typed}.bats
	assert_success
	assert_equal "$(grep -o '[a-z]*\.bats' <<<"$output" | xargs)" \
		'typed.bats long.bats short.bats'
}

@test "run: a file that ends before its tests do has failed" {
	printf '@ "one" { true; }\n@ "two" { kill -KILL $PPID; }\n' | bats_file cut
	run suite "$root/tests/run" "$PWD/cut.bats"
	assert_failure
	assert_output --regexp 'cut.bats: exit status'
	refute_output --partial ', 0 failed'
}

# once NAME: a test of that name, which fails when it first runs.
once() {
	cat <<-END
		@ "$1" {
			test ! -e "$PWD/began" || return 0
			touch "$PWD/began"
			echo "a trace"
			false
		}
	END
}

# A test that fails the first time, one that always does, one that does twice.
failing() {
	{
		once 'fails (once)'
		cat <<-END
			@ "fails always" { false; }
			@ "fails two times" {
				echo >>"$PWD/runs"
				test "\$(wc -l <"$PWD/runs")" -gt 2
			}
			@ "passes" { true; }
		END
	} | bats_file some
}

@test "run: a program that goes on where it should have ended is a failure, and holds up nothing" {
	bats_file one <<-END
		load $root/tests/helpers
		@ "goes on" { run sh -c 'tail -f /dev/null; :'; }
	END
	run suite BATS_TEST_TIMEOUT=1 "$root/tests/run" "$PWD/one.bats"
	assert_failure
	assert_line --partial 'hangs at: '
	assert_equal "${lines[-1]}" '0 passed, 1 failed'
}

@test "run: RETRY says how many failed tests run again, twice and alone" {
	failing
	run suite RETRY=3 "$root/tests/run" "$PWD/some.bats"
	assert_failure
	assert_equal "${lines[-1]}" '2 passed, 2 failed'
	assert_line '# a trace' # its failure is shown all the same
	assert_output --partial $'passed twice alone:\n'"$PWD/some.bats: fails (once)"
	assert_output --partial 'fails always fails alone, too:'
	assert_output --partial 'fails two times fails alone, too:'
	rm began
	run suite RETRY=3 "$root/tests/run" "$PWD/some.bats"
	assert_equal "${lines[-1]}" '3 passed, 1 failed'
}

@test "run: no test runs again if more have failed than RETRY says" {
	failing
	local retry
	for retry in RETRY=2 RETRY=0 -uRETRY; do
		rm -f began runs
		run suite "$retry" "$root/tests/run" "$PWD/some.bats"
		assert_failure
		assert_equal "${lines[-1]}" '1 passed, 3 failed'
		refute_output --partial 'alone'
	done
	run -2 suite RETRY=all "$root/tests/run" "$PWD/some.bats"
	assert_output --partial 'RETRY=all: say how many'
}

@test "run: a run in which the last failed test passes alone has not failed" {
	once 'fails once' | bats_file one
	run suite RETRY=1 "$root/tests/run" "$PWD/one.bats"
	assert_success
	assert_equal "${lines[-1]}" '1 passed, 0 failed'
}

@test "run: a test that bats lost without a word runs again, too" {
	bats_file lost <<-END
		@ "is \"there\"" { true; }
		@ "is \"lost\", once" {
			test -e "$PWD/again" || { touch "$PWD/again"; kill -KILL \$PPID \$\$; }
		}
	END
	# the guard of a lost test waits for its limit
	run suite BATS_TEST_TIMEOUT=2 RETRY=3 "$root/tests/run" "$PWD/lost.bats"
	assert_success
	assert_output --partial '1 of 2 tests run'
	assert_output --partial $'passed twice alone:\n'"$PWD/lost.bats: is \"lost\", once"
	assert_equal "${lines[-1]}" '2 passed, 0 failed'
}

@test "run: as root each file has a network of its own, unless it says that it needs the machine's" {
	test "$EUID" -eq 0 || skip "an ordinary user has the machine's"
	local ours
	ours=$(readlink /proc/self/ns/net)
	bats_file own <<-END
		@ "is another" {
			test "\$(readlink /proc/self/ns/net)" != "$ours"
			ip address show lo | grep -q 127.0.0.1
		}
	END
	{
		echo "# It needs this machine's network: a reason."
		echo "@ \"is the same\" { test \"\$(readlink /proc/self/ns/net)\" = '$ours'; }"
	} | bats_file same
	run suite "$root/tests/run" "$PWD"/{own,same}.bats
	assert_success
	assert_equal "${lines[-1]}" '2 passed, 0 failed'
}

@test "run: at a terminal one line says how far it is, and is redrawn" {
	bats_file a <<<'@ "one" { true; }'
	bats_file b <<-END
		@ "two" {
			touch "$PWD/began"
			until test -e "$PWD/seen"; do read -r -t 0.02 <> <(:) || true; done
		}
	END
	export -f suite
	export BATS_LIBEXEC
	pane r bash -c 'suite JOBS=2 "$@"' - "$root/tests/run" "$PWD"/{a,b}.bats
	prompts r 'file 1 of 2, 0 failed'
	touch seen
	sees r '2 passed, 0 failed'
	unseen r 'of 2,'
}

@test "run: a process that is left is a failure, by its name, and is ended" {
	bats_file leaves <<-'END'
		@ "leaves one" { tail -f /dev/null 3>&- & echo $! >pid; }
	END
	sed -i "s|pid|$PWD/pid|" leaves.bats
	printf '@ "leaves none" { true; }\n' | bats_file good
	run suite "$root/tests/run" "$PWD"/{good,leaves}.bats
	assert_failure
	assert_line --regexp "/leaves.bats left process $(<pid) \(tail -f /dev/null\) of test_leaves"
	assert_equal "${lines[-1]}" '2 passed, 1 failed'
	assert gone "$(<pid)"
}

@test "run: the search for what is left does not find its own processes" {
	run bash -c '. "$1"; run=$PWD; export RPNC_TEST_RUN=mine; processes' - "$root/tests/sweep.bash"
	assert_success
	refute_output
}

@test "run: one that has cleared its environment is found as well" {
	bats_file leaves <<-'END'
		@ "leaves one" { cd "$BATS_TEST_TMPDIR"; env -i tail -f /dev/null 3>&- & }
	END
	run suite "$root/tests/run" "$PWD/leaves.bats"
	assert_line --regexp ' left process [0-9]+ \(tail -f /dev/null\)'
	assert_equal "${lines[-1]}" '1 passed, 1 failed'
}

@test "run: a file that is left in TMPDIR is a failure, by its name" {
	bats_file leaves <<-'END'
		@ "leaves some" { echo x >"$(mktemp -d)/file"; mkdir "$TMPDIR/empty"; }
	END
	run suite "$root/tests/run" "$PWD/leaves.bats"
	assert_line --regexp '/leaves.bats left TMPDIR/tmp\.[A-Za-z0-9]+/file$'
	assert_line --regexp '/leaves.bats left TMPDIR/empty$'
	assert_equal "${lines[-1]}" '1 passed, 2 failed'
}

# apart: only there a mount is known to be the run's.
apart() {
	unshare --mount mount -t tmpfs shm /dev/shm || skip "no mount namespace here"
}

@test "run: a mount and a network namespace that are left are failures" {
	apart
	mkdir there
	bats_file leaves <<-END
		@ "leaves two" {
			mount -t tmpfs x "$PWD/there"
			touch "$PWD/net"
			mount --bind /proc/self/ns/net "$PWD/net"
		}
	END
	run suite "$root/tests/run" "$PWD/leaves.bats"
	assert_line "left mounted on $PWD/there"
	assert_line "left mounted on $PWD/net"
	assert_equal "${lines[-1]}" '1 passed, 2 failed'
}

# killed: a test file that leaves a registry in the default directory.
killed() {
	bats_file leaves <<-'END'
		@ "leaves a registry" {
			unset XDG_RUNTIME_DIR
			mkfifo "$BATS_TEST_TMPDIR/ready"
			"$RPNC" echo -r --ready-fd 4 0 4>"$BATS_TEST_TMPDIR/ready" 3>&- &
			read -r <"$BATS_TEST_TMPDIR/ready"
			kill -KILL $!
		}
	END
}

@test "run: a registry that is left is a failure, by its name" {
	apart
	killed
	run suite "$root/tests/run" "$PWD/leaves.bats"
	assert_line --regexp '^left /(dev/shm|run)/.*-tcp-[0-9]+$'
	assert_equal "${lines[-1]}" '1 passed, 1 failed'
}

@test "run: what others run and leave meanwhile is not the run's" {
	bats_file good <<-END
		@ "takes its time" {
			touch "$PWD/began"
			until test -e "$PWD/over"; do read -r -t 0.02 <> <(:) || true; done
		}
	END
	(suite "$root/tests/run" "$PWD/good.bats" >out 2>&1; echo $? >status) &
	pids+=("$!")
	eventually test -e began
	env -u RPNC_TEST_RUN -u XDG_RUNTIME_DIR rpnc echo -r 127.0.0.1:0 3>&- >/dev/null 2>&1 &
	pids+=("$!")
	touch over
	finish "${pids[0]}"
	assert_equal "$(<status) $(tail -n 1 out)" '0 1 passed, 0 failed'
}
