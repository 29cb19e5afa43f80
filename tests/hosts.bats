#!/usr/bin/env bats
# rpnc probe on many hosts: what tells runs apart and together.
# It needs this machine's network: its namespaces are made beside it.
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
	# as many and as long as they may be
	local long more
	long=$(printf '"%.0s' {1..128})
	mapfile -t more < <(printf -- "--label=l%063d=$long\n" {1..16})
	probe -n 9 --json "${more[@]:0:8}" "$port"
	cp report one
	probe --merge --openmetrics m.prom "${more[@]:8}" one
	test "$(grep -v '^#' m.prom | grep -vcE '(,l[0-9]{63}="(\\"){128}"){16}')" -eq 0
	grep -qE '^rpnc_probe_member_connections\{.*,name="A",.*,command="rpnc"\} 9$' m.prom
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
	assert_equal "$(<err)" 'rpnc probe: --label a: given twice'
	# nor does a file bring one
	jq -c '.labels = { pid: "1" }' one >bad
	probe --merge bad
	test "$status" -eq 2
	assert_equal "$(<err)" 'rpnc probe: --merge bad, line 1: not a report of this version: labels'
	jq -c '.labels = { a: 1 }' one >bad
	probe --merge bad
	test "$status" -eq 2
}

# two_hosts: network namespaces host1 and host2, each with a name of its own and
# a wire to a third one, where the server is 10.9.0.1. The arrays there, host1
# and host2 enter them.
two_hosts() {
	local enter=(nsenter --preserve-credentials -U -n --uts -t) host i
	unshare -Urn --uts unshare -n --uts true 2>/dev/null || skip "namespaces are refused here"
	mkfifo up
	exec 9<>up # a writer whose open(2) is interrupted would miss its reader
	background unshare -Urn --uts bash -c 'ip link set lo up
		ip address add 10.9.0.1/32 dev lo
		echo >up
		exec tail -f /dev/null'
	there=("${enter[@]}" "$pid")
	read -r -t 60 <&9
	for i in 1 2; do
		# shellcheck disable=SC2016 # the $1 is for the inner bash
		background "${there[@]}" unshare -n --uts bash -c 'hostname "host$1"
			echo >up
			exec tail -f /dev/null' bash "$i"
		host=("${enter[@]}" "$pid")
		case $i in
		1) host1=("${host[@]}") ;;
		2) host2=("${host[@]}") ;;
		esac
		read -r -t 60 <&9
		"${there[@]}" ip link add "v$i" type veth peer name wire netns "$pid"
		"${there[@]}" ip address add "10.9.$i.1/24" dev "v$i"
		"${there[@]}" ip link set "v$i" up
		"${host[@]}" ip address add "10.9.$i.2/24" dev wire
		"${host[@]}" ip link set wire up
		"${host[@]}" ip route add default via "10.9.$i.1"
	done
}

@test "hosts: --at starts two hosts together, and --merge says for how long they were" {
	local at one two
	two_hosts
	mkfifo ready
	"${there[@]}" rpnc echo -r -w 2 --identify 10.9.0.1 9000 --ready-fd 4 \
		4>ready >/dev/null 2>&1 3>&- &
	pids+=("$!")
	read -r _ <ready
	at=$(date -u -d '+1 second' +%FT%T.%NZ)
	local probe=(rpnc probe --json --at "$at" -d 500ms --rate 200 --by banner 10.9.0.1 9000)
	background "${host1[@]}" "${probe[@]}" >run.1 2>err.1
	one=$pid
	background "${host2[@]}" "${probe[@]}" >run.2 2>err.2
	two=$pid
	finish "$one"
	finish "$two"
	jq -e --arg at "$at" '.started_at >= $at[:26]' run.1
	jq -e --arg at "$at" '.started_at >= $at[:26]' run.2
	assert_equal "$(jq -s -c 'map(.host)' run.*)" '["host1","host2"]'
	jq -e '.clock == null or (.clock | .maximum_error >= 0 and (.synchronized | type) == "boolean")' run.1
	probe --merge --json run.*
	test "$status" -eq 0
	holds '.overlap > 0.3 and .overlap <= 1 and .fairness != null'
	test "$(get .started_at)" = "$(jq -rs 'map(.started_at) | min' run.*)"
	test "$(get .ended_at)" = "$(jq -rs 'map(.ended_at) | max' run.*)"
}

# ran FILE START END HOST: a report of a run at that time.
ran() {
	jq -c --arg from "2026-11-30T12:00:$2Z" --arg to "2026-11-30T12:00:$3Z" --arg host "$4" \
		'.started_at = $from | .ended_at = $to | .host = $host' one >"$1"
}

# overlaps SHARE: --merge of a and b finds that; and warns, or not.
overlaps() {
	probe --merge --json a b
	assert_equal "$(get '.overlap * 1000 | round')" "$1"
	probe --merge a b
}

