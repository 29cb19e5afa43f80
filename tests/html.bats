#!/usr/bin/env bats
# rpnc probe --html: the report as one page.
# shellcheck disable=SC2154

load helpers
load probe

setup_file() {
	cat >"$BATS_FILE_TMPDIR/page.py" <<-'END'
		# A page as a tree: elements without their namespace.
		import re, sys, xml.etree.ElementTree as tree
		source = open(sys.argv[1], encoding="utf-8").read()
		root = tree.fromstring(source)
		for e in root.iter():
		    e.tag = e.tag.replace("{http://www.w3.org/1999/xhtml}", "")
		    assert set(e.keys()) <= {"lang", "charset", "http-equiv", "content", "name",
		        "class", "style", "scope", "viewBox", "preserveAspectRatio",
		        "aria-hidden", "colspan", "d", "x", "y", "width", "height"}, e.attrib
		def text(e):
		    return re.sub(r"\s+", " ", "".join(e.itertext())).strip()
		def of(cls, within=root):
		    return [e for e in within.iter() if cls in e.get("class", "").split()]
		def table(cls=None):
		    t, = [t for t in root.iter("table") if t.get("class") == cls]
		    return [[text(c) for c in tr] for tr in t.iter("tr")]
	END
}

# page FILE: it is well-formed, small and loads nothing. A program in stdin looks
# further at it.
page() {
	xmllint --noout --nonet "$1"
	test "$(stat -c %s "$1")" -lt $((200 * 1024))
	test "$(stat -c %a "$1")" = 644
	run ! grep -niE '<(script|link|img|iframe|object|embed|base|form|use|image)[ />]|url\(|@import' "$1"
	grep -qF "default-src 'none'; style-src 'unsafe-inline'" "$1"
	PYTHONPATH=$BATS_FILE_TMPDIR python3 -B - "$@"
}

@test "html: the page has the verdict first, the shares with their band, and the percentiles" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	start echo -r --name C 127.0.0.1 "$port"
	probe -n 1000 --echo --json --html page.html --label 'run=<b>7</b>' "$port"
	test "$status" -eq 0
	page page.html <<-'END'
		from page import *
		import json
		r = json.load(open("report"))
		main, = root.iter("main")
		assert text(next(root.iter("h1"))) == "127.0.0.1:%d tcp" % r["target"]["port"]
		verdict, = of("verdict")
		assert text(next(verdict.iter("p"))).endswith(r["finding"]["text"]), text(verdict)
		# it comes before all that has figures
		assert source.index('class="verdict') < min(source.index("<section"), source.index("<dl"))
		assert text(of("labels")[0]) == "run=<b>7</b>"
		head, *rows = table()
		assert head == ["member", "", "count", "share"]
		assert [r[2] for r in rows] == [str(m["count"]) for m in r["members"]]
		assert [r[3] for r in rows] == ["%.1f %%" % (100 * m["share"]) for m in r["members"]]
		# the bars: as long as the counts, with a tick and a band of 99 %
		bars = [b for b in of("bar")]
		assert len(bars) == 3
		widths = [float(of("fill", b)[0].get("width")) if of("fill", b) else
		          float(of("off", b)[0].get("width")) for b in bars]
		for w, m in zip(widths, r["members"]):
		    assert abs(w / max(widths) - m["count"] / max(n["count"] for n in r["members"])) < 0.01
		scale = max(widths) / max(m["count"] for m in r["members"])
		for b, m in zip(bars, r["members"]):
		    band, = of("band", b)
		    x, w = float(band.get("x")), float(band.get("width"))
		    tick = float(re.match(r"M([0-9.]+) ", of("tick", b)[0].get("d"))[1])
		    assert abs(tick - m["expected"] * scale) < 1, (tick, m, scale)
		    assert abs(x - (m["expected"] - r["fairness"]["spread"]) * scale) < 1
		    assert w > 0 and abs(x + w - (m["expected"] + r["fairness"]["spread"]) * scale) < 1
		head, *rows = table("times")
		assert head == ["phase", "count", "p50", "p90", "p99", "max"], head
		assert [r[0] for r in rows] == ["connect", "accept", "echo"]
		def us(t):
		    n, unit = t.split()
		    return float(n) * {"ns": 1e-3, "\u00b5s": 1, "us": 1, "ms": 1e3, "s": 1e6}[unit]
		for row in rows:
		    l = r["latency"][row[0]]
		    assert int(row[1]) == l["count"]
		    for name, cell in zip(head[2:], row[2:]):
		        assert abs(us(cell) / l[name] - 1) < 0.01, (name, cell, l[name])
	END
}

