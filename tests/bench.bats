#!/usr/bin/env bats
# The bench itself: what it makes of numbers, of peers that hang, and that it
# runs. No time is asserted.

load helpers

setup_file() {
	root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	export root PYTHONPATH=$root/tests/bench PYTHONDONTWRITEBYTECODE=1
	export BENCH=$root/build${SAN:+-san}/bench
	test -x "$BENCH/load" -a -x "$BENCH/bare"
}

# in_namespace FILE: as python3 FILE where the bench can have a namespace.
in_namespace() {
	run timeout 60 python3 "$@" 3>&-
	test "$status" -ne 0 -a "${output/could be had/}" != "$output" && skip "$output"
	test "$status" -eq 0 || fail "status $status: $output"
}

@test "bench: what is judged, and when it is not" {
	python3 - <<-END
		from stats import *

		def word(ours, again, theirs, bound=2.0, steal=0.0, **how):
		    rounds = [{"rpnc": {"rate": o, "steal": steal},
		               "rpnc again": {"rate": a, "steal": 0.0},
		               "nc": {"rate": t, "steal": 0.0}}
		              for o, a, t in zip(ours, again, theirs)]
		    v = judge(Target(bound, ("nc",)), rounds, **how)
		    print(v.word, v.why, v.ratio)
		    return v.word

		five, same = [30, 31, 29, 30, 33], [30, 30, 30, 30, 33]
		assert word(five, same, [10] * 5) == HOLDS
		assert word(five, same, [20] * 5) == MISSED
		# A/A: medians apart; each other by more than the margin
		assert word(five, [36] * 5, [10] * 5) == INCONCLUSIVE
		assert word(five, [33, 27, 32, 27, 30], [14.5] * 5) == INCONCLUSIVE
		assert word(five, [33, 27, 32, 27, 30], [10] * 5) == HOLDS
		# the machine was not ours; too few; nobody to compare with
		assert word(five, same, [10] * 5, steal=0.06) == INCONCLUSIVE
		assert word(five[:4], same, [10] * 5) == INCONCLUSIVE
		assert word(five[:3], same, [10] * 5, wanted=3) == HOLDS
		assert word(five, same, [], failed={"nc": "hung"}) == INCONCLUSIVE
		assert word(five, same, [10] * 5, failed={"rpnc": "hung"}) == MISSED
		# A/A of what is not ours
		assert noise([{"x": {"rate": 4}, "y": {"rate": 3}, "z": {"rate": 9}}],
		             Target(1, ours="z", again="x", first="y"), 1)[0] < 0.34
	END
}

@test "bench: ratios are of a round, and only of undisturbed samples" {
	python3 - <<-END
		from stats import *

		rounds = [{"a": {"rate": 10.0 * n, "steal": 0.0},
		           "b": {"rate": 5.0 * n, "steal": 0.0}} for n in range(1, 6)]
		assert paired(rounds, "a", "b", "rate") == ([2.0] * 5, 0.0)
		rounds += [{"a": {"rate": 1.0, "steal": 0.3}, "b": rounds[0]["b"]},
		           {"a": rounds[0]["a"]}]
		assert paired(rounds, "a", "b", "rate") == ([2.0] * 5, 0.0)
		# too few undisturbed ones: all, with their steal
		found, steal = paired(rounds[1:], "a", "b", "rate")
		assert len(found) == 5 and 0 < steal < 0.3, (found, steal)
		# of several peers it is the best: the highest rate, the least time
		costs = [{"rpnc": {"rate": 4}, "x": {"rate": 3}, "y": {"rate": 2}}]
		best = best_of(costs, Target(1, ("x", "y")), 1)
		least = best_of(costs, Target(1, ("x", "y"), least=False), 1)
		assert (best, least) == ("x", "y")
	END
}

