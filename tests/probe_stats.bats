#!/usr/bin/env bats
# rpnc probe: what is expected, reports of many runs, and who else reads them.
# shellcheck disable=SC2154

load helpers
load probe

# foreign COUNTS: two processes that are not rpnc's on one port, of which each
# has so many sockets; the port in port, their pids in workers.
foreign() {
	mkfifo "foreign.${#pids[@]}"
	python3 "$BATS_TEST_DIRNAME/members.py" --sockets "$1" \
		>"foreign.${#pids[@]}" 2>foreign.err 3>&- &
	read -r port line <"foreign.${#pids[@]}"
	pids+=("$!")
	read -ra workers <<<"$line"
	test -n "$port"
}

@test "probe: --expect-weights is what the counts are judged by" {
	foreign 9,1
	local nine=${workers[0]} one=${workers[1]}
	probe -n 400 --json --expect-weights "$nine=90,$one=10" "$port"
	test "$status" -eq 0
	holds ".members[] | select(.pid == $nine).expected == 360"
	holds '.fairness | .p > 1e-6 and .dof == 1 and (.at_least | not)'
	holds '.fairness | .p < 0.01 or .verdict == "as-weighted"'
	# half each is 1e-6 unlikely, and far more: 9 of 10 go to the one
	probe -n 400 --json --fail-uneven --expect-weights "$nine=1,$one=1" "$port"
	test "$status" -eq 7
	test "$(get .fairness.verdict)" = uneven
	probe -n 400 --expect-weights "$nine=900,$one=100" "$port"
	grep -qE '█.* +[0-9]+ +[0-9.]+ %  of 360.0 expected$' report
	grep -q '^by chance ± [0-9]* of what is expected (99 %): │ and ░ or ▓ in the bars; p ' report
	grep -qx "one process, pid $nine, holds 9 of the group's 10 sockets: connections are dealt to sockets" report
}

@test "probe: --expect-weights: who is not named, and who is not there" {
	start echo -r --name A --identify 0
	start echo -r --name B --identify "$port"
	probe -n 100 --json --fail-uneven --expect-weights A=1 "$port"
	test "$status" -eq 7
	probe -n 100 --expect-weights A=1 "$port"
	test "$(sed -n 2p report)" = 'member B is not in --expect-weights: nothing is expected of it'
	probe -n 100 --expect-weights X=50,Y=50 "$port"
	test "$(sed -n 2p report)" = 'no member is X, Y: there are A, B'
	test "$(sed -n 3p report)" = 'members A, B are not in --expect-weights: nothing is expected of them'
	probe -n 100 --json --fail-uneven --expect-weights A=1,B=1,C=1 "$port"
	test "$status" -eq 7
	holds '.members | map(.name) == ["A", "B", "C"]'
	holds '.members[2] | .count == 0 and .share == 0'
	probe -n 100 --by banner --expect-weights A=1,B=1,C=1 "$port"
	# the cause stands before what follows from it
	test "$(sed -n 2p report)" = 'no member is C: there are A, B'
	grep -q '^uneven: C gets nothing' <(sed -n 3p report)
	probe -n 20 --expect-weights "$pid=1,A/1=1,D=1" "$port"
	test "$(sed -n 2p report)" = 'no member is A/1, D: there are A, B'
	probe -n 100 --by banner --json --expect-weights A=1,B=1 "$port"
	holds '.fairness | .p > 1e-6 and (.at_least | not)'
}

@test "probe: --expect-weights: a name is that of each of its workers" {
	start echo -r -w 2 --name A 0
	start echo -r --name B "$port"
	probe -n 300 --json --expect-weights A=100,B=100 "$port"
	holds '[.members[].expected] == [100, 100, 100]'
	probe -n 300 --json --expect-weights A/1=200,B=100,A=0 "$port"
	holds '[.members[].expected] == [0, 200, 100]'
	test "$(get .fairness.verdict)" = uneven
}

@test "probe: --expect-weights that say nothing are a usage error" {
	local words
	for words in "" A A= =1 A=x A=1001 A=0 "weights A=1" "A=1,," \
		A=50,A=50; do
		probe --expect-weights "$words" 9
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
		grep -q -- '--expect-weights' err
	done
}