@test "html: no rounding makes a part the whole" {
	start echo 127.0.0.1 0
	probe -n 5 --json "$port"
	sed 's/"attempts":5,/"attempts":100000,/; s/"ok":5,/"ok":99999,/
		s/"refused":0/"refused":1/' report >most
	probe --merge --html page.html most
	test "$status" -eq 6
	page page.html <<-'END'
		from page import *
		facts = [text(e) for e in of("facts")[0]]
		assert "succeeded99999 99.99 %" in facts, facts
		assert "failed1 0.001 %" in facts, facts
	END
}

@test "html: the time line of --during has its losses and changes" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	kill -STOP "$pid"
	probe --json -d 300ms --timeout 500ms --max-gap 1us --html page.html --during "$port" -- \
		kill -KILL "$pid"
	page page.html <<-'END'
		from page import *
		import json
		r = json.load(open("report"))
		d = r["during"]
		assert d["lost"] > 0 and d["changes"]
		s, = [s for s in root.iter("section") if "While" in text(s)]
		names = [text(b) for b in s.iter("b") if len(text(b)) > 3]
		assert names == ["attempts", "lost", "longest", "members", "command"], names
		assert len(of("off", s)) == len([i for i in d["intervals"] if sum(
		    v for k, v in i.items() if k in d["losses"])])
		assert len(of("went", s)) == len([c for c in d["changes"] if c["kind"] == "left"])
		items = [text(li) for li in s.iter("li")]
		assert any(re.fullmatch(r"%d (reset|timeout)" % v, i) for i in items
		           for v in d["losses"].values() if v), items
		assert any(" left" in i and "pid %d" % d["changes"][0]["pid"] in i for i in items)
		assert text(next(s.iter("code"))) == d["command"]
		lines = [text(p) for p in of("verdict")[0].iter("p")]
		assert re.search(r"no good answer for \S+ .s: over 1.00 .s$", lines[0]), lines
		assert "%d lost of" % d["lost"] in lines[1], lines
		assert "bad" in of("verdict")[0].get("class")
		gap, = [e for e in of("sub") if "gap" in text(e)]
		assert "wrong" in gap.get("class") and text(gap).startswith("Longest gap between good answers: ")
	END
	refused_page
}

refused_page() {
	kill "${pids[0]}"
	finish "${pids[0]}" || true
	probe -n 7 --html page.html "$port"
	test "$status" -eq 1
	page page.html <<-'END'
		from page import *
		assert "all 7 failed" in text(of("verdict")[0])
		assert [text(li) for li in root.iter("li")][0] == "7 refused"
		assert not of("bar") and not of("times")
	END
}

@test "html: which members --each has reached" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	kill -STOP "$pid"
	probe --each --json --html page.html --timeout 200ms "$port"
	kill -CONT "$pid"
	test "$status" -eq 6
	page page.html <<-'END'
		from page import *
		s, = [s for s in root.iter("section") if "Which members" in text(s)]
		items = [text(li) for li in s.iter("li")]
		assert items[0].startswith("1 of 2 answered"), items
		assert any("B" in i for i in items[1:]), items
	END
}

@test "html: names of strangers stay text, and many of them a small page" {
	start echo -r --name A 127.0.0.1 0
	probe -n 300 --json "$port"
	python3 - >odd <<-'END'
		import json
		r = json.load(open("report"))
		one = r["members"][0]
		names = ["<script>alert(1)</script>", "&amp;\"'>", "]]>", "<!--", "\u0001\u0008\u001b[31m",
		         "a\u2028b\u202e\ufeff", "\ufffe\uffff", "x" * 64, "\U0001f600", " onload=x"]
		r["members"] = [dict(one, name=n, command="<i>", host="<h>&") for n in names]
		r["steering"] = "<s>"
		r["target"].update(proxy="<p>\"", protocol="</h1>", address=None, name="<n>")
		r["host"] = "</p><script>"
		print(json.dumps(r))
	END
	probe --merge --html page.html odd
	test "$status" -eq 0
	page page.html <<-'END'
		from page import *
		rows = [text(r) for r in of("bar")]
		assert len(rows) == 10
		names = [text(th) for th in root.iter("th") if th.get("scope") == "row"]
		for n in ("<script>alert(1)</script>", "&amp;\"'>", "]]>", "<!--", "\\x01\\x08\\e[31m",
		          "a\\xe2\\x80\\xa8b", "x" * 64, "\U0001f600"):
		    assert any(n in name for name in names), (n, names)
		assert all("<i> on <h>&" in n for n in names if n.startswith("]"))
		assert not of("host")
		assert "\u202e" not in source and "\u2028" not in source
		tags = {e.tag for e in root.iter()}
		assert not tags & {"script", "i", "h", "s", "n"} - {"i"}, tags
	END
	# several hosts: a line above the members of each
	jq -c '.by = "banner" | .members = [.members[0, 0, 0] | .pid = 1] |
		.members[0].host = "<a>" | .members[1].host = "<a>" | .members[1].pid = 2 |
		.members[2].host = "<b>"' odd >hosts
	probe --merge --html page.html hosts
	page page.html <<-'END'
		from page import *
		_, *rows = table()
		assert [r[0] for r in rows][::3] == ["<a>", "<b>"] and len(rows) == 5, rows
		assert rows[0][1:] == ["600", "66.7 %"] and rows[3][1:] == ["300", "33.3 %"], rows
		assert " on " not in rows[1][0]
	END
	python3 - >many <<-'END'
		import json
		r = json.load(open("odd"))
		one = r["members"][0]
		r["members"] = [dict(one, name="&" * 60, command="<" * 15, host="'" * 60, pid=i)
		                for i in range(20000)]
		print(json.dumps(r))
	END
	probe --merge --html page.html many
	page page.html <<-'END'
		from page import *
		assert len(of("bar")) == 100 and "and 19900 more" in text(root)
	END
}

