#!/usr/bin/env bats
# What README and the manual show, typed in real terminals as it is written
# there, in the order in which it is shown: a server has a terminal of its own.
# What readme.bats does not run without a terminal is so run here.
# shellcheck disable=SC2016,SC2154,SC2317 # what is shown; called by others

load helpers
load terminal
load shown
load shown_terminal

texts() {
	guide
}

# piped COMMAND TEXT...: the same without a terminal; its status in status.
piped() {
	is_shown "$1"
	run "${inside[@]}" timeout 60 bash -c "$1" 3>&- </dev/null
	has "${@:2}"
}

# listens PORT: somebody does.
listens() {
	test -n "$("${inside[@]}" ss -Hltn "sport = :$1")"
}

# as_make: make, which a reader would call in the top directory; nothing is
# compiled again.
as_make() {
	local build=build${SAN:+-san}
	cat >bin/make <<-END
		#!/bin/bash
		export PATH=\${PATH//"$BATS_LIBEXEC:"/}
		unset "\${!BATS_@}" RPNC
		exec /usr/bin/make -s --no-print-directory -C "$root" NEED=: \\
			COMPILE="\$(<"$root/$build/flags")" \\
			TESTS="$PWD/some.bats" "\$@"
	END
	chmod +x bin/make
}

@test "readme at a terminal: every command that is shown is typed here" {
	all_are_typed "$BATS_TEST_FILENAME"
	test "$(wc -l <all_shown)" -gt 40
}

@test "readme at a terminal: make demo" {
	as_make
	says 'make demo' '6. A is the last one' 'nobody was waiting, nothing lost'
	assert_line --regexp '^failed [1-9]'
	assert_line 'failed 0'
}

@test "readme at a terminal: make check" {
	as_make
	printf '@test "one" { true; }\n@test "two" { true; }\n' >some.bats
	says 'make check'
	assert_line --regexp '^[23] passed, 0 failed' # sanitizers count as one
}

@test "readme at a terminal: make install, make uninstall" {
	as_make
	says 'make install'
	"${inside[@]}" /usr/local/bin/rpnc --version
	says 'make uninstall'
	run "${inside[@]}" find /usr/local -type f
	assert_output ''
}

@test "readme at a terminal: the manual" {
	command -v man || {
		printf '#!/bin/sh\nmandoc "$1" | more\n' >bin/man
		chmod +x bin/man
	}
	at m 'man ./man/rpnc.1' 'a netcat whose listeners share a port'
	keys m q
	over m
}

@test "readme at a terminal: the session with three members" {
	at a './rpnc echo -r --identify 9000' \
		'A listening on 0.0.0.0:9000 (tcp, reuseport, 1 of 1)'
	at b './rpnc echo -r --identify 9000' \
		'B listening on 0.0.0.0:9000 (tcp, reuseport, 2 of 2)'
	like a '\+ B joined \(pid [0-9]+\): 2 members, 1/2 of new connections each'
	at c './rpnc listen -r 9000' \
		'C listening on 0.0.0.0:9000 (tcp, reuseport, 3 of 3)'
	all_have_answered() {
		says 'echo hello | ./rpnc connect 9000'
		names+=$output
		[[ $names == *name=A* && $names == *name=B* ]] &&
			shows c 'hello'
	}
	names=
	eventually all_have_answered
	says './rpnc probe -n 1000 9000' 'failed 0'
	assert_output --regexp ' A .* B .* C '
	interrupted a ', nothing lost'
	interrupted b ', nothing lost'
	quitted c ', nothing lost'
}

@test "readme at a terminal: join, see, leave" {
	at a './rpnc echo -r --name old 9000' 'old listening on'
	at p './rpnc probe --echo -d 5 --rate 200 9000 >report'
	eventually grep -q . <(served)
	at b './rpnc echo -r --replace old 9000' 'listening on'
	over a
	assert_equal "$status" 0
	has ', nothing lost'
	over p
	assert_equal "$status" 0
	has_line 'failed 0' report
	says 'echo hello | ./rpnc connect 9000' hello
}

# served: connections have been here.
served() {
	"${inside[@]}" ss -Htan 'sport = :9000 or dport = :9000'
}

@test "manual at a terminal: members, and who gets how many of a hundred" {
	local i
	for i in a b c; do
		at $i 'rpnc echo -r --identify 9000' 'listening on'
	done
	says - <<'END'
for i in $(seq 100); do rpnc connect 9000 </dev/null; done | cut -d " " -f 2 | sort | uniq -c
END
	assert_equal "$(awk '/ name=[ABC]$/ { sum += $1; n++ } END { print sum, n }' <<<"$output")" \
		'100 3'
	says 'rpnc probe -n 1000 9000' '1000 connections' 'failed 0'
	says 'rpnc probe -q -n 1000 --fail-uneven 9000 || echo uneven'
	refute_output --partial failed
	says 'rpnc probe --group 9000' '9000 tcp'
	assert_output --partial ' A '
	piped 'rpnc probe --group 9000' '9000 tcp'
	says 'rpnc probe --group --expect-members 3 --fail-flags --wait 10 9000 && echo deployed' \
		'9000 tcp' deployed
	piped 'rpnc probe --group --expect-members 3 --fail-flags --wait 10 9000 && echo deployed' \
		'9000 tcp' deployed
}

@test "manual at a terminal: three workers" {
	at a 'rpnc echo -w 3 9000' 'listening on'
	says 'rpnc probe -n 1000 9000' 'failed 0'
	interrupted a A/2
}

@test "manual at a terminal: a member that prints what it gets" {
	at a 'rpnc listen -r -v --timestamps 9000' 'listening on'
	says 'echo hello | ./rpnc connect 9000'
	sees a '#1< hello'
	like a '[0-9-]+T[0-9:.]+Z.*#1 closed'
	quitted a ', nothing lost'
}

@test "readme at a terminal: a file is sent" {
	random_file 300000 original
	at a './rpnc listen 9000 >copy' 'listening on'
	says './rpnc connect server 9000 <original'
	over a
	assert_equal "$status" 0
	cmp original copy
}

@test "manual at a terminal: a file sent, and a file fetched" {
	random_file 300000 original
	at a 'rpnc listen 9000 >copy' 'listening on'
	says 'rpnc connect server 9000 <original'
	over a
	assert_equal "$status" 0
	cmp original copy
	at a 'rpnc listen 9000 <original' 'listening on'
	says 'rpnc connect -n server 9000 >copy'
	over a
	assert_equal "$status" 0
	cmp original copy
}

@test "manual at a terminal: two files exchanged" {
	random_file 300000 mine
	mkdir there
	random_file 200000 there/yours
	at a 'rpnc listen 9000 <mine >yours' 'listening on'
	open s
	enter s 'cd there'
	over s
	says 'rpnc connect server 9000 <yours >mine'
	over a
	assert_equal "$status" 0
	cmp mine there/mine
	cmp yours there/yours
}

@test "manual at a terminal: what is typed on one side is read on the other" {
	at a 'rpnc listen 9000' 'listening on'
	at b 'rpnc connect server 9000' '>'
	sees a connected
	enter a 'from server'
	sees b 'from server'
	enter b 'from client'
	sees a 'from client'
	keys b C-d
	over b
	over a
	assert_equal "$status" 0
}

@test "manual at a terminal: what is typed is read by all that are connected" {
	at a 'rpnc listen -k -v --prompt never 9000' 'listening on'
	at b 'rpnc connect server 9000'
	at c 'rpnc connect server 9000'
	sees a '#2 '
	enter a 'to all'
	sees b 'to all'
	sees c 'to all'
	keys b C-d
	keys c C-d
	over b
	over c
	interrupted a
}

@test "manual at a terminal: a request by hand" {
	mkfifo typed
	exec 6<>typed # a server that says no end before it is asked
	elsewhere rpnc listen 80 <typed >request
	eventually listens 80
	says - <<'END'
printf 'HEAD / HTTP/1.0\n\n' | rpnc connect -C server 80
END
	exec 6>&-
	printf 'HEAD / HTTP/1.0\r\n\r\n' | cmp - request
}

@test "manual at a terminal: a request in the name of another client" {
	mkfifo typed
	exec 6<>typed
	elsewhere rpnc listen --accept-proxy 80 <typed >request
	eventually listens 80
	says - <<'END'
printf 'GET / HTTP/1.0\n\n' | rpnc connect --send-proxy v1 -C server 80
END
	exec 6>&-
	printf 'GET / HTTP/1.0\r\n\r\n' | cmp - request
}

@test "manual at a terminal: waiting until a server answers" {
	at a 'rpnc connect --wait 30 server 9000 </dev/null'
	at b 'rpnc listen 9000' 'listening on'
	over a
	assert_equal "$status" 0
	over b
	assert_equal "$status" 0
}

@test "manual at a terminal: one of the processes that share a port" {
	elsewhere rpnc echo -r --name A 9000 2>/dev/null
	elsewhere rpnc echo -r --name B 9000 2>/dev/null
	eventually rpnc_has B
	says 'echo hello | rpnc connect --to B 9000' 'reached B (pid '
	piped 'echo hello | rpnc connect --to B 9000' 'reached B (pid '
}

@test "manual at a terminal: one attempt at each of the processes that share a port" {
	elsewhere rpnc echo -r -w 8 --name A 9000 2>/dev/null
	eventually rpnc_has A/7
	halt "$(pgrep -P "$pid" | sed -n 4p)"
	fails 'rpnc probe --each 9000' '7 of 8 answered, reached by prediction' \
		'  no answer: A/3 (pid ' 'is stopped: 1 client waits in its queue'
	kill -CONT "$(pgrep -P "$pid" | sed -n 4p)"
}

# rpnc_has NAME: such a member is there.
rpnc_has() {
	"${inside[@]}" rpnc probe --group 9000 2>/dev/null | grep -q "^  $1 "
}

@test "manual at a terminal: only the beginning of what a server says" {
	elsewhere rpnc echo --chargen 9000 2>/dev/null >/dev/null
	eventually listens 9000
	gives s 'rpnc connect 9000 | head -1'
	keys s C-m # a line to send, at which the closed pipe is seen
	over s
	assert_output --partial '!"#$%&'
	piped 'rpnc connect 9000 | head -1' '!"#$%&'
}

@test "manual at a terminal: a file through the kernel" {
	random_file 3000000 file
	elsewhere rpnc echo --discard 9000 2>/dev/null >discarded
	eventually listens 9000
	says 'rpnc connect 9000 < file'
	piped 'rpnc connect 9000 < file'
	assert_equal "$status" 0
	kill "$pid"
	finish "$pid" || true
	assert grep -qE '(^| )2 ' discarded
}

@test "manual at a terminal: a UDP server and a question to it" {
	at a 'rpnc echo -u 127.0.0.1 9000' 'listening on'
	says 'echo hello | rpnc connect -u --linger 200ms 127.0.0.1 9000' hello
	interrupted a
}

@test "manual at a terminal: a Unix socket that collects lines" {
	at a 'rpnc listen -k -U log.sock >>log' 'listening on'
	says 'echo started | rpnc connect -U log.sock'
	eventually has_line started log
	interrupted a
}

@test "manual at a terminal: only neighbours may connect" {
	at a 'rpnc echo --sockopt min-ttl=255,keepalive=5:5:3 9000' 'listening on'
	at b 'rpnc connect --sockopt ttl=255 server 9000' '>'
	enter b hello
	eventually matches b 'hello.*hello'
	keys b C-d
	over b
	interrupted a
}

@test "manual at a terminal: a script that uses any free port" {
	says 'mkfifo ready'
	starts 'rpnc echo --ready-fd 4 127.0.0.1:0 4>ready &' ''
	says 'read -r address <ready'
	says 'echo hello | rpnc connect "$address"' hello
}

@test "manual at a terminal: what was in each connection, by jq" {
	open a
	line=$(cat <<'END'
rpnc listen -k --json 9000 </dev/null | jq --unbuffered -c 'select(.event == "closed") | [.conn, .in]'
END
	)
	at a "$line"
	eventually listens 9000
	says 'echo hello | ./rpnc connect 9000'
	sees a '[1,6]'
	interrupted a
}

@test "manual at a terminal: the shares of workers, by jq" {
	line=$(cat <<'END'
rpnc echo -w 4 --json 9000 | (trap '' INT; jq -c 'select(.event == "report").workers[] | [.name, .share]')
END
	)
	at a "$line"
	eventually listens 9000
	says 'echo hello | ./rpnc connect 9000' hello
	quitted a
	assert_equal "$(grep -cE '^\["A/[0-3]",[01]' <<<"$output")" 4
}

@test "manual at a terminal: a server is probed from many hosts, as one report" {
	at a 'rpnc echo -w 3 9000' 'listening on'
	says - <<'END'
printf 'host%d\n' 0 1 2 3 4 5 6 7 8 9 | xargs -P 10 -I {} sh -c 'ssh {} rpnc probe --json server 9000 >{}.json'
END
	says 'rpnc probe --merge host*.json' '2000 connections'
}

@test "manual at a terminal: a gauge for each member, as cron writes it" {
	elsewhere rpnc echo -r 9000 2>/dev/null >/dev/null
	eventually listens 9000
	line=$(sed -n 's|^\*/5 \* \* \* \* ||p' "$root/man/rpnc-probe.1")
	"${inside[@]}" mkdir -p /var/lib/prometheus/node-exporter
	"${inside[@]}" sh -c "$line" </dev/null
	"${inside[@]}" grep '^rpnc_probe_.*200$' /var/lib/prometheus/node-exporter/rpnc.prom
}

@test "manual at a terminal: a server that stops for 0.3 seconds is too slow" {
	at a 'rpnc echo -r --identify 9000' 'listening on'
	cat >deploy <<-'END'
		#!/bin/bash
		pid=$(ss -Hltnp 'sport = :9000' | sed -n 's/.*pid=\([0-9]*\).*/\1/p;q')
		kill -STOP "$pid"
		read -r -t 0.3 <>/dev/ptmx
		kill -CONT "$pid"
	END
	chmod +x deploy
	says 'rpnc probe --during --max-gap 100ms 9000 -- ./deploy || echo too long' \
		'0 lost of ' ': over 100 ms' 'too long'
	piped 'rpnc probe --during --max-gap 100ms 9000 -- ./deploy || echo too long' \
		'0 lost of ' ': over 100 ms' 'too long'
}

@test "manual at a terminal: what a reload of nginx costs" {
	here_is_nginx
	says 'rpnc probe --during 80 -- nginx -s reload' '0 lost of '
	piped 'rpnc probe --during 80 -- nginx -s reload' '0 lost of '
	assert_equal "$status" 0
}

# here_is_nginx: it serves port 80, and the word nginx is that one. It stays
# root, because an ordinary user's namespace has no other user to become.
here_is_nginx() {
	local nginx=${PEERS:-/nonexistent}/nginx/usr/sbin/nginx
	test -x "$nginx" || skip "no nginx: make check fetches it"
	cat >nginx.conf <<-END
		user root;
		pid $PWD/nginx.pid;
		error_log $PWD/nginx.err;
		worker_processes 2;
		events { worker_connections 512; }
		http {
			access_log off;
			client_body_temp_path $PWD/1; proxy_temp_path $PWD/2;
			fastcgi_temp_path $PWD/3; uwsgi_temp_path $PWD/4;
			scgi_temp_path $PWD/5;
			server { listen 127.0.0.1:80; location / { return 200 "here"; } }
		}
	END
	printf '#!/bin/sh\nexec "%s" -p "%s" -c nginx.conf -e "%s" "$@"\n' \
		"$nginx" "$PWD" "$PWD/nginx.err" >bin/nginx
	chmod +x bin/nginx
	elsewhere nginx -g 'daemon off;'
	eventually listens 80
}

@test "manual at a terminal: several ports of a host" {
	elsewhere rpnc echo 80 >/dev/null 2>&1
	eventually listens 80
	says 'rpnc probe myhost 20-25,80,https' ':80  open'
	piped 'rpnc probe myhost 20-25,80,https' ':80  open'
	assert_equal "$status" 0
}

@test "manual at a terminal: who gets what, for as long as it runs" {
	at a 'rpnc echo -r --identify 9000' 'listening on'
	at b 'rpnc echo -r --identify 9000' 'listening on'
	at w 'rpnc probe --watch 9000' ' A ' ' B ' 'failed   now 0, in all 0'
	interrupted b ', nothing lost'
	sees w '- B'
	interrupted w
	is_shown 'rpnc probe --watch 9000'
	run -124 "${inside[@]}" timeout -s INT 2 rpnc probe --watch 9000 3>&- </dev/null
	has 'failed'
}

@test "manual at a terminal: a member that is stuck is left out" {
	at a 'rpnc echo -r --identify 9000' 'listening on'
	elsewhere rpnc echo -r 9000 >/dev/null 2>&1
	local stuck=$pid
	sees a '+ B joined'
	kill -STOP "$stuck"
	is_shown 'rpnc probe --quarantine 4242 9000'
	open q
	running[q]="rpnc probe --quarantine $stuck 9000"
	enter q "${running[q]}"
	sees q "B (pid $stuck), stopped, gets no new connections on port 9000" \
		'Do it? [y/N]'
	enter q y
	sees q "! B quarantined (pid $stuck): new connections go to others"
	says './rpnc probe -n 1000 9000' 'failed 0'
	interrupted q
	kill -CONT "$stuck"
	piped_quarantine
}

# piped_quarantine: without a terminal there is nobody to ask.
piped_quarantine() {
	run -2 "${inside[@]}" rpnc probe --quarantine B 9000 3>&- </dev/null
	has '--yes'
}
