# rpnc probe --compare: echo's accept models on this machine. What is asserted
# of speed holds with a wide margin, or not at all: a test can't choose its
# machine's mood. tests/unit/test_compare_verdict.c has the rules of the advice.
# shellcheck shell=bash disable=SC2016,SC2154

load helpers
load probe

# One real run is enough for all that a report has.
setup_file() {
	export XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	timeout 100 "$RPNC" probe --compare --json -n 400 -d 1.5 --rate 500 \
		>"$BATS_FILE_TMPDIR/report" 2>"$BATS_FILE_TMPDIR/err" 3>&-
	echo $? >"$BATS_FILE_TMPDIR/status"
}

# is FILTER: true of that report.
is() {
	jq -e "$1" "$BATS_FILE_TMPDIR/report" >/dev/null || {
		jq . "$BATS_FILE_TMPDIR/report"
		fail "not so: $1"
	}
}

# family: the servers below $pid, and their workers.
family() {
	local list
	list=$(pgrep -d , -P "$pid") || return 0
	pgrep -P "$pid,$list"
}

# compared ARG...: in the background, until all servers have their workers.
compared() {
	as_by_a_person probe --compare -w 2 "$@" >report 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	# of two servers of six models, but for fork's, each has two workers, and
	# so has one more
	eventually eval 'test "$(family | wc -l)" -ge 35'
	mapfile -t servers < <(family)
}

gone() {
	local p
	for p in "${servers[@]}"; do
		test ! -e "/proc/$p" || return 1
	done
}

@test "compare: all models have the same load, and nothing fails" {
	cat "$BATS_FILE_TMPDIR/err"
	assert_equal "$(<"$BATS_FILE_TMPDIR/status")" 0
	is '.event == "report" and .command == "compare"'
	is '[.models[].model] == ["shared", "exclusive", "reuseport", "blocking", "handoff", "fork"]'
	is '[.workers, .rounds, .planned, .concurrency, .rate, .work, .stall, .every]
		== [4, 5, 5, 8, 500, 50, 20000, 200]'
	is 'all(.models[] | .idle, .busy, .stall; .failed == 0 and .attempts > 0
		and .rate > 0 and .p50 > 0 and .cpu >= 0
		and if .attempts < 1000 then .p99 == null and .too_few == "p99 needs 1000 samples"
		else .p99 >= .p50 and .too_few == null end)'
	is 'all(.models[]; .idle.attempts == 400)'
	is 'all(.models[:5][] | .idle, .busy; (.shares | length) == 4 and
		(.shares | add | . > 0.999 and . < 1.001) and (.shares | max) == .max_share)'
	is '.models[5].idle | .max_share == null and .shares == []'
	is 'all(.models[]; .command == "rpnc echo -w 4 --accept " + .model +
		(if .model == "reuseport" then " --leave close" else "" end) +
		" --identify --work 50us 127.0.0.1 0")'
	is 'all(.models[]; .stalling | contains("--work 50us --stall 20000us:200 "))'
}

@test "compare: alone, exclusive wakes one worker only, and reuseport spreads" {
	# 0.25 is an even share; on a busy machine others wake, too
	is '.models[1].idle.max_share > 0.5'
	is '.models[2].idle.max_share < 0.4'
	is '.advice[1] | test("one worker of .exclusive. gets [0-9]+ %")'
}

@test "compare: long connections, by the hash and by --steer least" {
	# on a busy machine a member may accept late: so not exactly the mean
	is '.long.connections == 16 and .long.hash >= 1 and .long.hash <= 4 and
		.long.least >= 1 and .long.least <= 3.5'
	is 'any(.advice[]; startswith("Of 16 long connections, one after the other"))'
}

@test "compare: the advice is what the ratios and the manual's rules say" {
	is '[.ratios[] | .measure] == (["connections/s", "CPU", "p99", "stalling p99"] |
		map(., .))'
	is '[.ratios[:2][].against] == ["shared", "exclusive"]'
	is 'all(.ratios[]; .low <= .median and .median <= .high)'
	is 'all(.ratios[]; . as $r | {"better": ($r.median > 1.1), "worse": ($r.median < 0.9),
		"same": ($r.median > 0.49 and $r.median < 2.01), "unclear": true}[.finding])'
	# of each pair: what holds against both
	is '.verdict as $v | [.ratios | _nwise(2) | map(.finding) | unique |
			if length == 1 then .[0] elif index("same") then "same"
			elif index("unclear") then "unclear" else "same" end] |
		(if index("better") and index("worse") then "depends"
		elif index("unclear") then "inconclusive"
		elif index("better") then "worth-it"
		elif index("worse") then "not-worth-it"
		else "no-difference" end) == $v'
	is '.verdict as $v | .advice[0] | test({"depends": "^It depends:",
		"inconclusive": "^INCONCLUSIVE: the rounds differ", "worth-it": "is worth it here",
		"not-worth-it": "is not worth it", "no-difference": "makes no difference"}[$v])'
}