@test "hosts: --merge warns if runs were apart" {
	start echo -r --identify 127.0.0.1 0
	rpnc probe --json -n 5 --by banner "$port" >one
	ran a 00.000000 10.000000 www1
	ran b 00.900000 10.900000 www2
	overlaps 910
	run ! grep -q 'same time' report
	ran b 01.100000 11.100000 www2
	overlaps 890
	grep -qx 'all runs were at the same time for only 89 % of the longest one' report
	ran b 00.000000 05.000000 www1
	overlaps 500
	grep -q 'same time for only 50 %' report
	ran b 10.500000 20.500000 www2
	overlaps 0
	grep -qx 'at no time did all of these run: some had ended before others began' report
	# runs of one host after each other are meant so
	ran b 10.500000 20.500000 www1
	overlaps 0
	run ! grep -qE 'same time|at no time' report
	# what is merged already counts as it was
	ran b 05.000000 15.000000 www2
	rpnc probe --merge --json a b >ab
	ran a 00.000000 15.000000 www3
	probe --merge --json a ab
	holds '.overlap == 0.5 and .started_at == "2026-11-30T12:00:00.000000Z"'
	# reports of before they had times
	jq -c 'del(.started_at, .ended_at, .clock, .overlap)' one >old
	probe --merge --json old one
	holds '.overlap == null and .started_at == null and .clock == null'
	# the worst clock of all
	jq -c '.clock = { synchronized: true, estimated_error: 0.001, maximum_error: 0.5 }' one >a
	jq -c '.clock = { synchronized: false, estimated_error: 0.003, maximum_error: 0.2 }' one >b
	probe --merge --json a b
	holds '.clock == { synchronized: false, estimated_error: 0.003, maximum_error: 0.5 }'
	jq -c '.started_at = "yesterday"' one >bad
	probe --merge bad
	test "$status" -eq 2
	assert_equal "$(<err)" 'rpnc probe: --merge bad, line 1: not a report of this version: started_at'
}

@test "hosts: --at waits and says so; a signal ends the wait; what is no time is one line, and 2" {
	local when
	start echo 127.0.0.1 0
	probe -n 1 --at +50ms "$port"
	test "$status" -eq 0
	grep -qE '^starts at [0-9T:.-]+Z, in [0-9.]+ ms$' err
	probe -n 1 --json --at +50ms "$port"
	test ! -s err
	for when in '' tomorrow 14:00 +x 30s 2026-02-30T00:00:00Z 2020-01-01T00:00:00Z \
		2099-01-01T00:00:00Z; do
		probe -n 1 --at "$when" "$port"
		test "$status" -eq 2 || fail "'$when': $status"
		test ! -s report
		test "$(wc -l <err)" -eq 1
		probe -d 10ms --at "$when" --during "$port" -- true
		test "$status" -eq 2 || fail "'$when': $status"
	done
	# a moment late is better than not at all
	probe -n 1 --at "$(date -u -d '-2 seconds' +%FT%TZ)" "$port"
	test "$status" -eq 0
	grep -qE '^rpnc: --at was [0-9.]+ s ago: this starts late$' err
	probe -n 1 --json --at "$(date -u -d '-2 seconds' +%FT%TZ)" "$port"
	test ! -s err
	jq -es 'any(.event == "error" and (.text | test("starts late")))' report
	probe -n 1 --json --at "$(date -u -d '-2 minutes' +%FT%TZ)" "$port"
	test "$status" -eq 2
	for when in "$port" "--during $port -- touch ran"; do
		rm -f err.p		# of the last round
		# shellcheck disable=SC2086 # words are words
		rpnc probe --at +1h $when >out.p 2>err.p 3>&- &
		pids+=("$!")
		eventually grep -q '^starts at' err.p
		kill "${pids[-1]}"
		finish "${pids[-1]}" || test $? -eq 143
		test ! -s out.p
	done
	test ! -e ran
}

@test "hosts: the dashboard in the examples asks for metrics and labels that --openmetrics writes" {
	local promtool=${PEERS:-/nonexistent}/prometheus/usr/bin/promtool
	start echo -r -w 2 --name A 127.0.0.1 0
	probe -n 300 --echo --openmetrics m.prom "127.0.0.1:$port"
	jq -r '[.panels[].targets[].expr] | .[]' "$BATS_TEST_DIRNAME/../src/examples/grafana-dashboard.json" >exprs
	python3 - "$BATS_TEST_DIRNAME/../src/examples/grafana-dashboard.json" <<-'END'
		import json, re, sys
		board = json.load(open(sys.argv[1]))
		labels = {}
		for line in open("m.prom"):
		    if not line.startswith("#"):
		        name, rest = re.match(r"(\w+)\{(.*)\} ", line).groups()
		        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
		assert len(labels) > 15, labels
		ids = [p["id"] for p in board["panels"]]
		assert len(ids) == len(set(ids)) >= 8
		variables = {v["name"] for v in board["templating"]["list"]}
		used = set()
		def check(expr, legend=""):
		    names = set(re.findall(r"rpnc_\w+", expr))
		    assert names and names <= set(labels), names - set(labels)
		    used.update(names)
		    assert set(re.findall(r"\$(\w+)", expr)) <= variables, expr
		    for name, selector in re.findall(r"(rpnc_\w+)\{([^}]*)\}", expr):
		        assert set(re.findall(r"(\w+)=~?\"", selector)) <= labels[name], selector
		    wanted = set(re.findall(r"\{\{(\w+)\}\}", legend))
		    for by in re.findall(r"by \(([^)]*)\)", expr):
		        assert set(by.split(", ")) <= set.union(*(labels[n] for n in names)), by
		        assert wanted <= set(by.split(", ")), (wanted, by)
		    assert wanted <= set.union(*(labels[n] for n in names)), (legend, names)
		for p in board["panels"]:
		    for t in p["targets"]:
		        check(t["expr"], t["legendFormat"])
		for v in board["templating"]["list"]:
		    if v["type"] == "query":
		        check(v["query"]["query"])
		        assert v["query"]["query"].endswith(", %s)" % v["name"])
		for name in ("fairness_verdict", "member_connections", "failures", "latency_seconds_bucket"):
		    assert "rpnc_probe_" + name in used
		# for promtool: each as a rule
		rules = [{"record": "r:%d" % i, "expr": line.strip().replace("$address", "a").replace("$port", "1")}
		         for i, line in enumerate(open("exprs"))]
		json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, open("rules.yml", "w"))
	END
	test ! -x "$promtool" || "$promtool" check rules rules.yml
}