@test "bench: variants take turns, in another order each round" {
	python3 - <<-END
		from rounds import *

		order = [turns(list("abcd"), n) for n in range(8)]
		assert all(sorted(o) == list("abcd") for o in order)
		assert len({o[0] for o in order}) == 4 and order[0] != order[1]
		row = Row("r", "", [Variant("rpnc", None), Variant("bare", None),
		                    Variant("odd", None)], [stats.Target(1, ("bare",))])
		names = [[v.name for v in taken(row, q)] for q in (False, True)]
		assert names == [["rpnc", "rpnc again", "bare", "odd"],
		                 ["rpnc", "rpnc again", "bare"]], names
	END
}

@test "bench: a peer that hangs is ended and said to hang; one that dies says why" {
	cat >hang.py <<-END
		import sys
		import apart, rounds, runner, rows_bulk, rows_echo, show
		from stats import Target

		try:
		    apart.be_root()
		    apart.network(apart.congestion_control())
		except apart.Unavailable as e:
		    sys.exit(str(e))
		r = runner.Runner(True, 1000)
		r.patience, r.bytes = 0.2, 1 << 20
		mute = "{load} sink {host} {port}"
		row = rounds.Row("test", "bulk echo", [
		    rounds.Variant("rpnc", rows_bulk.reflected(rows_bulk.REFLECT["rpnc"])),
		    rounds.Variant("mute", rows_bulk.reflected(mute)),
		    rounds.Variant("wrong", rows_bulk.reflected("{rpnc} nonsense"))],
		    [Target(1, ("mute",)), Target(1, ("wrong",))])
		found = rounds.run(row, r, rounds.Clock(1), 3, False)
		rounds.judge(found, 3)
		show.say(show.table(found))
		assert not r.alive
		r.clear()
	END
	in_namespace hang.py
	assert_line --regexp '^  mute +hung$'
	assert_line --regexp '^  wrong +ended: rpnc: nonsense'
	assert_line --regexp '^  INCONCLUSIVE at least 1 x mute, mute hung$'
	assert_line --regexp '^  rpnc again .*[█▉▊▋▌▍▎▏].* \([0-9.]+-[0-9.]+\)'
}

@test "bench: two rows as make bench runs them, and their JSON" {
	ROWS="balance start-cl*" QUICK=1 JSON=bench.json \
		in_namespace "$root/tests/bench/bench.py"
	assert_line --regexp '^Linux .* cores'
	assert_line --regexp '^  (holds|INCONCLUSIVE) +at most 0.56 of all: '
	assert_line '  rpnc connect 127.0.0.1 1'
	assert_line --regexp '^[0-9] hold, [0-9] missed, [0-9] inconclusive$'
	jq -e '.kernel and .cores > 0 and .quick and (.versions | has("rpnc")) and
		([.rows[].name] == ["balance", "start-closed"]) and
		([.rows[].verdicts | length] == [1, 3]) and
		(.rows[1].rounds | length >= 3) and
		(.rows[1].variants[0].figures.time | .low <= .median and .median <= .high) and
		([.rows[].rounds[][].steal] | all(. >= 0))' bench.json
	run -1 timeout 20 env ROWS=nonsense python3 "$root/tests/bench/bench.py"
	assert_output --regexp 'no such row: nonsense; there are .*start-closed'
}

@test "bench: an ordinary user can run it" {
	local user=()
	cd "$root" || return
	if test "$(id -u)" -eq 0; then
		user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		"${user[@]}" test -r "$RPNC" || skip "others can't read the tree"
	fi
	"${user[@]}" unshare -Urn true || skip "no user namespace could be had"
	ROWS="start-cl*" QUICK=1 JSON=/dev/null run timeout 60 "${user[@]}" \
		python3 "$root/tests/bench/bench.py" 3>&-
	assert_success
	assert_line --regexp '^  rpnc +[0-9.]+ [█▉▊▋▌▍▎▏]'
}

