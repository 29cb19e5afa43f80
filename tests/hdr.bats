#!/usr/bin/env bats
# Histograms of rpnc probe: HdrHistogram's text in the JSON, as others read it,
# and what --merge reads.
# It needs this machine's network: npm(1) fetches a package.
# shellcheck disable=SC2154

load helpers
load probe

# needs_hdr: hdr-histogram-js, an independent reader, in ./node_modules.
needs_hdr() {
	command -v npm >/dev/null || skip "no npm: hdr-histogram-js is not there to read it"
	npm_config_cache=$PWD/npm timeout 60 npm install --silent --no-audit --no-fund \
		--prefix . hdr-histogram-js@3.0.1 >npm.log 2>&1 3>&- ||
		skip "npm can't fetch hdr-histogram-js: $(tail -n 1 npm.log)"
}

# A report of rpnc 0.1 before its histograms were HdrHistogram's.
old_report() {
	cat <<-'END'
	{"event":"report","time":"2026-11-30T12:20:56.491423Z","command":"probe","target":{"address":"127.0.0.1","name":null,"port":40369,"protocol":"tcp","proxy":null},"by":"diag","loop":"closed","host":"www1","reports":1,"steering":null,"attempts":12,"ok":12,"seconds":0.000654532,"failed":{"refused":0,"reset":0,"timeout":0,"proxy":0,"tls":0,"other":0},"queued":0,"unattributed":0,"predicted":0,"mismatched":0,"abandoned":0,"verdict":"too-few","finding":{"kind":"too-few","member":null,"pid":null,"text":"one member: nothing to compare"},"members":[{"name":"A","pid":16842,"worker":null,"uid":null,"host":null,"command":"rpnc","sockets":1,"stopped":false,"waiting":0,"count":12,"predicted":0,"queued":0,"failed":0,"answered":null,"handed":null,"share":1.0,"expected":12.0,"latency":{"connect":{"unit":"us","count":12,"min":9.962,"mean":15.3650833,"p50":10.815,"p90":null,"p99":null,"p999":null,"max":51.291,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;9962;51291;184381;923:1,926:1,928-930:1,936:1,953:1,961:1,989:1,1014:1,1028:1,1224:1"},"proxy":null,"accept":{"unit":"us","count":12,"min":54.107,"mean":133.047667,"p50":157.695,"p90":null,"p99":null,"p999":null,"max":187.577,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;54107;187577;1596572;1235:1,1255:1,1272:1,1357:1,1432:1,1433:2,1435:1,1438:1,1441:1,1444:1,1463:1"},"tls":null,"echo":null,"reply":null,"late":null}}],"fairness":{"chi2":0.0,"dof":0,"p":1.0,"verdict":"too-few","at_least":false,"spread":0.0,"deviation":0.0,"enough":0,"needed":0},"what_if":null,"latency":{"connect":{"unit":"us","count":12,"min":9.962,"mean":15.3650833,"p50":10.815,"p90":null,"p99":null,"p999":null,"max":51.291,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;9962;51291;184381;923:1,926:1,928-930:1,936:1,953:1,961:1,989:1,1014:1,1028:1,1224:1"},"proxy":null,"accept":{"unit":"us","count":12,"min":54.107,"mean":133.047667,"p50":157.695,"p90":null,"p99":null,"p999":null,"max":187.577,"too_few":"p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples","histogram":"1/7;54107;187577;1596572;1235:1,1255:1,1272:1,1357:1,1432:1,1433:2,1435:1,1438:1,1441:1,1444:1,1463:1"},"tls":null,"echo":null,"reply":null,"late":null},"tls":null,"during":null}
	END
}

@test "hdr: hdr-histogram-js finds the same counts and percentiles" {
	needs_hdr
	start echo -r -w 2 127.0.0.1 0
	probe -n 3000 -c 32 --echo --json "$port"
	node - <<-'END'
		const hdr = require("hdr-histogram-js"), assert = require("assert")
		const r = JSON.parse(require("fs").readFileSync("report"))
		let seen = 0
		for (const of of [r, ...r.members])
			for (const phase of ["connect", "accept", "echo"]) {
				const l = of.latency[phase]
				const h = hdr.decodeFromCompressedBase64(l.histogram)
				const us = (p) => Math.min(h.getValueAtPercentile(p), l.max_ns) / 1e3
				assert.equal(h.totalCount, l.count)
				for (const [p, name] of [[50, "p50"], [90, "p90"], [99, "p99"]])
					if (l[name] !== null) {
						assert.ok(Math.abs(us(p) - l[name]) < 0.001 + l[name] * 1e-8,
							`${phase} ${name}: ${us(p)}, not ${l[name]}`)
						seen++
					}
				assert.ok(h.maxValue >= l.max_ns && h.maxValue <= l.max_ns * 1.008)
				assert.ok(Math.abs(h.mean - l.sum_ns / l.count) < h.mean / 100)
			}
		assert.ok(seen >= 20, seen)
	END
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

@test "hdr: --hdr-log has all latencies, as hdr-histogram-js reads its log" {
	needs_hdr
	start echo -r 127.0.0.1 0
	probe --json -d 1.3 --rate 300 --echo --hdr-log log.hlog "$port"
	test "$status" -eq 0
	node - <<-'END'
		const hdr = require("hdr-histogram-js"), assert = require("assert")
		const fs = require("fs"), r = JSON.parse(fs.readFileSync("report"))
		const reader = new hdr.HistogramLogReader(fs.readFileSync("log.hlog", "utf8"))
		const sums = {}, starts = new Set()
		for (let h; h = reader.nextIntervalHistogram();) {
			(sums[h.tag] ||= hdr.build()).add(h)
			starts.add(h.startTimeStampMsec)
			assert.ok(Math.abs(h.startTimeStampMsec - Date.parse(r.time)) < 60000, h)
			assert.ok(h.endTimeStampMsec > h.startTimeStampMsec)
		}
		assert.ok(starts.size >= 2, starts.size)
		// one begins where the last one has ended
		const at = fs.readFileSync("log.hlog", "utf8").match(/^Tag=connect,.*/gm)
			.map((line) => line.split(",").slice(1, 3).map(Number))
		for (let i = 1; i < at.length; i++)
			assert.ok(Math.abs(at[i - 1][0] + at[i - 1][1] - at[i][0]) < 0.003, at)
		for (const phase of ["connect", "accept", "echo", "late"]) {
			assert.equal(sums[phase].totalCount, r.latency[phase].count)
			const p90 = Math.min(sums[phase].getValueAtPercentile(90), r.latency[phase].max_ns)
			// hdr.build() has three digits: its bounds are nearer
			assert.ok(Math.abs(p90 / 1e3 - r.latency[phase].p90) <= 0.01 * r.latency[phase].p90)
		}
		assert.equal(Object.keys(sums).length, 4)
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