# steered_once FILTER: the program comes a moment after the members do.
steered_once() {
	probe -n 20 --json "$port"
	holds "$1"
}

@test "probe: members' own weights are what is expected of them" {
	start echo -r --name A --steer weights:A=90,B=10 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	# by equal shares this is uneven, whatever comes
	eventually steered_once '.members | .[0].count > 3 * .[1].count'
	probe -n 400 --json "$port"
	test "$status" -eq 0
	test "$(get .steering)" = "weights A=90,B=10"
	holds '[.members[].expected] == [360, 40] and .fairness.p > 1e-9'
	# not even: 90 % and 10 %
	holds '.fairness | .p < 0.01 or .verdict == "as-weighted"'
	probe -n 400 "$port"
	grep -qx 'expected by the steering: weights A=90,B=10' report
	grep -qE '^(as weighted: the differences are chance|unclear: .*); steered: weights A=90,B=10$' report
	# and what one says oneself counts more
	probe -n 400 --json --fail-uneven --expect-weights A=1,B=1 "$port"
	test "$status" -eq 7
	# by the registry, too
	probe -n 400 --json --by registry "$port"
	holds '[.members[].expected] == [360, 40]'
}

@test "probe: a steering that follows the clients is not called uneven" {
	start echo -r --name A --steer source-address 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	# one address: all of it goes to one of them
	eventually steered_once '[.members[].count] | sort == [0, 20]'
	probe -n 200 --json --fail-uneven "$port"
	test "$status" -eq 0
	holds '.fairness == null and .steering == "source-address"'
	probe -n 200 --fail-uneven "$port"
	test "$status" -eq 0
	grep -qx 'no verdict: the members steer by source-address, so the clients decide the shares' report
	grep -q uneven report && fail "a verdict"
	# unless one says what should be
	probe -n 200 --json --fail-uneven --expect-weights A=1,B=1 "$port"
	test "$status" -eq 7
}

@test "probe: --merge adds reports up, and judges them anew" {
	local i
	start echo -r -w 3 127.0.0.1 0
	for i in 1 2 3 4 5 6 7 8 9 10; do
		probe -n 100 --echo --json "$port"
		cp report "run.$i"
	done
	probe --merge --json run.*
	test "$status" -eq 0
	jq -s 'map(.members[]) | group_by(.pid) | map({ pid: .[0].pid, count: map(.count) | add })' run.* >wanted
	jq '.members | map({ pid, count }) | sort_by(.pid)' report >got
	diff -u wanted got
	holds '.reports == 10 and .attempts == 1000 and .ok == 1000 and .latency.echo.count == 1000'
	test "$(get .latency.connect.max)" = "$(jq -s 'map(.latency.connect.max) | max' run.*)"
	holds '.fairness | .dof == 2 and .p > 1e-6'
	holds '.target.port == '"$port"' and .by == "diag" and .members[0].host == null'
	cp report all
	# in two steps it is the same, and from standard input
	rpnc probe --merge --json run.1 run.2 run.3 >some
	rpnc probe --merge --json run.4 - < <(cat run.[5-9] run.10) >rest
	probe --merge --json some rest
	diff -u <(jq 'del(.time, .seconds)' all) <(jq 'del(.time, .seconds)' report)
	probe --merge run.*
	grep -qE "^127.0.0.1:$port tcp, 1000 connections, 10 reports, [0-9.]+ m?s$" report
	grep -q '^verdicts of the single reports: [0-9]' report
}

@test "probe: --merge: members of several hosts stay apart, and several groups unjudged" {
	start echo -r -w 2 --identify 127.0.0.1 0
	probe -n 100 --json "$port"
	jq -c '.host = "www1"' report >one
	jq -c '.host = "www2"' report >two
	probe --merge --json --fail-uneven one two
	test "$status" -eq 0
	holds '.fairness == null and (.members | length) == 4 and .host == null'
	holds '[.members[].host] | unique == ["www1", "www2"]'
	probe --merge one two
	grep -qx '  www1, 2 members: 100, 50.0 %' report
	grep -qx 'no verdict: these are reports of several groups' report
	# banners say whose they are: asked from two hosts, it is one group
	probe -n 100 --by banner --json "$port"
	jq -c '.host = "www1"' report >one
	jq -c '.host = "www2"' report >two
	probe --merge --json one two
	holds '(.members | length) == 2 and .fairness.at_least and .fairness.dof == 1'
	# members that came or went between the reports
	probe -n 100 --json "$port"
	cp report one
	jq -c '.members[0].pid = 1' one >two
	probe --merge --json one two
	test "$(get .fairness.verdict)" = changed
}

