#!/usr/bin/env bats
# What a report says first: what is wrong, and the verdict in a sentence.
# shellcheck disable=SC2154

load helpers
load probe

# finds TEXT: the line below the first is this, and --json says the same.
finds() {
	test "$(sed -n 2p report)" = "$1"
}

# two: members A and B; the port in port, the pid of B in b.
two() {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	b=$pid
}

@test "finding: a member that is stopped, and how many wait in its queue" {
	local waiting
	two
	kill -STOP "$b"
	probe -n 60 --echo --timeout 300ms "$port"
	test "$status" -eq 6
	waiting=$(sed -nE 's/^queued ([0-9]+):.*/\1/p' report)
	finds "B (pid $b) is stopped: $waiting clients wait in its queue"
	grep -qx "unclear: $waiting clients still wait, so the counts are not final" report
	# without a packet, the same sentence
	probe --group "$port"
	finds "  B (pid $b) is stopped: $waiting clients wait in its queue"
	probe --group --json "$port"
	holds ".verdict == \"stopped\" and .finding == {kind: \"stopped\", member: \"B\", pid: $b,
		text: \"B (pid $b) is stopped: $waiting clients wait in its queue\"}"
	probe -n 10 --echo --timeout 300ms --json "$port"
	holds ".finding | .kind == \"stopped\" and .member == \"B\" and .pid == $b"
	probe --watch=200ms -d 400ms --timeout 300ms "$port"
	grep -qE "^B \(pid $b\) is stopped: [0-9]+ clients wait in its queue$" report
	kill -CONT "$b"
	probe --group "$port"
	run ! grep -q 'is stopped' report
	probe --group --json "$port"
	holds '.finding == null'
}

# expects_nothing: the report compares no count with an expected one.
expects_nothing() {
	run ! grep -E 'fair hashing|by chance|largest deviation|, p |│|░|▓| expected$' report
}

@test "finding: if members changed or clients wait, no count is expected" {
	two
	probe --during --rate 500 -d 200ms "$port" -- kill "$b"
	grep -qx 'changed: members came or went meanwhile' report
	expects_nothing
	two
	probe -n 100 "$port"
	grep -q '^fair hashing gives 50 ± .* in the bars; p ' report
	kill -STOP "$b"
	probe -n 100 --timeout 300ms "$port"
	grep -q '^unclear: ' report
	expects_nothing
	probe --watch=200ms -d 700ms --timeout 300ms "$port"
	grep -q '^B .* is stopped: ' report
	expects_nothing
	kill -CONT "$b"
}

@test "finding: what failed comes before figures, and of --during what was lost" {
	free_port
	probe -n 5 "$port"
	test "$status" -eq 1
	finds 'all 5 failed (refused 5)'
	probe -n 5 --json "$port"
	holds '.verdict == "failed" and .finding == {kind: "failed", member: null, pid: null, text: "all 5 failed (refused 5)"}'
	probe --during --rate 50 -d 100ms "$port" -- true
	sed -n 2p report | grep -qE '^all [0-9]+ lost \(refused [0-9]+\)$'
	two
	probe --during --rate 50 -d 100ms --json "$port" -- true
	holds '.finding | .kind == "kept" and (.text | test("^0 lost of [0-9]+$"))'
	probe -n 20 --echo --expect '^x' --json "$port"
	holds '.finding | .kind == "mismatched" and .text == "20 of 20 answers were not the expected one"'
}

@test "finding: the verdict in words, whom it is about, and by what it would be told" {
	two
	probe -n 400 --json "$port"
	holds '.fairness.p < 0.01 or .finding.text == "even: the differences are chance"'
	probe -n 4 "$port"
	finds 'too few to tell: try -n 8'
	probe -n 400 --json --expect-weights A=9,B=1 "$port"
	holds '.finding | .kind == "uneven" and .member == "A" and (.text |
		test("^uneven: A \\(pid [0-9]+\\) gets too little \\([0-9]+ of 400, expected 360 ± 17\\)$"))'
	probe -n 400 --json --expect-weights A=1,B=1,C=2 "$port"
	holds '.verdict == "absent" and .fairness.verdict == "uneven" and .finding ==
		{kind: "absent", member: null, pid: null,
		text: "no member is C: there are A, B"}'
	probe -n 400 --expect-weights A=1,B=1,C=2 "$port"
	grep -qxF 'uneven: C gets nothing (0 of 400, expected 200 ± 29)' report
	probe -n 4 --by none --json "$port"
	holds '.finding == null'
}
