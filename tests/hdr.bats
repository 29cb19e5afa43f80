#!/usr/bin/env bats
# Histograms of rpnc probe: HdrHistogram's text in the JSON, as others read it,
# and what --merge reads.
# shellcheck disable=SC2154

load helpers
load probe

# distribution TAG LOG: prints the lines of HdrHistogram's own log reader: value
# in ns, percentile, count up to there.
distribution() {
	java -XX:TieredStopAtLevel=1 -cp /usr/share/java/hdrhistogram.jar \
		org.HdrHistogram.HistogramLogProcessor -outputValueUnitRatio 1 \
		-tag "$1" -i "$2" 3>&-
}

# is_like FILTER FILE: the report's latency of that filter has the same count,
# percentiles, mean and maximum as the distribution in the file.
is_like() {
	jq -c "$1" report >latency
	python3 - "$2" <<-'END'
		import json, re, sys
		l = json.load(open("latency"))
		text = open(sys.argv[1]).read()
		rows = [[float(x) for x in line.split()[:3]] for line in
		        re.findall(r"^ *[0-9.]+ +[01]\.[0-9]{12} .*", text, re.M)]
		mean, = re.findall(r"#\[Mean += +([0-9.]+)", text)
		most, count = re.findall(r"#\[Max += +([0-9.]+), Total count += +(\d+)", text)[0]
		assert int(count) == l["count"] == rows[-1][2], (count, l)
		def near(got, us):
		    return abs(min(got, l["max_ns"]) / 1e3 - us) < 0.001 + us * 1e-8
		at = {row[1]: row[0] for row in rows}
		for p, name in (0.5, "p50"), (0.9, "p90"):
		    assert near(at[p], l[name]), (name, at[p], l)
		if l["p99"] is not None: # the reader has no line for it
		    under = max(v for p, v in at.items() if p <= 0.99)
		    above = min(v for p, v in at.items() if p >= 0.99)
		    assert under / 1e3 - 0.001 <= l["p99"] <= above / 1e3 + 0.001, l
		assert l["max_ns"] <= float(most) <= l["max_ns"] * 1.008, (most, l)
		assert abs(float(mean) - l["sum_ns"] / l["count"]) < float(mean) / 100, (mean, l)
	END
}

# A report of rpnc 0.1 before its histograms were HdrHistogram's.
old_report() {
	cat <<-'END'
	{"event":"report","time":"2026-11-30T12:20:56.491423Z","command":"probe","target":{"address":"127.0.0.1","name":null,"port":40369,"protocol":"tcp","proxy":null},"by":"diag","loop":"closed","host":"www1","reports":1,"steering":null,"attempts":12,"ok":12,"seconds":0.000654532,"failed":{"refused":0,"reset":0,"timeout":0,"proxy":0,"tls":0,"other":0},"queued":0,"unattributed":0,"predicted":0,"mismatched":0,"abandoned":0,"verdict":"too-few","finding":{"kind":"too-few","member":null,"pid":null,"text":"one member: nothing to compare"},"members":[{"name":"A","pid":16842,"worker":null,"uid":null,"host":null,"command":"rpnc","sockets":1,"stopped":false,"waiting":0,"count":12,"predicted":0,"queued":0,"failed":0,"answered":null,"handed":null,"share":1.0,"expected":12.0,"latency":{"connect":{"unit":"us","count":12,"min":9.962,"mean":15.3650833,"p50":10.815,"p90":null,"p99":null,"p999":null,"max":51.291,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;9962;51291;184381;923:1,926:1,928-930:1,936:1,953:1,961:1,989:1,1014:1,1028:1,1224:1"},"proxy":null,"accept":{"unit":"us","count":12,"min":54.107,"mean":133.047667,"p50":157.695,"p90":null,"p99":null,"p999":null,"max":187.577,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;54107;187577;1596572;1235:1,1255:1,1272:1,1357:1,1432:1,1433:2,1435:1,1438:1,1441:1,1444:1,1463:1"},"tls":null,"echo":null,"reply":null,"late":null}}],"fairness":{"chi2":0.0,"dof":0,"p":1.0,"verdict":"too-few","at_least":false,"spread":0.0,"deviation":0.0,"enough":0,"needed":0},"what_if":null,"latency":{"connect":{"unit":"us","count":12,"min":9.962,"mean":15.3650833,"p50":10.815,"p90":null,"p99":null,"p999":null,"max":51.291,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;9962;51291;184381;923:1,926:1,928-930:1,936:1,953:1,961:1,989:1,1014:1,1028:1,1224:1"},"proxy":null,"accept":{"unit":"us","count":12,"min":54.107,"mean":133.047667,"p50":157.695,"p90":null,"p99":null,"p999":null,"max":187.577,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;54107;187577;1596572;1235:1,1255:1,1272:1,1357:1,1432:1,1433:2,1435:1,1438:1,1441:1,1444:1,1463:1"},"tls":null,"echo":null,"reply":null,"late":null},"tls":null,"during":null}
	END
}

