# Where registry files are, and that none is left behind.
# shellcheck shell=bash disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0
load helpers

files() {
	find "$@" -name '*-[tu][cd]p-*'
}

# in_namespace SCRIPT ARG...: bash there is root, and has a /run and a /dev/shm
# of its own; of other users there is 65534, if the test is run by root.
in_namespace() {
	local map=(-Urm)
	test "$EUID" -ne 0 || map=(-m)
	XDG_RUNTIME_DIR=$PWD/run unshare "${map[@]}" bash -ec '
		mount -t tmpfs -o mode=755 run /run
		mount -t tmpfs -o mode=1777 shm /dev/shm
		pids=()
		serve() {
			rm -f ready
			mkfifo ready
			"$@" rpnc listen -r 127.0.0.1 "$port" --ready-fd 4 4>ready \
				2>>err &
			pids+=($!)
			read -r address <ready
			port=${address##*:}
		}
		# meets DIRECTORY: two members meet in it, and then it is empty
		meets() {
			: >err
			port=0
			serve env
			serve env
			test -f "$1"/*-tcp-"$port" || { find /run /dev/shm; exit 1; }
			grep -q "2 of 2" err
			! grep -q "^rpnc" err || { cat err; exit 1; }
			kill "${pids[@]}"
			wait "${pids[@]}" || true
			pids=()
			test "$(ls -A "$1")" = ""
		}
		'"$1" - "${@:2}" </dev/null 3>&-
}

@test "registry: it is in the first directory that is ours alone, of a fixed list" {
	in_namespace '
		meets "$XDG_RUNTIME_DIR/rpnc-0"
		unset XDG_RUNTIME_DIR
		meets /run/rpnc
		mkdir -p -m 755 /run/user
		mkdir -m 700 /run/user/0
		meets /run/user/0/rpnc-0
		rmdir /run/user/0/rpnc-0
		# others can write there
		chmod 770 /run/user/0
		meets /run/rpnc
		for way in "mkdir -m 755" "ln -s elsewhere" touch; do
			rmdir /run/rpnc
			$way /run/rpnc
			meets /dev/shm/rpnc-0
			rm -d /run/rpnc
			mkdir -m 700 /run/rpnc
		done
		for base in relative /none /dev/shm /dev/null; do
			XDG_RUNTIME_DIR=$base meets /run/rpnc
		done
	'
}

@test "registry: another user that makes our directory first denies nobody anything" {
	test "$EUID" -eq 0 || skip "needs two users"
	in_namespace '
		unset XDG_RUNTIME_DIR
		mkdir /run/rpnc
		chown 65534 /run/rpnc
		meets /dev/shm/rpnc-0
		rmdir /dev/shm/rpnc-0
		mkdir -m 700 /dev/shm/rpnc-0
		chown 65534 /dev/shm/rpnc-0
		meets /dev/shm/rpnc-0.1
		rmdir /dev/shm/rpnc-0.1
		ln -s / /dev/shm/rpnc-0.1
		touch /dev/shm/rpnc-0.2
		meets /dev/shm/rpnc-0.3
		# one that was there before is still found when theirs is gone
		port=0
		: >err
		serve env
		rmdir /dev/shm/rpnc-0
		serve env
		grep -q "2 of 2" err
		kill "${pids[@]}"
	'
}

@test "registry: members meet though one has XDG_RUNTIME_DIR and one has not" {
	in_namespace '
		port=0
		serve env -u XDG_RUNTIME_DIR
		serve env
		grep -q "B listening.*2 of 2" err
		kill "${pids[0]}"
		wait "${pids[0]}" || true
		serve env
		grep -q "2 of 2" err
		serve env -u XDG_RUNTIME_DIR
		grep -q "3 of 3" err
		kill "${pids[@]}" || true
	'
}

@test "registry: no registry at all: a member says so in one line, and serves" {
	test "$EUID" -eq 0 || skip "needs two users"
	in_namespace '
		unset XDG_RUNTIME_DIR
		mount -t tmpfs -o ro none /dev/shm
		mount -o remount,ro /run
		port=0
		serve env
		test "$(grep -c "^rpnc: registry .*: other members can.t be shown" err)" = 1
		exec {c}<>"/dev/tcp/127.0.0.1/$port"
		kill "${pids[@]}"
	'
}

@test "registry: a file that has a second name is refused" {
	start listen -r 127.0.0.1 0
	local file
	file=$(files "$XDG_RUNTIME_DIR")
	cp -p "$file" precious
	kill "$pid"
	finish "$pid" || test $? -eq 143
	ln precious "$file"
	cp precious before
	start listen -r 127.0.0.1 "$port"
	assert grep -q "^rpnc: registry $file: not a file of mode 0600 and one name" err.1
	cmp before precious
	test -e "$file"
}

@test "registry: what a dead network namespace left goes, what lives there stays" {
	unshare -cUn --keep-caps true 2>/dev/null || skip "namespaces are refused here"
	local n dead=() alive
	for n in 1 2 3; do
		mkfifo "there.$n"
		background unshare -cUn --keep-caps bash -c '
			ip link set lo up
			exec rpnc listen -r --json 127.0.0.1 9000 --ready-fd 4 4>"$0"
		' "there.$n" </dev/null >"out.there.$n"
		read -r <"there.$n"
		dead+=("$pid")
	done
	alive=${dead[0]}
	assert_equal "$(files run | wc -l)" 3
	for pid in "${dead[@]:1}"; do
		kill -KILL "$pid"
		finish "$pid" || test $? -eq 137
	done
	assert_equal "$(files run | wc -l)" 3
	start listen -r 127.0.0.1 0
	assert_equal "$(files run | wc -l)" 2
	# who lives there meets the next one
	nsenter --preserve-credentials -U -n -t "$alive" \
		rpnc listen -r --json 127.0.0.1 9000 --accept-timeout 0.01 \
		</dev/null >joined.there || test $? -eq 4
	jq -es '.[0] | .name == "B" and .members == 2' joined.there
}

# ends ARG...: a start that ends by itself, however it does; it can have as
# many descriptors as files says.
ends() {
	prlimit --nofile="${files:-1024}" timeout 30 rpnc "$@" </dev/null >>out.ends 2>>err.ends 3>&- || true
}

# killed ARG...: one that is killed once it listens, and its workers gone.
killed() {
	start "$@"
	local p=$pid children
	children=$(pgrep -P "$p" || true)
	kill -KILL "$p"
	finish "$p" || test $? -eq 137
	for p in $children; do eventually gone "$p"; done
}

@test "registry: no way to start, to fail, to end or to be killed leaves a file for good" {
	local n
	reserve
	ends listen -r --accept-timeout 0.001 0
	ends listen -r --check 0
	ends listen -r --accept-timeout 0.001 --steer nonsense 0
	ends echo -r --replace nobody "$port"
	ends echo -r 192.0.2.1 9000
	ends listen -r --accept-timeout 0.001 0 >&-
	ends listen -r --accept-timeout 0.001 0 2>&-
	ends listen -r --prompt=always 0
	start echo -r --name taken 127.0.0.1 0
	ends echo -r --name taken 127.0.0.1 "$port"
	ends echo -r --replace taken 127.0.0.1 "$port" --name x/y
	ends probe --yes --quarantine taken "$port"
	assert_equal "$(files run | wc -l)" 1
	kill "$pid"
	finish "$pid" || test $? -eq 143
	assert_equal "$(files run)" ""
	# as many descriptors as it takes to fail anywhere
	for n in {5..13}; do
		files=$n ends listen -r --accept-timeout 0.001 0
		files=$n ends echo -w 2 0
	done
	assert_equal "$(files run)" ""
	# a parent that is killed: its workers take the file along
	killed echo -w 2 0
	killed echo -r -w 3 0
	assert_equal "$(files run)" ""
	killed listen -r 0
	killed echo -u -r 127.0.0.1 "$port"
	killed echo -r 0
	assert_equal "$(files run | wc -l)" 1
	start listen -r 0
	assert_equal "$(files run | wc -l)" 1
	kill "$pid"
	finish "$pid" || test $? -eq 143
	assert_equal "$(files run)" ""
}

@test "registry: sweeping never takes a file from members that join just then" {
	local i jobs=() n=0
	start listen -r --json 127.0.0.1 0
	for i in {1..6}; do
		(for _ in {1..8}; do
			rpnc listen -r --json --accept-timeout 0.001 127.0.0.1 0 \
				</dev/null >>"other.$i" 2>&1 || true
			rpnc listen -r --json --accept-timeout 0.001 127.0.0.1 \
				"$port" </dev/null 2>/dev/null || true
		done >"join.$i") 3>&- &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	# each of them has met the one that was there before
	for i in {1..6}; do
		n=$((n + $(jq -s 'map(select(.event == "listening" and .members > 1)) |
			length' "join.$i")))
	done
	assert_equal "$n" 48
	assert_equal "$(files run | wc -l)" 1
}