@test "probe: --merge: what is predicted, missing, or of another host counts in the sum" {
	start echo -r -w 2 127.0.0.1 0
	probe -n 1000 --json "$port"
	jq -c '.members |= (.[0].count = 510 | .[1].count = 490)' report >even
	jq -c '.members[0].predicted = 3 | .predicted = 3' even >one
	jq -c '.members[0].predicted = 5 | .predicted = 5' even >two
	probe --merge --json one two
	holds '.predicted == 8 and (.members[0] | .predicted == 8 and .count == 1020)'
	# 4 % without a row are too few to matter, 6 % are not
	jq -c '.failed.reset = 40 | .attempts += 40' even >few
	jq -c '.failed.reset = 60 | .attempts += 60' even >many
	probe --merge --json few few
	test "$(get .fairness.verdict)" = even
	probe --merge --json many many
	test "$(get .fairness.verdict)" = unclear
	jq -c '.host = "www1"' even >one
	jq -c '.host = "www2"' even >two
	probe --merge --json one two one
	holds '.host == null and .fairness == null'
}

@test "probe: --merge: four times the members take about four times as long, not sixteen times" {
	start echo 127.0.0.1 0
	rpnc probe --json -n 8 "127.0.0.1:$port" >one
	run -0 python3 - <<-'END'
		import json, resource, subprocess
		def report(members):
		    o, = [o for o in map(json.loads, open("one")) if o["event"] == "report"]
		    one = dict(o["members"][0], latency=None, count=1, predicted=0)
		    o["members"] = [dict(one, pid=1000 + i, host="h%d" % i) for i in range(members)]
		    o["attempts"] = o["ok"] = members
		    with open("many", "w") as f:
		        f.write(json.dumps(o))
		def cost():
		    before = resource.getrusage(resource.RUSAGE_CHILDREN)
		    p = subprocess.run(["rpnc", "probe", "--merge", "--json", "many"],
		        capture_output=True, timeout=100)
		    after = resource.getrusage(resource.RUSAGE_CHILDREN)
		    assert p.returncode == 0, p
		    assert len(json.loads(p.stdout)["members"]) == members
		    return after.ru_utime - before.ru_utime
		members = 15000
		report(members)
		few = cost()
		members *= 4
		report(members)
		many = cost()
		assert many < few * 8, (few, many)
	END
}

@test "probe: --merge: its status is that of all attempts" {
	start echo 127.0.0.1 0
	probe -n 10 --json "$port"
	cp report good
	kill "$pid"
	finish "$pid" || true
	probe -n 10 --json "$port"
	cp report bad
	probe --merge bad
	test "$status" -eq 1
	probe --merge good bad
	test "$status" -eq 6
	grep -qx 'failed 10 (refused 10)' report
}

# doubled FIELD OLD NEW WHAT: one report with NEW in place of OLD is merged, and
# two are too much of WHAT.
doubled() {
	sed "s!\"$1\":$2!\"$1\":$3!" good >big
	cmp -s good big && fail "$1: nothing to replace"
	probe --merge --json big
	test -s report
	probe --merge big big
	test "$status" -eq 2
	test ! -s report
	grep -qx "rpnc probe: --merge big, line 1: the reports add up to too much: $4" err
}