@test "hdr: HdrHistogram's own reader finds the same counts, percentiles and means" {
	start echo -r -w 2 127.0.0.1 0
	probe -n 3000 -c 32 --echo --json "$port"
	local of
	for of in .latency.{connect,accept,echo} .members[{0,1}].latency.connect; do
		{
			echo '#[Histogram log format version 1.3]'
			echo '#[StartTime: 0.000 (seconds since epoch)]'
			echo '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
			jq -r "$of | \"Tag=x,0.000,1.000,\(.max_ns / 1e6),\(.histogram)\"" report
		} >one.hlog
		distribution x one.hlog >one
		is_like "$of" one
	done
}

@test "hdr: the JSON has it, shorter than its figures were, and exact values beside it" {
	start echo 127.0.0.1 0
	probe -n 1000 --json "$port"
	holds '.latency.connect | .histogram | startswith("HISTFAAAA")'
	holds '.latency.connect | .histogram | length < 1000'
	holds '.latency.connect | .min_ns / 1000 == .min and .max_ns / 1000 == .max'
	holds '.latency.connect | (.sum_ns / .count / 1000 - .mean | fabs) < 1e-4 * .mean'
}

@test "hdr: --merge reads old reports, alone and beside new ones" {
	start echo -r --name A 127.0.0.1 0
	old_report >old
	probe --merge --json old
	test "$status" -eq 0
	holds '.attempts == 12 and .latency.connect.count == 12 and .latency.accept.max_ns == 187577'
	holds '.latency.connect | .sum_ns == 184381 and .min_ns == 9962 and .p50 == 10.815'
	holds '.latency.connect.histogram | startswith("HISTFAAAA")'
	# what it made of it is as good
	cp report new
	probe --merge --json new
	diff -u <(jq 'del(.time)' new) <(jq 'del(.time)' report)
	probe -n 30 --json "127.0.0.1:$port"
	cp report new
	probe --merge --json old new
	holds '.attempts == 42 and .latency.connect.count == 42'
	test "$(get .latency.connect.sum_ns)" = "$(jq '.latency.connect.sum_ns + 184381' new)"
}

@test "hdr: --hdr-log has all latencies, as HdrHistogram's own reader reads its log" {
	start echo -r 127.0.0.1 0
	probe --json -d 1.3 --rate 300 --echo --hdr-log log.hlog "$port"
	test "$status" -eq 0
	local phase
	for phase in connect accept echo late; do
		distribution "$phase" log.hlog >one
		is_like ".latency.$phase" one
	done
	assert_equal "$(grep -o '^Tag=[a-z]*' log.hlog | sort -u | tr '\n' ' ')" \
		'Tag=accept Tag=connect Tag=echo Tag=late '
	# one line begins where the last one has ended, from the start of the run on
	python3 - <<-'END'
		import calendar, json, re, time
		text = open("log.hlog").read()
		base = float(re.search(r"#\[BaseTime: ([0-9.]+)", text)[1])
		r = json.load(open("report"))
		assert abs(base - calendar.timegm(time.strptime(r["started_at"][:19],
		    "%Y-%m-%dT%H:%M:%S"))) < 60
		at = [[float(x) for x in l.split(",")[1:3]]
		      for l in text.splitlines() if l.startswith("Tag=connect,")]
		assert len(at) >= 2, at
		for a, b in zip(at, at[1:]):
		    assert a[1] > 0 and abs(a[0] + a[1] - b[0]) < 0.003, at
	END
}

@test "hdr: --hdr-log has its header lines, and sums up to the report, also of --during" {
	start echo -r 127.0.0.1 0
	echo old >log.hlog
	probe --json -d 100ms --hdr-log log.hlog --during "$port" -- true
	test "$status" -eq 0
	python3 - <<-'END'
		import base64, json, re, struct, zlib
		r = json.load(open("report"))
		lines = open("log.hlog").read().split("\n")
		assert lines.pop() == ""
		heads = [l for l in lines if l.startswith("#[")]
		assert "#[Histogram log format version 1.3]" in heads
		start, = [re.fullmatch(r"#\[StartTime: (\d+\.\d{3}) \(seconds since epoch\), \d.*\]", l)
		          for l in heads if "StartTime" in l]
		assert "#[BaseTime: %s (seconds since epoch)]" % start[1] in heads
		assert lines[len(heads)] == ('"StartTimestamp","Interval_Length","Interval_Max",'
		                             '"Interval_Compressed_Histogram"')
		counts, highest = {}, {}
		for line in lines[len(heads) + 1:]:
		    tag, at, length, most, text = line.split(",")
		    assert tag.startswith("Tag=") and float(at) >= 0 and float(length) > 0
		    p = zlib.decompress(base64.b64decode(text)[8:])
		    n = shift = total = 0
		    for byte in p[40:]:
		        n |= (byte & 0x7f) << shift
		        shift += 7
		        if not byte & 0x80:
		            total += n >> 1 if not n & 1 else 0
		            n = shift = 0
		    tag = tag[4:]
		    counts[tag] = counts.get(tag, 0) + total
		    highest[tag] = max(highest.get(tag, 0), float(most))
		assert counts == {k: v["count"] for k, v in r["latency"].items() if v}, counts
		for k, v in highest.items():
		    assert abs(v - r["latency"][k]["max_ns"] / 1e6) < 0.001, (k, v)
	END
}