@test "html: it is light and dark, each with contrast enough, and has a narrow form" {
	start echo 127.0.0.1 0
	probe -n 1 --html page.html "$port"
	page page.html <<-'END'
		from page import *
		style, = [text(s) for s in root.iter("style")]
		assert '<meta name="viewport"' in source
		assert "@media (max-width:560px)" in style
		light, dark = re.findall(r":root\{([^}]*)\}", style)
		assert style.index(dark) > style.index("prefers-color-scheme:dark")
		def colors(rules):
		    return dict(re.findall(r"--([a-z]+):(#[0-9a-f]+)", rules))
		def luminance(c):
		    c = c[1:] if len(c) == 7 else "".join(2 * x for x in c[1:])
		    v = [int(c[i:i + 2], 16) / 255 for i in (0, 2, 4)]
		    v = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in v]
		    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]
		def contrast(a, b):
		    a, b = sorted((luminance(a), luminance(b)))
		    return (b + 0.05) / (a + 0.05)
		for c in colors(light), {**colors(light), **colors(dark)}:
		    for ink, ground in [("text", "page"), ("text", "card"), ("soft", "page"),
		        ("soft", "card"), ("good", "goodbg"), ("bad", "badbg"), ("even", "evenbg"),
		        ("text", "goodbg"), ("text", "badbg"), ("text", "evenbg"), ("good", "card"),
		        ("bad", "card")]:
		        assert contrast(c[ink], c[ground]) >= 4.5, (ink, ground, contrast(c[ink], c[ground]))
		    # WCAG 1.4.11: 3 for what is no text
		    assert contrast(c["fill"], c["card"]) >= 3
		assert set(colors(light)) == set(colors(dark))
		used = set(re.findall(r"var\(--([a-z]+)\)", style))
		assert used <= set(colors(light)), used
		classes = {c for e in root.iter() for c in e.get("class", "").split()}
		assert all("." + c in style for c in classes - {"mid", "scroll", "p50"}), classes
	END
}

@test "html: a file that can't be written is one line, before the first connection" {
	local file
	start echo 127.0.0.1 0
	mkdir dir
	for file in none/page.html dir dir/; do
		probe -n 1 --html "$file" "$port"
		test "$status" -eq 1
		test ! -s report
		test "$(wc -l <err)" -eq 1
		grep -q "^rpnc probe: --html $file: " err
		probe --html "$file" --during "$port" -- touch ran
		test ! -e ran
	done
	# the page replaces an old one, with other files of the report beside it
	echo old >page.html
	probe -n 1 --html page.html --openmetrics m.prom "$port"
	page page.html </dev/null
	grep -q '^rpnc_probe_attempts' m.prom
	# one that can't be written at the end does not cost the other one
	probe -d 50ms --openmetrics dir/m.prom --html page2.html --during "$port" -- rmdir dir
	test "$status" -eq 1
	assert_equal "$(<err)" 'rpnc probe: --openmetrics dir/m.prom: No such file or directory'
	page page2.html </dev/null
}

