# No descriptor of rpnc's own is left open in a program that it might start:
# strace sees how each is made.
# shellcheck shell=bash disable=SC2030,SC2031,SC2154

load helpers

# In each of these the descriptor can be made close-on-exec from the start.
makers=open,openat,openat2,creat,socket,socketpair,accept,accept4,epoll_create
makers+=,epoll_create1,signalfd,signalfd4,eventfd,eventfd2,inotify_init
makers+=,inotify_init1,pipe,pipe2,dup,dup2,dup3,fcntl,timerfd_create
makers+=,memfd_create,pidfd_open,pidfd_getfd,fanotify_init,io_uring_setup

# One file for each process and thread: no call is torn apart by another's.
traced() {
	# leaks can't be looked for in a process that is traced
	test -z "${ASAN_OPTIONS-}" || ASAN_OPTIONS+=:detect_leaks=0
	exec strace -qq -ff -e "trace=execve,$makers" -o trace "$@"
}

# start_traced INPUT ARG...: as start_with, but strace's pid is in pid, and
# that of rpnc in traced. strace itself must not hold the fifo open.
start_traced() {
	local n=${#pids[@]} input=$1
	shift
	rm -f ready trace.*
	mkfifo ready
	# shellcheck disable=SC2016 # the $@ is for the inner bash
	traced bash -c 'exec rpnc "$@" --ready-fd 4 4>ready' bash "$@" \
		<"$input" 3>&- >"out.$n" 2>"err.$n" &
	pid=$!
	mapfile -t addrs <ready
	port=${addrs[0]##*:}
	traced=$(cat "/proc/$pid/task/$pid/children")
	traced=${traced% }
	pids+=("$traced") # strace does not end before it, by no SIGTERM
}

# end: stops what start_traced began.
end() {
	kill "$traced"
	finish "$pid" || true
}

# client ARG...: rpnc connect, untraced.
client() {
	timeout 60 rpnc connect "$@"
}

# made CALL...: that these were seen, and that all was made close-on-exec.
# What bash did before it became rpnc doesn't count, nor do the files that the
# C library and the sanitizers open and close again.
made() {
	local file call
	for file in trace.*; do
		# from the last execve on; of a child, all
		tac "$file" | sed '/^execve(/q' | grep ' = [0-9]'
	done >calls
	for call; do
		grep -q "^$call(" calls || fail "no $call was seen"
	done
	awk -v san="${SAN-}" '
		/CLOEXEC/ || /^execve\(/ { next }
		/^open.*gconv-modules.cache", O_RDONLY\)/ { next }
		/^fcntl\(/ && !/F_DUPFD/ { next }
		san && /^open.*"\/(proc|sys)\/.*O_RDONLY/ { next }
		{ print }' calls >inheritable
	assert_equal "$(cat inheritable)" ''
}

@test "cloexec: listen, of its sockets, clients, registry and streams" {
	mkfifo in
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify
	exec 7<>in
	start_traced in listen -r 0
	client --until input "$port" <<<hello 7>&-
	eventually grep -q hello out.0
	end
	made socket accept4 epoll_create1 signalfd4 openat inotify_init1
}

@test "cloexec: listen, of one client, with its streams in pipes" {
	mkfifo in
	exec 7<>in
	start_traced in listen 127.0.0.1 0
	client -n "$port" >answer 7>&- &
	pids+=("$!")
	echo hello >&7
	eventually grep -q hello answer
	end
	made socket accept4 epoll_create1 signalfd4
}

@test "cloexec: listen, of datagrams and of a socket whose owner died" {
	start_traced /dev/null listen -k -u 127.0.0.1 0
	client -u --linger 0.1 127.0.0.1 "$port" <<<hello
	eventually grep -q hello out.0
	end
	made socket epoll_create1 signalfd4
	start listen -k -U sock
	kill -KILL "$pid"
	finish "$pid" || true
	test -S sock
	start_traced /dev/null listen -k -U sock
	client -U sock <<<hello
	eventually grep -q hello out.2
	end
	made socket accept4
}

@test "cloexec: connect, by name, by address, over UDP and Unix sockets" {
	local words
	start echo -U sock
	start echo -4 localhost 0
	start echo -u -4 localhost "$port"
	for words in "localhost $port" "127.0.0.1:$port" "--wait 5 $port" \
		"-s 127.0.0.1 127.0.0.1 $port" "-U sock" \
		"-u --linger 0.1 127.0.0.1 $port"; do
		rm -f trace.*
		# shellcheck disable=SC2086 # words it is
		(traced timeout 60 rpnc connect $words) <<<hello >out
		assert_equal "$(cat out)" hello
		made socket epoll_create1 signalfd4
	done
}

@test "cloexec: connect, with its streams in pipes" {
	start echo 127.0.0.1 0
	echo hello | (traced timeout 60 rpnc connect "$port") | cat >out
	assert_equal "$(cat out)" hello
	made socket epoll_create1 signalfd4 openat
}

# heirs: both workers, of which neither is the one that died.
heirs() {
	local list
	read -ra list <<<"$(cat "/proc/$traced/task/$traced/children")"
	test "${#list[@]}" -eq 2 && [[ " ${list[*]} " != *" $1 "* ]]
}

@test "cloexec: echo, in the parent, its workers, and one that replaces another" {
	local first
	start_traced /dev/null echo -w 2 --identify 127.0.0.1 0
	first=$(cut -d' ' -f1 "/proc/$traced/task/$traced/children")
	kill -KILL "$first"
	eventually heirs "$first"
	for _ in {1..20}; do
		client "$port" <<<hello
	done
	end
	made socket accept4 epoll_create1 signalfd4 openat
	set -- trace.*
	assert_equal "$#" 4
}

@test "cloexec: echo, with one queue for two workers, and with datagrams" {
	start_traced /dev/null echo -w 2 --accept shared 127.0.0.1 0
	client "$port" <<<hello
	end
	made socket accept4 epoll_create1 signalfd4
	start_traced /dev/null echo -u -w 2 127.0.0.1 0
	client -u --linger 0.1 "127.0.0.1:$port" <<<hello
	end
	made socket epoll_create1 signalfd4
}