@test "probe: --merge of reports that add up to more than a number holds is one line, and 2" {
	start echo 127.0.0.1 0
	probe -n 5 --json "$port"
	cp report good
	local field most=9007199254740992 # 2^53
	for field in attempts ok unattributed mismatched refused reports; do
		doubled "$field" '[0-9]*' "$most" "$field"
	done
	doubled count '5,"predicted"' "$most,\"predicted\"" count
	doubled histogram '"[^"]*"' "\"1/7;0;0;0;0:$most\"" connect
	# nanoseconds: one sum is below 2^63, two are between that and 2^64
	doubled histogram '"[^"]*"' \
		'"1/7;4398046511103;4398046511103;5277655813323600000;4607:1200000"' connect
	doubled seconds '[0-9.]*' 1e308 seconds
	doubled expected '[0-9.]*' 1e308 expected
	# one alone, near 2^63
	sed 's/"attempts":5/"attempts":9223372036854775807/' good >big
	probe --merge big
	test "$status" -eq 2
	grep -qx 'rpnc probe: --merge big, line 1: the reports add up to too much: attempts' err
}

@test "probe: --merge of 20,000 members is a table in seconds" {
	start echo 127.0.0.1 0
	probe -n 5 --json "$port"
	jq -c '.members = [range(20000) as $i | .members[0] + { name: "M\($i)", count: 1 }]' report >many
	timeout -k 1 40 rpnc probe --merge many >table
	test "$(grep -c '^  M[0-9]* .* 1 ' table)" -eq 20000
}

@test "probe: --merge of what is no report is one line, and 2" {
	local words
	echo '{"event":"left","name":"A"}' >none
	printf '\n\n{"event":"report","command":"probe","by":null}\n' >old
	echo 'rpnc_probe_attempts 1' >text
	echo '[1]' >list
	printf '{"event":"report","command":"probe","attempts":5,"ok"' >"cut"
	printf '\0\0{\xff}' >bytes
	mkdir folder
	: >empty
	for words in "" none old text list cut bytes folder empty missing "-n 1 none" "empty -" \
		"-4 none" "--busy none" "--group none" "--timeout 1 none"; do
		# shellcheck disable=SC2086 # words are words
		probe --merge $words </dev/null
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
		test ! -s report
	done
	probe --merge old
	grep -q -- '--merge old, line 3: not a report of this version: ' err
	probe --merge text
	grep -qx 'rpnc probe: --merge text, line 1: no JSON: want what '\''rpnc probe --json'\'' writes' err
	# a line has a limit: /dev/zero would take all memory
	probe --merge - < <(echo && head -c 65M /dev/zero)
	test "$status" -eq 2
	grep -qx 'rpnc probe: --merge standard input, line 2: over 64 MiB' err
}

@test "probe: --openmetrics is Prometheus' text format to promtool" {
	local promtool=${PEERS:-/nonexistent}/prometheus/usr/bin/promtool
	test -x "$promtool" || skip "no promtool: make check fetches it"
	start echo -r -w 3 127.0.0.1 0
	probe -n 300 --echo --json --openmetrics m.prom "$port"
	test "$status" -eq 0
	test "$(stat -c %a m.prom)" = 644
	"$promtool" check metrics <m.prom >said 2>&1 || fail "$(<said)"
	test ! -s said || fail "$(<said)"
}

@test "probe: --openmetrics is OpenMetrics to the Python client, and says the same as --json" {
	local debians=/usr/bin/python3
	"$debians" -c 'import prometheus_client' || skip "no python3-prometheus-client"
	start echo -r -w 3 127.0.0.1 0
	local before=$EPOCHSECONDS
	probe -n 300 --echo --json --openmetrics m.prom "$port"
	test "$(tail -1 m.prom)" = '# EOF'
	sed -nE 's/^rpnc_probe_end_timestamp_seconds\{.*\} ([0-9]+)(\..*)?$/\1/p' m.prom >ended
	test "$before" -le "$(<ended)" -a "$(<ended)" -le "$EPOCHSECONDS"
	"$debians" - "$(<report)" <<-'END'
		import json, sys
		from prometheus_client.openmetrics.parser import text_string_to_metric_families
		report = json.loads(sys.argv[1])
		got = {}
		for family in text_string_to_metric_families(open("m.prom").read()):
		    for s in family.samples:
		        labels = {k: v for k, v in s.labels.items()
		                  if k not in ("address", "port", "protocol")}
		        assert s.labels["port"] == str(report["target"]["port"])
		        got[s.name, tuple(sorted(labels.items()))] = s.value
		def value(metric, **labels):
		    return got["rpnc_probe_" + metric, tuple(sorted(labels.items()))]
		assert value("attempts") == 300 and value("succeeded") == 300
		assert value("failures", reason="refused") == 0
		for m in report["members"]:
		    assert m["count"] == value("member_connections", name="A",
		        worker=str(m["worker"]), pid=str(m["pid"]), command="rpnc")
		    assert m["due"] == value("member_due", name="A",
		        worker=str(m["worker"]), pid=str(m["pid"]), command="rpnc")
		assert report["steered"] is False and value("steered") == 0
		assert value("fairness_verdict", verdict=report["fairness"]["verdict"]) == 1
		for phase in "connect", "accept", "echo":
		    h = report["latency"][phase]
		    assert value("latency_seconds_count", phase=phase) == h["count"]
		    mean = value("latency_seconds_sum", phase=phase) / h["count"] * 1e6
		    assert abs(mean - h["mean"]) < 0.01, mean
		    below = [v for (n, l), v in got.items() if n.endswith("_bucket")
		             and ("phase", phase) in l]
		    assert below == sorted(below) and below[-1] == h["count"]
	END
}

