# The registry: where members of one port meet, and what may go wrong there.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031,SC2016

bats_require_minimum_version 1.5.0
load helpers

# told N JQ: the JSON events of what was started as number N give this.
told() {
	jq -e -s "$2" "out.$1" >>jq.out
}

# says TEXT FILE: that text is there, soon.
says() {
	eventually grep -qF -- "$1" "$2" || {
		cat "$2"
		return 1
	}
}

registries() {
	find "$XDG_RUNTIME_DIR" -name '*-tcp-*'
}

# aside ARG... <<CODE: Python in the background. Returns once the code has written
# a line to the file said, which is then in $said.
aside() {
	local n=${#pids[@]}
	rm -f said
	mkfifo said
	cat >"aside.$n"
	background python3 "aside.$n" "$@"
	read -r -t 20 said <>said
}

# place_of_registry: a port that is free, and the path of its registry.
place_of_registry() {
	reserve
	start listen -r 127.0.0.1 "$port"
	registry=$(registries)
	kill "$pid"
	finish "$pid" || test $? -eq 143
	assert test -n "$registry" -a ! -e "$registry"
}

# without_registry TEXT: a member starts all the same, says why it shows no
# others in one line, and serves.
without_registry() {
	local n=${#pids[@]}
	start listen -r 127.0.0.1 "$port"
	assert_equal "$(grep -c '' "err.$n")" 2
	run -0 grep '^rpnc: registry ' "err.$n"
	assert_output --partial "$1"
	assert_output --partial ": other members can't be shown"
	run -0 cat "err.$n"
	assert_line --partial "A listening on 127.0.0.1:$port (tcp, reuseport, 1 of 1)"
	exec {c}<>"/dev/tcp/127.0.0.1/$port"
	echo served >&"$c"
	says served "out.$n"
	exec {c}>&-
	kill "$pid"
	finish "$pid" || test $? -eq 143
}

root_only() {
	test "$EUID" -eq 0 || skip "needs root"
}

@test "registry: a file that is a link, fifo, directory or open to others is refused" {
	place_of_registry
	printf precious >precious
	ln -s ../../precious "$registry"
	without_registry "registry $registry: "
	assert_equal "$(cat precious)" precious
	rm "$registry"
	ln -s nowhere "$registry"
	without_registry "registry $registry: "
	rm "$registry"
	mkfifo -m 600 "$registry"
	without_registry 'not a file of mode 0600 and one name that belongs to you'
	rm "$registry"
	mkdir -m 700 "$registry"
	without_registry "registry $registry: "
	rmdir "$registry"
	install -m 644 /dev/null "$registry"
	without_registry 'not a file of mode 0600 and one name that belongs to you'
	rm "$registry"
	root_only
	install -m 600 -o nobody /dev/null "$registry"
	without_registry 'not a file of mode 0600 and one name that belongs to you'
}

@test "registry: another version's, a cut and a spoilt file are left alone" {
	place_of_registry
	start listen -r 127.0.0.1 "$port"
	cp -p "$registry" good
	kill "$pid"
	finish "$pid" || test $? -eq 143

	# the number of the layout, as a later rpnc would write it
	cp -p good "$registry"
	printf '\x63' | dd of="$registry" bs=1 seek=8 conv=notrunc status=none
	cp "$registry" later
	without_registry 'made by another version of rpnc, or damaged'
	cmp later "$registry"
	head -c 5000 good >"$registry"
	without_registry 'made by another version of rpnc, or damaged'
	{ printf x && head -c 100000 /dev/urandom; } >"$registry"
	without_registry 'made by another version of rpnc, or damaged'

	# whoever made it died before it wrote the first byte of it
	head -c "$(stat -c %s good)" /dev/zero >"$registry"
	start listen -r 127.0.0.1 "$port"
	start listen -r 127.0.0.1 "$port"
	says '+ B joined' "err.$((${#pids[@]} - 2))"
	assert_equal "$(grep -h '^rpnc' "err.$((${#pids[@]} - 1))" \
		"err.$((${#pids[@]} - 2))")" ""
}

@test "registry: on a full tmpfs a member says so and serves" {
	root_only
	unshare -m true 2>/dev/null || skip "unshare -m is refused here"
	place_of_registry
	run -0 unshare -m bash -ec '
		mount -t tmpfs -o size=16k,mode=700 full "$1"
		export XDG_RUNTIME_DIR=$1
		mkfifo ready
		rpnc listen -r 127.0.0.1 "$2" --ready-fd 4 4>ready \
			</dev/null >out 2>err &
		member=$!
		read -r <ready
		exec 5<>"/dev/tcp/127.0.0.1/$2"
		echo served >&5
		until grep -q served out; do read -r -t 0.02 <><(:) || true; done
		exec 5>&-
		kill $member
		wait $member || test $? -eq 143
		cat err out
		find "$1" -name "*-tcp-*" -printf "left behind\n"
	' - "$XDG_RUNTIME_DIR" "$port" 3>&-
	assert_line --regexp \
		'^rpnc: registry .*: No space left on device: other members can.t be shown$'
	assert_line served
	assert_line --partial 'A listening'
	refute_line 'left behind'
}

@test "registry: a holder of the lock that is stopped holds up nobody for long" {
	local holder
	start listen -r --json 127.0.0.1 0
	registry=$(registries)
	aside "$registry" <<-'END'
		import fcntl, os, signal, struct, sys
		fd = os.open(sys.argv[1], os.O_RDWR)
		lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
		fcntl.fcntl(fd, 37, lock)	# F_OFD_SETLK
		open("said", "w").write("held\n")
		signal.pause()
	END
	holder=$pid
	kill -STOP "$holder"
	local n=${#pids[@]}
	start listen -r 127.0.0.1 "$port"
	run -0 grep '^rpnc: registry ' "err.$n"
	assert_output --partial \
		"held by a process that does not go on: other members can't be shown"
	# the kernel still tells it how many there are
	says 'A listening on 127.0.0.1:'"$port"' (tcp, reuseport, 2 of 2)' "err.$n"
	exec {c}<>"/dev/tcp/127.0.0.1/$port"
	exec {c}>&-
	kill "$pid"
	finish "$pid" || test $? -eq 143
	# who is on the registry leaves in time, too, and orderly
	kill "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 143
	kill -KILL "$holder"
	finish "$holder" || true
	start listen -r --json 127.0.0.1 "$port"
	assert told "$((${#pids[@]} - 1))" '.[0].members == 1'
}

@test "registry: another network namespace has another registry" {
	root_only
	unshare -n true 2>/dev/null || skip "unshare -n is refused here"
	start listen -r --json 0.0.0.0 0
	mkfifo there
	background unshare -n bash -c '
		exec rpnc listen -r --json 0.0.0.0 "$1" --ready-fd 4 4>there
	' - "$port" </dev/null >out.there
	read -r <there
	assert jq -se '.[0] | .name == "A" and .members == 1' out.there
	assert_equal "$(registries | wc -l)" 2
	start listen -r --json 0.0.0.0 "$port"
	assert told 2 '.[0] | .name == "B" and .members == 2'
	refute grep -q joined out.there
}

@test "registry: another user has another registry" {
	root_only
	unshare -m true 2>/dev/null || skip "unshare -m is refused here"
	start listen -r --json 127.0.0.1 0
	mkfifo -m 666 there
	# the directory in XDG_RUNTIME_DIR isn't its own: it takes /dev/shm
	background unshare -m bash -ec '
		mount -t tmpfs -o mode=1777 shm /dev/shm
		setpriv --reuid 65534 --regid 65534 --clear-groups rpnc \
			listen -r --json 127.0.0.2 "$1" --ready-fd 4 4>there &
		read -r <there
		stat -c "%n %u %a" /dev/shm/rpnc-65534{,/*} >there.files
		kill $!
		wait' - "$port" </dev/null >out.there 2>err.there
	eventually gone "$pid"
	assert_equal "$(cat err.there)" ""
	assert jq -se '.[0] | .name == "A" and .members == 1' out.there
	assert grep -q "^/dev/shm/rpnc-65534 65534 700$" there.files
	assert grep -qE "^/dev/shm/rpnc-65534/[0-9a-f]+-tcp-$port 65534 600$" \
		there.files
	refute grep -q joined out.0
	assert_equal "$(registries | wc -l)" 1
}

# traced ARG...: strace. LeakSanitizer traces, too, and can't be traced.
traced() {
	ASAN_OPTIONS+=:detect_leaks=0 strace -qq "$@" </dev/null >/dev/null 2>&1 3>&-
}

# moments: each system call of a member's life from its registry on, as its name
# and how many of that name came before it.
moments() {
	traced -o life rpnc listen -r --accept-timeout 0.001 127.0.0.1 "$port" ||
		test $? -eq 4
	awk -F '(' '{ n[$1]++ } /rpnc-[0-9]+"/ { seen = 1 }
		seen && / = / { print $1, n[$1] }' life
}

# sample N: one line in N of stdin, from any of the first N on; with WHOLE, all.
sample() {
	local each=${WHOLE:+1}
	each=${each:-$1}
	awk -v each="$each" -v first="$((RANDOM % each))" 'NR % each == first'
}

# killed_at CALL N: a member that is killed when it begins that call.
killed_at() {
	local status=0
	traced -o /dev/null -e "inject=$1:signal=KILL:when=$2" \
		rpnc listen -r --accept-timeout 0.001 127.0.0.1 "$port" || status=$?
	test "$status" -eq 137 -o "$status" -eq 4
	test "$status" -eq 4 || kills=$((kills + 1))
}

@test "registry: a member killed at any system call leaves a registry that works" {
	local call kills=0 n
	start listen -r --json 127.0.0.1 0
	moments >calls
	assert test "$(wc -l <calls)" -gt 60
	while read -r call n; do
		killed_at "$call" "$n"
	done < <(sample 4 <calls) 2>/dev/null
	echo "$kills kills"
	assert test "$kills" -gt "$((${WHOLE:+50} + 10))"
	start listen -r --json 127.0.0.1 "$port"
	assert told 1 '.[0].members == 2'
	eventually told 0 'last | .event == "joined" and .members == 2'
	# all that joined have left, and both were counted
	assert told 0 'map(select(.event == "joined") | .members) | all(. <= 2)'
	assert told 0 'map(select(.event == "left") | .members) | all(. == 1)'
	assert told 0 '(map(select(.event == "joined")) | length) ==
		(map(select(.event == "left")) | length) + 1'
	assert told 0 'map(.reason) | index("died") and index("left")'
	stop
	assert_equal "$(registries)" ""
}

@test "registry: nor does one that is killed while it makes or removes the file" {
	local call kills=0 n
	reserve
	moments >calls
	assert grep -q '^fallocate 1$' calls
	assert grep -q '^unlink 1$' calls
	while read -r call n; do
		killed_at "$call" "$n"
		run -4 rpnc listen -r --accept-timeout 0.001 127.0.0.1 "$port"
		refute_output --partial registry
		assert_output --partial '1 of 1'
		assert_equal "$(registries)" ""
	done < <(grep -E '^(openat|f[a-z]*|pwrite64|unlink) ' calls | sample 3) \
		2>/dev/null
	assert test "$kills" -gt "$((${WHOLE:+8} + 2))"
}

@test "registry: who waits for the last one to remove the file makes another" {
	reserve
	start listen -r 127.0.0.1 "$port"
	registry=$(registries)
	kill -KILL "$pid"
	finish "$pid" || test $? -eq 137
	aside "$registry" <<-'END'
		import ctypes, fcntl, glob, os, struct, sys
		registry = os.path.realpath(sys.argv[1])
		fd = os.open(registry, os.O_RDWR)
		lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
		fcntl.fcntl(fd, 37, lock)	# F_OFD_SETLK
		libc = ctypes.CDLL(None)
		inotify = libc.inotify_init()
		assert libc.inotify_add_watch(inotify, registry.encode(), 0x20) > 0 # IN_OPEN
		open("said", "w").write("held\n")
		def waits():
		    for comm in glob.glob("/proc/[0-9]*/comm"):
		        try:
		            of = os.path.dirname(comm) + "/fd/"
		            if open(comm).read() == "rpnc\n" and registry in \
		                [os.readlink(of + fd) for fd in os.listdir(of)]:
		                return True
		        except OSError:
		            pass
		# opened to look at it, then to wait: not longer than a second
		while not waits():
		    os.read(inotify, 999)
		os.unlink(registry)
	END
	start listen -r --json 127.0.0.1 "$port"
	start listen -r --json 127.0.0.1 "$port"
	assert told 2 '.[0] | .name == "A" and .members == 1'
	assert told 3 '.[0] | .name == "B" and .members == 2'
	assert_equal "$(registries | wc -l)" 1
}

@test "registry: a death is told within a moment, not at the next look" {
	local i before best=1000000
	start listen -r --json 127.0.0.1 0
	for i in 1 2 3; do
		start listen -r 127.0.0.1 "$port"
		eventually told 0 "map(select(.event == \"joined\")) | length == $i"
		before=${EPOCHREALTIME/[.,]/}
		kill -KILL "$pid"
		eventually told 0 "map(select(.event == \"left\")) | length == $i"
		finish "$pid" || true
		told 0 "last.time | sub(\"Z$\"; \"\") | split(\".\") |
			((.[0] + \"Z\" | fromdate) * 1000000 + (.[1] | tonumber)) -
			$before"
		i=$(tail -n 1 jq.out)
		best=$((i < best ? i : best))
	done
	assert told 0 '[.[] | select(.event == "left") | .reason] |
		all(. == "died")'
	assert test "$best" -lt 300000
}

@test "registry: a member that ends by a fault has left, and did not die" {
	start echo -v -r --name A 127.0.0.1 0
	mkfifo up
	rpnc listen -r --name B --ready-fd 4 127.0.0.1 "$port" 4>up >/dev/full 2>err.B </dev/null 3>&- &
	pids+=("$!")
	read -r _ <up
	local status=0
	timeout 20 rpnc connect --to B 127.0.0.1 "$port" <<<hello || true # B resets it
	finish "${pids[1]}" || status=$?
	assert_equal "$status" 1
	eventually grep -q '^- B ' err.0
	grep '^- B left' err.0
}

@test "registry: a letter comes back only when its counts have left the registry" {
	start listen -r --json 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	kill -KILL "$pid"
	finish "$pid" || true
	start listen -r --json 127.0.0.1 "$port"
	assert told 2 '.[0] | .name == "C" and .members == 2'
	# a name that somebody chose is free again at once
	start listen -r --json --name B 127.0.0.1 "$port"
	assert told 3 '.[0] | .name == "B" and .members == 3'
	local last=$pid
	for pid in "${pids[0]}" "${pids[2]}" "$last"; do
		kill "$pid"
		finish "$pid" || test $? -eq 143
	done
	assert_equal "$(registries)" ""
	start listen -r --json 127.0.0.1 "$port"
	assert told 4 '.[0].name == "A"'
}

@test "registry: 40 members join and leave at once" {
	local i names
	start listen -r --json 127.0.0.1 0
	for i in {1..39}; do
		background rpnc listen -r --json 127.0.0.1 "$port" \
			</dev/null >"out.$i" 2>"err.$i"
	done
	eventually all_there
	assert_equal "$(cat err.*)" ""
	names=$(jq -r 'select(.event == "listening") | .name' out.* | sort -u)
	assert_equal "$(wc -w <<<"$names")" 40
	# A to Z, AA to AN
	assert_equal "$(grep -c '^.$' <<<"$names")" 26
	assert_equal "$(grep '^..$' <<<"$names" | tail -n 1)" AN
	assert told 0 '[.[] | .members] | max == 40'
	for i in "${pids[@]:1}"; do kill "$i"; done
	eventually all_left
	assert told 0 'map(select(.event == "left")) | all(.reason == "left")'
	assert told 0 'last.members == 1'
	stop
	assert_equal "$(registries)" ""
}

all_there() {
	told 0 'map(select(.event == "joined")) | length == 39'
}

all_left() {
	told 0 'map(select(.event == "left")) | length == 39'
}

@test "registry: members killed at random during 2,000 connections: counts hold" {
	cat >kills.py <<-'END'
		import atexit, os, random, re, socket, subprocess, sys
		from concurrent.futures import ThreadPoolExecutor
		seed = random.randrange(1 << 30)
		print("seed", seed)
		random.seed(seed)

		def member(port):
		    r, w = os.pipe()
		    p = subprocess.Popen(["rpnc", "echo", "-r", "--identify",
		        "127.0.0.1", str(port), "--ready-fd", str(w)],
		        pass_fds=[w], stdin=subprocess.DEVNULL,
		        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		    os.close(w)
		    return p, int(open(r).read().split(":")[1])

		first, port = member(0)
		alive = [first] + [member(port)[0] for i in range(4)]
		atexit.register(lambda: [p.kill() for p in alive])
		served = {}

		def ask(i):
		    try:
		        with socket.create_connection(("127.0.0.1", port), 20) as s:
		            s.settimeout(20)
		            line = s.makefile().readline()
		            return int(re.search(r"pid=(\d+)", line).group(1))
		    except (ConnectionError, AttributeError):
		        return None	# of one that was killed
		with ThreadPoolExecutor(8) as pool:
		    for round in range(20):
		        answers = pool.map(ask, range(100))
		        victim = alive.pop(random.randrange(len(alive)))
		        if round < 19:
		            victim.kill()
		        else:
		            alive.append(victim)
		        for pid in answers:
		            served[pid] = served.get(pid, 0) + 1
		        if round < 19:
		            victim.wait()
		            alive.append(member(port)[0])
		lost = served.pop(None, 0)
		out = subprocess.run(["rpnc", "listen", "-r", "--prompt=always",
		    "127.0.0.1", str(port)], input="/group\n", text=True,
		    stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
		print(out, served, lost)
		rows = re.findall(r"^  (\S+) +(\d+) rpnc\W+(\d+) ", out, re.M)
		registry = {int(pid): int(n) for _, pid, n in rows}
		for p in alive:
		    assert registry.pop(p.pid) == served.get(p.pid, 0), p.pid
		    p.terminate()
		assert not registry, registry
		assert len(set(name for name, _, _ in rows)) == 5
		assert sum(served.values()) + lost == 2000 and lost < 1000
		for p in alive:
		    p.wait()
	END
	run -0 timeout 100 python3 kills.py 3>&-
	assert_equal "$(registries)" ""
}

@test "registry: a worker that is replaced keeps its counts" {
	local n
	start echo -w 2 --identify --json 127.0.0.1 0
	cat >work.py <<-'END'
		import os, re, signal, socket, sys
		port = int(sys.argv[1])
		count = {}
		pids = {}
		def ask():
		    try:
		        with socket.create_connection(("127.0.0.1", port), 20) as s:
		            line = s.makefile().readline()
		    except ConnectionError:
		        return
		    got = re.search(r"pid=(\d+) worker=(\d+)", line)
		    if got:
		        pid, worker = map(int, got.groups())
		        count[worker] = count.get(worker, 0) + 1
		        pids.setdefault(worker, []).append(pid)
		for i in range(50):
		    ask()
		old = pids[0][0]
		os.kill(old, signal.SIGKILL)
		while pids[0][-1] == old:
		    ask()
		for i in range(50):
		    ask()
		print(count[0], count[1])
	END
	run -0 timeout 60 python3 work.py "$port" 3>&-
	kill "$pid"
	finish "$pid" || test $? -eq 143
	assert told 0 "last.workers | map(.accepted) == [${output/ /,}]"
	assert told 0 'last.workers | map(.restarts) == [1, 0]'
}

@test "registry: echo's workers join one by one and leave in order" {
	start listen -r --json 127.0.0.1 0
	start echo -w 3 --name E 127.0.0.1 "$port"
	eventually told 0 'map(select(.event == "joined") | .name) | sort ==
		["E/0", "E/1", "E/2"]'
	assert told 0 'map(select(.event == "joined") | .members) | max == 4'
	kill "$pid"
	finish "$pid" || test $? -eq 143
	eventually told 0 'map(select(.event == "left") | .name) | sort ==
		["E/0", "E/1", "E/2"]'
	assert told 0 'map(select(.event == "left")) | all(.reason == "left")'
	assert told 0 'last.members == 1'
}

@test "registry: echo is ready once each of its workers is there" {
	with_faults fcntl:delay_enter=20000 # a slot is locked by it
	start echo -r -w 3 127.0.0.1 0
	test "$(grep -ao 'A/[0-9]*' "$(registries)" | sort -u | wc -l)" -eq 3
}

@test "registry: members that aren't rpnc are counted and listed" {
	local nc python
	start listen -r --json 0
	background nc.openbsd -lk 0.0.0.0 "$port" >/dev/null
	nc=$pid
	aside "$port" <<-'END'
		import signal, socket, sys
		port = int(sys.argv[1])
		open("/proc/self/comm", "w").write("\033]2;x\ay")
		held = []
		for family, host in (socket.AF_INET, ""), (socket.AF_INET6, "::"):
		    s = socket.socket(family)
		    if family == socket.AF_INET6:
		        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind((host, port))
		    s.listen(77)
		    held.append(s)
		open("said", "w").write("bound\n")
		signal.pause()
	END
	python=$pid
	eventually listens "$nc"
	# both of Python's sockets are one member
	start listen -r --json "$port"
	assert told "$((${#pids[@]} - 1))" \
		'[.[] | select(.event == "listening") | .members] == [4, 4]'
	run -0 timeout 30 rpnc listen -r --prompt=always "$port" <<</group 3>&-
	assert_line --regexp "^  - +$nc nc.openbsd +- +- +0 +0/[0-9]+ +0 -$"
	assert_line --regexp \
		"^  - +$python \\\\e\]2;x\\\\x07y +- +- +0 +0/154 +0 -$"
	assert_line --regexp "^  A +${pids[0]} rpnc +0 +- +0 +0/8192 +0 running$"
	assert_line --regexp "^> C +[0-9]+ rpnc +0 +- +0 +0/8192 +0 running$"
	refute_line --partial 'fair hashing'
}

@test "registry: one that may not be looked into is one member, too" {
	local without=()
	# root could look into all
	test "$EUID" -ne 0 || without=(setpriv --bounding-set=-sys_ptrace)
	aside <<-'END'
		import ctypes, signal, socket
		ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)	# PR_SET_DUMPABLE
		port = 0
		held = []
		for family in socket.AF_INET, socket.AF_INET6:
		    s = socket.socket(family)
		    if family == socket.AF_INET6:
		        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("", port))
		    s.listen()
		    port = s.getsockname()[1]
		    held.append(s)
		open("said", "w").write("%d\n" % port)
		signal.pause()
	END
	port=$said
	run -4 "${without[@]}" rpnc listen -r --accept-timeout 0.01 "$port" 3>&-
	assert_line --partial "A listening on [::]:$port (tcp, reuseport, 2 of 2)"
	refute_line --partial registry
}

@test "registry: one that is cut short while members have it ends none of them" {
	start echo -r --name A 127.0.0.1 0
	local a=$pid
	start echo -r -w 2 --name B 127.0.0.1 "$port"
	local b=$pid
	says 'B/1 joined' err.0
	says 'B/0 joined' err.0
	: >"$(registries)"
	says 'another process has cut the registry short' err.0
	says 'another process has cut the registry short' err.1
	run -0 rpnc probe -n 60 --echo --json "$port"
	assert jq -e '.ok == 60 and (.members | length) == 3 and all(.members[]; .name == null)' <<<"$output"
	for pid in "$a" "$b"; do
		kill "$pid"
		finish "$pid" || test $? -eq 143
	done
	run cat err.0 err.1
	assert_equal "$(grep -c 'cut the registry short' <<<"$output")" 2
	assert_line 'left: nobody was waiting, nothing lost'
	refute_output --partial died
}

@test "registry: what is no name harms nobody who reads it" {
	start echo -r --name Zebra -w 2 --steer Zebra=1 127.0.0.1 0
	says 'listening' err.0
	eventually grep -q Zebra/1 "$(registries)"
	# no end, and no letters: also of what follows the name
	python3 - "$(registries)" <<-'END'
		import re, sys
		with open(sys.argv[1], "r+b") as f:
		    data = f.read()
		    for at in re.finditer(rb"Zebra(/[01])?\0", data):
		        f.seek(at.start())
		        f.write(b"\x1b\xff" * 16)
	END
	run -0 rpnc probe -n 20 --json "$port"
	assert jq -e '.ok == 20' <<<"$output"
	assert_output --partial '"name":"?'
	for words in "probe -n 5 $port" "probe --group $port" "listen -r --check 127.0.0.1 $port"; do
		# shellcheck disable=SC2086 # words are words
		run -0 rpnc $words
		assert_output --partial '??'
		refute_output --partial "$(printf '\033')"
	done
	run -2 rpnc listen -r --replace Zebra 127.0.0.1 "$port"
	assert_output --partial 'members: ??'
	start echo -r 127.0.0.1 "$port"
	start echo -r --json 127.0.0.1 "$port"
	run -0 rpnc probe -n 60 --echo "$port"
	kill "${pids[@]}"
	for pid in "${pids[@]}"; do
		finish "$pid" || test $? -eq 143
	done
	run cat err.0 err.1 out.1
	refute_output --partial "$(printf '\033')"
}

@test "registry: more workers than it has room for are refused before they are there" {
	start echo -r -w 128 127.0.0.1 0
	seated() {
		test "$(grep -ao 'A/[0-9]*' "$(registries)" | sort -u | wc -l)" -eq 128
	}
	eventually seated # on a busy machine the last ones come after 2 s
	run -1 rpnc echo -r -w 128 127.0.0.1 "$port"
	assert_output "rpnc echo: port $port has room for 127 more members of rpnc, and this would be 129"
	run -1 rpnc echo -r -w 128 --check 127.0.0.1 "$port"
	start echo -r -w 2 127.0.0.1 "$port"
}
