# --expect and --match: no pattern and no reply keep probe from its other work.
# shellcheck shell=bash disable=SC2154

load helpers
load connect

@test "probe: a pattern that would take for ever is refused in one line" {
	local option pattern
	for option in --expect --match; do
		for pattern in '(a*)\1' '(((a{1,100}){1,100}){1,100})' \
			'((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+' '(a{1,1000}){1,20}' \
			'(a*)(b|[]\1](c)\2)' 'a{20000}'; do
			run -2 --separate-stderr bash -c 'ulimit -t 5; exec rpnc "$@"' \
				bash probe "$option" "$pattern" 127.0.0.1:1
			# shellcheck disable=SC2154
			assert_equal "${#stderr_lines[@]}" 1
			assert_regex "$stderr" "^rpnc probe: $option .*(do without|are faster)\$"
		done
	done
	for pattern in '[\1]' '\\1' '(a{1,20}){1,20}' '[[:digit:]]{1,3}(\.[0-9]{1,3}){3}' \
		'[]{9999}]' 'a+b+c+'; do
		run rpnc probe --expect "$pattern" -n 1 --timeout 1s 127.0.0.1:1
		test "$status" -ne 2
	done
}

@test "probe: a search takes little time, however much the reply repeats" {
	local pattern
	server 'while True:
		c = accept(); c.sendall(b"a" * 65536); c.shutdown(socket.SHUT_WR); c.recv(1)'
	for pattern in '(a|a)*b' '([a-z]+)*[0-9]'; do
		run -7 --separate-stderr bash -c 'ulimit -t 8; exec rpnc "$@"' bash \
			probe --expect "$pattern" --match "$pattern" -n 1 --timeout 60s 127.0.0.1 "$port"
	done
}

@test "probe: an endless reply that never matches ends at --timeout" {
	server 'while True:
		c = accept()
		try:
		    while True: c.sendall(b"a" * 1000000)
		except OSError: pass'
	run -7 --separate-stderr timeout 60 rpnc probe --expect 'b' -n 1 \
		--timeout 300ms 127.0.0.1 "$port"
}

@test "probe: what --match and --expect look for is found at any place in 64 KiB" {
	server 'for i in range(400):
		c = accept(); at = i * 163
		c.sendall(b"x" * at + b"\nname=A7 end\n"); c.shutdown(socket.SHUT_WR); c.recv(1)'
	run -0 --separate-stderr timeout 60 rpnc probe --expect '^name=[A-Z]' \
		--match '^name=([A-Z][0-9])' -n 400 -c 8 --json 127.0.0.1 "$port"
	jq -e '.unattributed == 0 and (.failed | add) == 0' <<<"$output"
}