@test "probe: --openmetrics: names of strangers, merged reports, and what stands in the way" {
	local promtool=${PEERS:-/nonexistent}/prometheus/usr/bin/promtool file
	start echo 127.0.0.1 0
	probe -n 5 --json "$port"
	# two that look the same when escaped, and a quote, and the end of a line
	jq -c '.members = [.members[0] |
		.name = "\\x01", .name = "\u0001", .name = "a\"\\\n}"]' report >odd
	mkdir dir
	echo old >dir/m.prom
	probe --merge --openmetrics dir/m.prom odd
	test "$status" -eq 0
	grep -q '^rpnc_probe_attempts{.*} 5$' dir/m.prom
	grep -q '^rpnc_probe_member_connections{.*name="a\\"\\\\.*\\\\n}"' dir/m.prom
	test "$(grep -c '^rpnc_probe_member_connections{' dir/m.prom)" -eq 2
	test ! -x "$promtool" || "$promtool" check metrics <dir/m.prom
	# characters that end a line for some readers, turn it around or have no width
	jq -c '.members = [.members[0] | .name = "a\u2028b\u2029\u200b\u200f\u061c\ufeff"]' odd >odder
	probe --merge --openmetrics dir/m.prom odder
	test "$status" -eq 0
	python3 - <<-'END'
		text = open("dir/m.prom", encoding="utf-8").read()
		assert text.splitlines() == text.split("\n")[:-1], text
		assert not set(text) & set("\u2028\u2029\u200b\u200f\u061c\ufeff"), text
		assert r'name="a\\xe2\\x80\\xa8b\\xe2' in text, text
	END
	# where it can't be, it is said before the probe, and nothing is left
	mkdir dir/taken
	for file in none/m.prom dir/taken dir/; do
		probe -n 1 --openmetrics "$file" "$port"
		test "$status" -eq 1
		test ! -s report
		test "$(wc -l <err)" -eq 1
		grep -q "^rpnc probe: --openmetrics $file: " err
		probe --openmetrics "$file" --during "$port" -- touch ran
		test "$status" -eq 1
		test ! -e ran
	done
	test "$(find dir -type f)" = dir/m.prom
}

@test "probe: --json has the fields of the manual, whatever it does" {
	cat >fields.py <<-'END'
		import json, re, sys
		lists = {tuple(re.sub(r"^\.Va |,", "", line).split())
		         for line in open(sys.argv[1]) if line.startswith(".Va ")}
		lists.add(("unit", "count", "min", "mean", "p50", "p90", "p99",
		           "p999", "max", "too_few", "min_ns", "max_ns", "sum_ns",
		           "histogram"))
		def look(o):
		    if isinstance(o, dict):
		        keys = tuple(k for k in o if k not in ("event", "time"))
		        assert keys in lists, keys
		    for v in o.values() if isinstance(o, dict) else o:
		        if isinstance(v, (dict, list)):
		            look(v)
		for n, line in enumerate(sys.stdin, 1):
		    look(json.loads(line))
		print(n)
	END
	start echo -r -w 2 --identify 127.0.0.1 0
	local tcp=$port
	start echo -u 127.0.0.1 0
	local udp=$port
	start echo -U sock
	{
		rpnc probe --json --echo --what-if +1 --rate 9000 -n 50 "$tcp"
		rpnc probe --json --by banner -n 20 "$tcp" | tee one
		rpnc probe --json -u --echo -n 20 "$udp"
		rpnc probe --json -n 20 -U sock
		rpnc probe --json -n 2 127.0.0.1 1 || test $? -eq 1
		rpnc probe --json --merge one one
		rpnc probe --json "$tcp,1"
		rpnc probe --json --group "$tcp"
		rpnc probe --json --group -u "$udp"
		rpnc probe --json --group --watch "$tcp" | head -n 1
	} >lines
	test "$(python3 fields.py "$BATS_TEST_DIRNAME/../man/rpnc-events.5" <lines)" -eq 10
}