@test "hdr: --hdr-log that can't be written is one line, before the probe or after it" {
	start echo 127.0.0.1 0
	probe -n 1 --hdr-log none/x "$port"
	test "$status" -eq 1
	test ! -s report
	assert_equal "$(<err)" 'rpnc probe: --hdr-log none/x: No such file or directory'
	probe --hdr-log none/x --during "$port" -- touch ran
	test "$status" -eq 1
	test ! -e ran
	probe -n 1 --hdr-log /dev/full "$port"
	test "$status" -eq 1
	assert_equal "$(<err)" 'rpnc probe: --hdr-log /dev/full: No space left on device'
	probe --merge --hdr-log x report
	test "$status" -eq 2
	# a run that a signal ends has its log, too
	rpnc probe --watch --json --hdr-log cut "$port" >shown 3>&- &
	pids+=("$!")
	eventually test -s shown
	kill "${pids[-1]}"
	finish "${pids[-1]}" || test $? -eq 143
	grep -q '^Tag=connect,' cut
}

# refused FILE: a report with that text as its histogram is refused in one line,
# and in little memory.
refused() {
	jq -c --rawfile h "$1" '.latency.connect.histogram = ($h | rtrimstr("\n"))' good >bad
	status=0
	(
		test -n "${SAN:-}" || ulimit -v 400000
		exec rpnc probe --merge bad
	) >report 2>err || status=$?
	test "$status" -eq 2 || fail "$1: $status"
	test ! -s report
	assert_equal "$(<err)" 'rpnc probe: --merge bad, line 1: not a report of this version: histogram'
}

@test "hdr: --hdr-log to a fifo without a reader is an error at once; stdout may be shared" {
	start echo 127.0.0.1 0
	mkfifo fifo
	status=0
	timeout 10 rpnc probe -n 5 --hdr-log fifo "$port" >report 2>err || status=$?
	test "$status" -eq 1
	assert_equal "$(<err)" 'rpnc probe: --hdr-log fifo: a fifo that nobody reads'
	test ! -s report
	# a report and its log in one file, neither over the other
	probe -n 5 --hdr-log /dev/stdout "$port"
	test "$status" -eq 0
	grep -q '^Tag=connect,' report
	grep -q '^failed 0$' report
	grep -q '^#.Histogram log format version' report
}

@test "hdr: --merge refuses a histogram that is broken, or unpacks to gigabytes" {
	local text filter
	start echo 127.0.0.1 0
	probe -n 5 --json "$port"
	cp report good
	python3 - >texts <<-'END'
		import base64, json, struct, zlib
		good = json.load(open("good"))["latency"]["connect"]["histogram"]
		def text(payload, cookie=0x1c849314):
		    z = zlib.compress(payload)
		    return base64.b64encode(struct.pack(">II", cookie, len(z)) + z).decode()
		def payload(counts, digits=2, offset=0, highest=(1 << 42) - 1, ratio=1.0):
		    return struct.pack(">IIIIQQd", 0x1c849313, len(counts), offset, digits,
		        1, highest, ratio) + counts
		raw = zlib.decompress(base64.b64decode(good)[8:])
		assert text(raw)
		print("HISTF")
		print("HISTFAAAA")
		print(good[:-4])
		print(good + "AAAA")
		print(good.replace("HISTFAAAA", "HISTFAAAB"))
		print(text(raw, 0x1c849304))
		print(text(b"\0" * (1 << 25)))              # as text it is not too long
		print(text(b"\0" * (1 << 28)))              # a quarter of a gigabyte
		print(text(payload(b"\2" * 5000)))          # more buckets than there are
		print(text(payload(b"\xfe" + b"\xff" * 8)))  # 2^63 - 1 samples
		print(text(payload(b"\2", digits=3)))
		print(text(payload(b"\2", offset=1)))
		print(text(payload(b"\2", ratio=2.0)))
		print(text(payload(b"\2\x80")))
		print(text(payload(b"\2")))                 # not what min_ns says
		print("1/7;3;3;3;")
		print("")
	END
	test "$(wc -l <texts)" -eq 17
	while read -r text; do
		echo "$text" >text
		refused text
	done <texts
	# exact values that its buckets contradict, or that are not there
	for filter in 'del(.latency.connect.min_ns)' '.latency.connect.max_ns = 1e15' \
		'.latency.connect.sum_ns = 1' '.latency.connect.min_ns = -1'; do
		jq -c "$filter" good >bad
		probe --merge bad
		test "$status" -eq 2
		grep -q '^rpnc probe: --merge bad, line 1: not a report of this version: ' err
		test "$(wc -l <err)" -eq 1
	done
}