# In the namespace, all directories for files of a while are new, and the tree,
# which may have been in one of them, is in another.
killed() {
	local other
	mount --rbind "$root" /mnt || return
	for other in /tmp /var/tmp /run /dev/shm; do
		mount -t tmpfs none "$other" || return
	done
	rm -rf /run/mount	# of mount(8)
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	find /media /srv >before
	ROWS="idle" JSON=json MARK=$$ RPNC=/mnt${RPNC#"$root"} \
		BENCH=/mnt${BENCH#"$root"} env --default-signal \
		python3 /mnt/tests/bench/bench.py >out 2>&1 &
	eventually runs_a_server "$!" || eventually runs_a_server "$!" || cat out
	kill -"$1" "$!"
	{ wait "$!" || true; } 2>/dev/null
	eventually nobody_has "MARK=$$" || end_all "MARK=$$"
	find /media /srv | diff before -
	rmdir "$XDG_RUNTIME_DIR"
	# a sanitizer makes the directory of its reports at each start
	find /tmp /var/tmp /run /dev/shm -mindepth 1 \
		${SAN:+! -path "$run" ! -path "$run/san"}
}

runs_a_server() {
	local pid children
	read -ra children <"/proc/$1/task/$1/children"
	for pid in "${children[@]}"; do
		grep -saq "echo.127" "/proc/$pid/cmdline" && return
	done
	return 1
}

nobody_has() {
	! grep -alz "^$1\$" /proc/[0-9]*/environ 2>/dev/null | grep -q .
}

end_all() {
	local path paths
	mapfile -t paths < <(grep -alz "^$1\$" /proc/[0-9]*/environ 2>/dev/null)
	for path in "${paths[@]}"; do
		echo "left: $(tr '\0' ' ' <"${path%environ}cmdline")"
		kill -KILL "$(basename "${path%/environ}")"
	done
}

@test "bench: when it is killed, it leaves no file and no process" {
	export -f killed runs_a_server nobody_has end_all eventually
	export XDG_RUNTIME_DIR=/run/user
	for signal in TERM INT KILL; do
		run timeout 60 unshare -Urm bash -c "killed $signal" 3>&-
		test "$status" -eq 1 -a "${output/unshare failed/}" != "$output" && skip "$output"
		assert_success
		assert_output ""
	done
}

@test "bench: BASE=REV runs each row with that commit's rpnc, too" {
	mkdir base
	ln -s "$RPNC" base/rpnc
	echo 0123456789abcdef >base/commit
	ROWS="balance models" QUICK=1 JSON=bench.json BASE=$PWD/base \
		in_namespace "$root/tests/bench/bench.py"
	assert_line --regexp '^  base fork .*[0-9.]+ \([0-9.]+-[0-9.]+\)'
	assert_line "What rpnc has of the figures of 0123456789ab, x:"
	assert_line --regexp '^  balance +rpnc +[0-9.]+ \([0-9.]+-[0-9.]+\)$'
	assert_line --regexp '^  models +fork +([0-9.]+ \([0-9.]+-[0-9.]+\) *){2}$'
	refute_line --regexp '^  (holds|MISSED|INCONCLUSIVE)|[0-9] hold, '
	jq -e '.base == "0123456789ab" and ([.rows[0].variants[].name] == ["rpnc", "base"]) and
		(.rows[1].rounds | all(has("fork") and has("base fork")))' bench.json
}

@test "bench: a commit is built once; one that isn't there is named" {
	git init -q tree
	cd tree
	mkdir -p tests/bench
	cp "$root/tests/bench/base" tests/bench
	printf 'all:\n\tcp name rpnc; echo built >>../../../log\n' >Makefile
	for name in one two; do
		echo "$name" >name
		git add .
		git -c user.name=x -c user.email=x@x commit -qm "$name"
	done
	echo changed >name
	for rev in HEAD~ HEAD~ HEAD; do
		tests/bench/base "$rev" build/base
	done
	diff - build/base/rpnc <<<two
	diff <(git rev-parse HEAD) build/base/commit
	test "$(wc -l <../log)" -eq 2
	run -1 tests/bench/base nonsense build/base
	assert_output "bench: no such commit: nonsense"
	diff - build/base/rpnc <<<two
}