# mapping: who has each of 1,500 source ports, into the file $1. The ports are
# below those that the kernel gives out, and the address is no other test's.
mapping() {
	python3 "$BATS_TEST_DIRNAME/ask.py" "$port" --from 127.77.0.1 \
		--ports 20000 1500 1 3>&- |
		jq -r '.who | to_entries[] | "\(.key) \(.value | tojson)"' | sort >"$1"
	test "$(wc -l <"$1")" -eq 1500
}

# moved A B: how many of them have another one in B.
moved() {
	comm -23 "$1" "$2" | wc -l
}

# unmoved A: the others take the leaver's program away a moment after its end.
unmoved() {
	mapping again
	test "$(moved "$1" again)" -eq 0
}

@test "probe: --what-if says what a real join and a real leave move" {
	local i n
	start echo -r --identify 127.0.0.1 0
	for i in 2 3 4; do start echo -r --identify 127.0.0.1 "$port"; done
	mapping four
	probe -n 1500 --json --what-if +1 "$port"
	test "$status" -eq 0
	holds '.what_if | .sockets == 4 and .flows == 1500 and .fraction == 0.5 and .ideal == 0.2'
	get '.what_if | "\(.moved) \(.low) \(.high)"' >range
	test "$(<range)" = "750 700 800"
	start echo -r --identify 127.0.0.1 "$port"
	mapping five
	n=$(moved four five)
	# R: 1500 / 2 + c(-1, 1) * qnorm(1 - 1e-6 / 2) * sqrt(1500 / 4)
	test "$n" -ge 655 -a "$n" -le 845 || fail "joined: $n moved"
	# the second of five leaves: of its own all, of the others half or so
	probe -n 1500 --json --what-if B "$port"
	holds '.what_if | .sockets == 5 and .moved == null and .low < .high'
	# the last one leaves, and all is as before
	kill "$pid"
	finish "$pid" || true
	eventually unmoved four
}

@test "probe: --what-if: in words, and where nothing can be said" {
	foreign 1,1
	probe -n 200 --what-if +1 "$port"
	grep -qx 'if one joined, 81 to 119 of these 200 flows would move (99 %, by theory); 67 have to' report
	probe -n 200 --what-if "${workers[0]}" "$port"
	grep -qE "^if ${workers[0]} left, ([0-9]+) of these 200 flows would move, and have to\$" report
	probe -n 20 --json --what-if Z "$port"
	test "$status" -eq 0
	holds '.what_if == null'
	probe -n 20 --what-if Z "$port"
	grep -qx -- '--what-if: no one member here is Z' report
	stop
	start echo -r --steer random 127.0.0.1 0
	probe -n 20 --what-if -1 "$port"
	grep -qx -- '--what-if: nobody would be left' report
	start echo -r 127.0.0.1 "$port"
	probe -n 20 --what-if -1 "$port"
	grep -qx -- "--what-if is about the kernel's hash, and random steers" report
	probe -n 20 --by banner --timeout 0.2 --what-if +1 "$port"
	grep -q -- '--what-if: this needs to know the whole group' report
	# what can be nobody, before it is asked who is there
	local change
	for change in +2 -2 +B /1 A/ A/x A/-1; do
		probe --what-if "$change" "$port"
		test "$status" -eq 2
		test ! -s report
		test "$(wc -l <err)" -eq 1
		grep -q -- "--what-if $change: want +1, -1, " err
	done
}
