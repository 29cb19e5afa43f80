#!/usr/bin/env bats
# rpnc probe on many hosts: what tells runs apart and together.
# shellcheck disable=SC2154

load helpers
load probe

@test "hosts: --label is in JSON, OpenMetrics and the report" {
	local promtool=${PEERS:-/nonexistent}/prometheus/usr/bin/promtool
	local odd='say "hi" \ or = no'
	start echo -r 127.0.0.1 0
	probe -n 100 --json --openmetrics m.prom --label zone=eu-1 --label "odd=$odd" \
		--label empty= "$port"
	test "$status" -eq 0
	jq -e --arg odd "$odd" '.labels == { zone: "eu-1", odd: $odd, empty: "" }' report
	# each sample has them; an empty one is none
	test "$(grep -v '^#' m.prom | grep -vcF ',zone="eu-1",odd="say \"hi\" \\ or = no"')" -eq 0
	test "$(grep -c empty m.prom)" -eq 0
	test ! -x "$promtool" || "$promtool" check metrics <m.prom
	/usr/bin/python3 - "$odd" <<-'END' || test $? -eq 77
		import sys
		try:
		    from prometheus_client.openmetrics.parser import text_string_to_metric_families
		except ImportError:
		    sys.exit(77)
		for family in text_string_to_metric_families(open("m.prom").read()):
		    for s in family.samples:
		        assert s.labels["zone"] == "eu-1" and s.labels["odd"] == sys.argv[1], s
	END
	probe -n 1 --label zone=eu-1 --label run=7 "$port"
	grep -qx 'labels zone=eu-1, run=7' report
	probe -n 1 --json "$port"
	holds '.labels == null'
	probe --json -d 50ms --label run=8 --during "$port" -- true
	holds '.labels.run == "8"'
}

@test "hosts: --merge keeps the labels that all have, and sets its own" {
	start echo -r 127.0.0.1 0
	rpnc probe --json -n 5 --label run=7 --label zone=a "$port" >one
	rpnc probe --json -n 5 --label run=7 --label zone=b --label odd=1 "$port" >two
	rpnc probe --json -n 5 --label run=7 --label zone=a "$port" >three
	probe --merge --json one two three
	holds '.labels == { run: "7" }'
	probe --merge one two three
	grep -qx 'labels that differ between the reports are left out: zone, odd' report
	grep -qx 'labels run=7' report
	probe --merge --json one three
	holds '.labels == { run: "7", zone: "a" }'
	probe --merge --json --label run=all --label zone=any one two
	holds '.labels == { run: "all", zone: "any" }'
	# reports of before there were labels
	jq -c 'del(.labels)' one >old
	probe --merge --json old one
	holds '.labels == null'
}

@test "hosts: a label that is none, or is in the metrics already, is one line, and 2" {
	local label
	start echo 127.0.0.1 0
	rpnc probe --json -n 1 "$port" >one
	for label in '' x '=x' 9a=x a-b=x pid=1 le=x __x=1 $'a=\n' $'a=\e[31m' $'a=\xff' \
		"a=$(printf '%0129d' 0)" "$(printf 'a%064d' 0)=x"; do
		probe -n 1 --label "$label" "$port"
		test "$status" -eq 2 || fail "'$label': $status"
		test ! -s report
		test "$(wc -l <err)" -eq 1
		grep -q -- --label err
	done
	probe -n 1 --label a=1 --label a=2 "$port"
	test "$status" -eq 2
	assert_equal "$(<err)" 'rpnc probe: --label a: twice'
	# nor does a file bring one
	jq -c '.labels = { pid: "1" }' one >bad
	probe --merge bad
	test "$status" -eq 2
	assert_equal "$(<err)" 'rpnc probe: --merge bad, line 1: not a report of this version: labels'
	jq -c '.labels = { a: 1 }' one >bad
	probe --merge bad
	test "$status" -eq 2
}