@test "compare: a table, bars, and with -v the commands, for one worker too" {
	probe --compare -w 1 -n 5 -d 0.2 -v --work 0 --stall 1ms:50
	assert_equal "$status" 0
	run cat report
	assert_line --regexp '^6 ways to accept, 1 worker, [0-9]+ processors?: 5 rounds by turns, [0-9.]+ m?s$'
	assert_line --regexp '^exclusive +100 % +[0-9]+ .* ([0-9.]+ (µs|ms|s)|-)$'
	assert_line --regexp '^fork +- +[0-9]+ '
	# no p99 of so few, and then no bars for it
	assert_equal "$(grep -c '^  [a-z]* *[▏▎▍▌▋▊▉█]' report)" 6
	refute_line 'stalling p99'
	assert_line '-: p99 needs 1000 samples'
	# a line for each way, in words
	assert_line --partial 'shared: one queue, a connection wakes all workers; exclusive: it wakes one;'
	assert_line --partial 'fork: a process for each connection'
	refute_line --regexp '\(.* x\)|noise'
	assert_line 'rpnc echo -w 1 --accept handoff --identify --work 0us --stall 1000us:50 127.0.0.1 0'
	assert_line --regexp '^  stalling p99 +[0-9.]+ x exclusive \([0-9.]+ to [0-9.]+\)  [a-z]+$'
	python3 - <<-'END'
		for line in open("report", encoding="utf8"):
		    assert len(line) <= 81 or line[0] in "rSIW", line
	END
}

@test "compare: SIGINT ends it at once with what there is, and all servers" {
	compared -d 1000
	kill -INT "$pid"
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 130
	gone || fail "servers are left: $(ps -o pid,args -p "${servers[*]}")"
	assert grep -q '^INCONCLUSIVE: 0 whole rounds are too few$' report
	assert grep -qE ': 0 rounds? by turns of 5, [0-9.]+ m?s$' report
	refute grep -qv ' rounds: about ' err
}

@test "compare: it says first how long it takes, and takes that long" {
	local expected
	probe --compare -w 2 -n 100 -d 6
	assert_equal "$(wc -l <err)" 1
	expected=$(sed -nE 's/^6 ways to accept, 5 rounds: about ([0-9]+) s$/\1/p' err)
	# 20 % on a machine of one's own; other tests run beside this one
	python3 - "$expected" <<-'END'
		import re, sys
		line = open("report", encoding="utf8").readline()
		value, unit = re.search(r", ([0-9.]+) (s|ms)$", line).groups()
		took = float(value) / (1000 if unit == "ms" else 1)
		assert 0.6 < took / float(sys.argv[1]) < 1.5, line
	END
}

@test "compare: a bar that would flatten all others makes the scale logarithmic" {
	# --accept fork alone does not stall others
	probe --compare -w 2 -n 20 -d 1 --work 0
	local most second
	read -r most second < <(sed -nE 's/^  [a-z]+ +[█▏▎▍▌▋▊▉]+ +([0-9]+)$/\1/p' report |
		sort -rn | awk 'NR == 1 { most = $1 } NR == 4 { print most, $1 }')
	if test "$most" -gt "$((second * 5))"; then
		grep -q '^connections a second, 8 at a time, logarithmic$' report
	else
		grep -q '^connections a second, 8 at a time$' report
	fi
}

@test "compare: killed, it leaves no server behind" {
	compared -d 1000
	kill -KILL "$pid"
	finish "$pid" || true
	eventually gone
}

@test "compare: what it has no use for is a usage error" {
	local words
	for words in 9000 "127.0.0.1 9000" "-u" "-U" "--group" "--merge" "--by diag" \
		"--sources 127.0.0.0/8" "-w 0" "-w 33" "-w x" "--work 2s" "--stall 2s" \
		"--stall x" "--stall 20ms:0" "-n 100001"; do
		# shellcheck disable=SC2086
		probe --compare $words
		assert_equal "$words: $status" "$words: 2"
		assert_equal "$(wc -l <err)" 1
	done
	for words in "-w 2" "--work 1ms" "--stall 20ms"; do
		# shellcheck disable=SC2086
		probe $words 9000
		assert_equal "$words: $status" "$words: 2"
		assert grep -q -e '--compare' err
	done
}

@test "compare: a terminal shows how far it is, unless -q is given" {
	python3 - <<-'END'
		import os, pty, signal, subprocess, sys
		a, b = pty.openpty()
		p = subprocess.Popen([os.environ["RPNC"], "probe", "--compare", "-w", "1"],
		                     stderr=b, stdout=subprocess.DEVNULL)
		os.close(b)
		text = b""
		while b"round 1 of 5: shared, busy" not in text:
		    text += os.read(a, 4096)
		p.send_signal(signal.SIGINT)
		assert p.wait(20) == -signal.SIGINT
		rest = b""
		try:
		    while True:
		        more = os.read(a, 4096)
		        if not more:
		            break
		        rest += more
		except OSError:
		    pass
		assert rest.endswith(b"\r\x1b[K"), rest
	END
	probe --compare -q -n 5 -d 0.1 -w 1
	assert_equal "$status" 0
	refute grep -q . err
}
