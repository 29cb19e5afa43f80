# At death the kernel releases descriptors from the highest number down, and
# inotify(7) slowly: so listeners are the highest, and the registry's lock is
# next, in every process that has them.
# shellcheck shell=bash disable=SC2154

load helpers
load terminal

setup_file() {
	cat >"$BATS_FILE_TMPDIR/order.py" <<-'END'
		# order.py PID ROLE...: of these roles it has descriptors, in the
		# order above, from the highest number down
		import os, re, sys
		pid = sys.argv[1]
		listening = set()
		for kind in "tcp", "tcp6", "udp", "udp6":
		    for line in open("/proc/net/" + kind).readlines()[1:]:
		        word = line.split()
		        if word[3] == "0A" or kind.startswith("udp"):
		            listening.add(word[9])
		for line in open("/proc/net/unix").readlines()[1:]:
		    word = line.split()
		    if word[3] == "00010000":
		        listening.add(word[6])
		def role(link):
		    inode = re.fullmatch(r"socket:\[(\d+)\]", link)
		    if inode:
		        return "listener" if inode[1] in listening else "other"
		    if re.search(r"/rpnc-\d+/\w+-(tcp|udp)-\d+$", link):
		        return "lock"
		    name = link.removeprefix("anon_inode:").strip("[]")
		    return name if name in ("inotify", "eventpoll") else "other"
		fds = sorted(map(int, os.listdir(f"/proc/{pid}/fd")), reverse=True)
		roles = [role(os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in fds]
		seen = [r for r in roles if r != "other"]
		if set(seen) - {"eventpoll"} != set(sys.argv[2:]):
		    sys.exit(f"{pid}: roles {roles}")
		rank = {"listener": 0, "lock": 1, "inotify": 2, "eventpoll": 2}
		if seen != sorted(seen, key=rank.get):
		    sys.exit(f"{pid}: order {roles}")
	END
}

# ordered PID ROLE...: of these roles it has descriptors, in the right order.
ordered() {
	python3 "$BATS_FILE_TMPDIR/order.py" "$@" 3>&-
}

# in_order PID ROLE...: it comes to that.
in_order() {
	eventually ordered "$@" 2>wrong || fail "$(tail -n 1 wrong)"
}

@test "order of descriptors: listen -r, TCP, UDP and wildcards" {
	local words
	for words in "127.0.0.1 0" "0" "-6 ::1 0"; do
		# shellcheck disable=SC2086 # words it is
		start listen -r $words
		in_order "$pid" listener lock inotify
	done
	reserve
	start listen -r -u 127.0.0.1 "$port"
	in_order "$pid" listener lock inotify
	start listen -k -U sock
	in_order "$pid" listener
}

@test "order of descriptors: echo -r, and with connections open" {
	start echo -r 127.0.0.1 0
	for fd in {20..29}; do
		eval "exec $fd<>/dev/tcp/127.0.0.1/$port"
		echo hello >&"$fd"
		read -r -t 20 <&"$fd"
	done
	in_order "$pid" listener lock inotify
	reserve
	start echo -r -u 127.0.0.1 "$port"
	in_order "$pid" listener lock inotify
}

@test "order of descriptors: each worker of echo, and one that replaces another" {
	local victim worker
	start echo -r -w 3 0
	list_workers
	victim=${workers[1]}
	for worker in "${workers[@]}"; do
		in_order "$worker" listener lock inotify
	done
	in_order "$pid" lock inotify
	kill -KILL "$victim"
	eventually replaced 3 "$victim"
	for worker in "${workers[@]}"; do
		in_order "$worker" listener lock inotify
	done
}

@test "order of descriptors: echo, in every accept model" {
	local model worker
	for model in shared exclusive blocking; do
		start echo -w 2 --accept "$model" 127.0.0.1 0
		list_workers
		for worker in "${workers[@]}"; do
			in_order "$worker" listener
		done
	done
	for model in handoff fork; do
		start echo -w 2 --accept "$model" 127.0.0.1 0
		in_order "$pid" listener
	done
}

@test "order of descriptors: listen -r, once it has left and joined again" {
	pane a "$RPNC" listen -r 127.0.0.1 0
	sees a 'A listening on'
	pid=$(tm display-message -p -t a '#{pane_pid}')
	in_order "$pid" listener lock inotify
	tm send-keys -t a /leave Enter
	sees a 'left:'
	in_order "$pid" lock inotify
	tm send-keys -t a /join Enter
	in_order "$pid" listener lock inotify
}

@test "order of descriptors: where the limit of descriptors is low" {
	rpnc() {
		exec prlimit --nofile=200 "$RPNC" "$@"
	}
	start echo -r 127.0.0.1 0
	in_order "$pid" listener lock inotify
}