@test "html: no file is written twice, or written and merged" {
	local o text
	start echo 127.0.0.1 0
	mkdir dir
	ln -s dir/new link
	while read -r o text; do
		# shellcheck disable=SC2086 # words they are
		run -2 rpnc probe -n 1 ${o//,/ } 127.0.0.1 "$port"
		assert_output "rpnc probe: $text"
		run ls x dir/new
		test "${#lines[@]}" -eq 2 # neither is there
	done <<-'END'
		--html,x,--openmetrics,./x --html and --openmetrics: name two files, not x twice
		--html,x,--hdr-log,dir/../x --html and --hdr-log: name two files, not x twice
		--hdr-log,link,--openmetrics,dir/new --openmetrics and --hdr-log: name two files, not dir/new twice
	END
	echo old >x
	ln x y
	run -2 rpnc probe -n 1 --html x --hdr-log y 127.0.0.1 "$port"
	assert_output 'rpnc probe: --html and --hdr-log: name two files, not x twice'
	test "$(<x)" = old
	rpnc probe -n 1 --json 127.0.0.1 "$port" >x
	cp x before
	run -2 rpnc probe --merge --html y before x
	assert_output 'rpnc probe: --html: name another file, x is merged'
	cmp x before
	# what has no contents takes both
	probe -n 1 --html /dev/null --openmetrics /dev/null "$port"
	test "$status" -eq 0
	probe -n 1 --html /dev/stdout --openmetrics /dev/stdout "$port"
	test "$status" -eq 0
}

@test "html: - is standard output, in place of the report, and no file of that name" {
	start echo 127.0.0.1 0
	probe -n 3 --html - "$port"
	test "$status" -eq 0
	page report </dev/null
	head -n 1 report | grep -qi '^<!doctype html'
	probe -n 3 --openmetrics - --events log "$port"
	test "$status" -eq 0
	run -1 grep -v '^# \|^rpnc_probe_' report
	grep -q '^rpnc_probe_attempts{.*} 3$' report
	jq -e 'select(.event == "report").attempts == 3' log
	probe -n 3 --hdr-log - --openmetrics m.prom "$port"
	test "$status" -eq 0
	run -1 grep -v '^#\|^"\|^Tag=' report
	grep -q '^Tag=connect,' report
	probe -d 50ms --html - --during "$port" -- printf 'from %s\n' 'the command'
	page report </dev/null
	run -1 grep 'from the command' report
	rpnc probe -n 3 --json "$port" | rpnc probe --merge --html - - >report
	page report </dev/null
	# the loss is not hidden
	status=0
	rpnc probe -n 3 --html - "$port" >/dev/full 2>err || status=$?
	test "$status" -eq 1
	assert_equal "$(<err)" 'rpnc probe: stdout: No space left on device'
	test ! -e -
}

@test "html: - is refused if standard output has something else" {
	local o text
	while read -r o text; do
		# shellcheck disable=SC2086 # words they are
		run -2 rpnc ${o//,/ }
		assert_output "rpnc $text"
		test ! -e -
	done <<-'END'
		probe,--html,-,--json,9 probe: --html -: standard output has what --json shows: name a file
		probe,--hdr-log,-,--json,9 probe: --hdr-log -: standard output has what --json shows: name a file
		probe,--openmetrics,-,--watch,9 probe: --openmetrics -: standard output has what --watch shows: name a file
		probe,--html,-,--openmetrics,-,9 probe: --html and --openmetrics: name two files, not - twice
		probe,--events,-,9 probe: --events -: events are on standard output with --json
		listen,--events,-,0 listen: --events -: events are on standard output with --json
		connect,--events,-,9 connect: --events -: events are on standard output with --json
		echo,--events,-,0 echo: --events -: events are on standard output with --json
	END
}

@test "html: a pipe, a link, and what stdout is are written into, not replaced" {
	start echo 127.0.0.1 0
	mkfifo fifo
	cat fifo >page.html 3>&- &
	pids+=("$!")
	probe -n 1 --html fifo "$port"
	test "$status" -eq 0
	test -p fifo
	wait "${pids[-1]}"
	page page.html </dev/null
	# without a reader nothing hangs
	probe -n 1 --html fifo "$port"
	test "$status" -eq 1
	assert_equal "$(<err)" 'rpnc probe: --html fifo: a fifo that nobody reads'
	test -p fifo
	# a link as /dev/stdout is one, to a file and to a pipe
	ln -s /proc/self/fd/1 stdout
	probe -n 1 --openmetrics stdout "$port"
	test -L stdout
	grep -q '^failed 0$' report
	tail -n 1 report | grep -qx '# EOF'
	timeout 20 rpnc probe -q -n 1 --openmetrics stdout "$port" | cat >piped
	grep -q '^rpnc_probe_attempts{.*} 1$' piped
	test -L stdout
	# a link to an old report stays one
	mkdir dir
	echo old >dir/old
	ln -s dir/old m.prom
	probe -n 1 --openmetrics m.prom "$port"
	test -L m.prom
	grep -q '^rpnc_probe_attempts' dir/old
	test "$(find dir -type f)" = dir/old
}
