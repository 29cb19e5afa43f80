# -q: a command prints nothing but errors and payload; its exit status tells.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

load helpers

# silent STATUS ARG...: that rpnc ends with it, and prints nothing.
silent() {
	run --separate-stderr "-$1" timeout 60 rpnc "${@:2}" 3>&- </dev/null
	assert_equal "$output$stderr" ''
}

@test "quiet: probe -q -n 1 tells by its status whether a port is open, as nc -z" {
	reserve
	silent 1 probe -q -n 1 127.0.0.1 "$port"
	run -1 nc -z 127.0.0.1 "$port"
	assert_output ''
	start echo 127.0.0.1 0
	silent 0 probe -q -n 1 127.0.0.1 "$port"
	run -0 nc -z 127.0.0.1 "$port"
	assert_output ''
}

@test "quiet: no mode of probe prints a report" {
	start echo -r --identify 127.0.0.1 0
	silent 0 probe -q "$port"
	silent 0 probe -q --echo -n 20 "$port"
	silent 0 probe -q 127.0.0.1 "$port,1"
	silent 0 probe -q --group "$port"
	silent 0 probe -q -d 0.1 --during "$port" -- true
	silent 0 probe -q -n 20 --openmetrics metrics "$port"
	assert grep -q '^rpnc_probe' metrics
	rpnc probe --json -n 20 "$port" >one
	silent 0 probe -q --merge one one
	silent 7 probe -q -n 400 --expect-weights A=1,B=1 --fail-uneven "$port"
	run -0 rpnc probe -q --json -n 20 "$port"
	assert_output --partial '"event":"report"'
}

@test "quiet: --compare prints no report" {
	silent 0 probe -q --compare -n 5 -d 0.1 -w 1
}

@test "quiet: listen and echo print payload and errors only" {
	local command
	silent 0 listen -q --check 127.0.0.1 0
	silent 0 echo -q --check -r 127.0.0.1 0
	for command in "echo -q -r" "listen -q -r"; do
		# shellcheck disable=SC2086 # words are words
		start $command 127.0.0.1 0
		assert_equal "$(echo hello | rpnc connect -q "$port" 2>&1)" \
			"$([[ $command != echo* ]] || echo hello)"
		kill "$pid"
		finish "$pid" || test $? -eq 143
	done
	assert_equal "$(cat out.0 err.0 err.1)" ''
	assert_equal "$(cat out.1)" hello
}

@test "quiet: without -v a server says where it listens, and nothing of its clients" {
	local command
	for command in 'listen -k' 'echo -r' 'echo -w 2 --accept shared'; do
		# shellcheck disable=SC2086 # words are words
		start $command 127.0.0.1 0
		rpnc connect -q "$port" <<<hello
		rpnc connect -q "$port" <<<hello
		end TERM
	done
	for n in 0 1 2; do
		assert_equal "$(grep -vE '^(A )?listening on ' "err.$n" | grep -v '^left: ')" ''
	done
}

@test "quiet: an error is still a line, and -q with --watch is one" {
	run --separate-stderr -3 rpnc probe -q -n 1 no.such.host.invalid 9
	assert_equal "${#stderr_lines[@]}" 1
	run --separate-stderr -2 rpnc probe -q --watch 9
	assert_equal "$output" ''
	assert_equal "$stderr" \
		'rpnc probe: --watch shows the port, -q nothing: choose'
}
