# rpnc with other rights than its caller's: what the caller set in the
# environment says nothing then.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0
load helpers

# The leak check needs a process that may be looked into.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

# heeded PREFIX...: starts a member at its prompt, as PREFIX... /bin/own/rpnc.
# Prints which of the variables it minds.
heeded() {
	cat >heeded.py <<-'END'
		import os, socket, subprocess, sys
		state, runtime = "/run/theirs/state", "/run/theirs/runtime"
		manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		manager.bind("/run/theirs/notify")
		os.chmod("/run/theirs/notify", 0o777)
		manager.setblocking(False)
		ready, w = os.pipe()
		p = subprocess.Popen([*sys.argv[1:], "listen", "-r", "--prompt=always",
		    "127.0.0.1", "0", "--ready-fd", str(w)], pass_fds=[w],
		    stdin=subprocess.PIPE, env=dict(os.environ, XDG_STATE_HOME=state,
		    HOME=state, XDG_RUNTIME_DIR=runtime, NOTIFY_SOCKET="/run/theirs/notify"))
		os.close(w)
		assert os.read(ready, 99)
		os.read(ready, 1)
		there = [where for where in (runtime + "/rpnc-65534", "/dev/shm/rpnc-65534")
		    if os.path.isdir(where) and os.listdir(where)]
		p.communicate(b"/who\n/quit\n", timeout=60)
		try:
		    told = manager.recv(99).decode().split("\n")[0]
		except BlockingIOError:
		    told = None
		history = [f for d in os.walk(state) for f in d[2]]
		print(p.returncode, there, history, told, file=sys.stderr)
	END
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -m bash -ec '
		mount -t tmpfs -o mode=755 run /run
		mount -t tmpfs -o mode=1777 shm /dev/shm
		mkdir -m 755 /run/theirs /run/own
		for directory in state runtime; do
			install -d -m 700 -o 65534 "/run/theirs/$directory"
		done
		cp "$RPNC" /run/own/rpnc
		eval "$1"
		exec python3 heeded.py "${@:2}"' bash "$@" 3>&- >/dev/null
}

@test "secure: of a set-user-ID rpnc no variable of the caller says where the registry, the history or the service manager is" {
	test "$EUID" -eq 0 || skip "needs two users"
	# its environment can't be read, so nor can the sanitizers' options be
	test -z "${SAN:-}" || skip "sanitizers end a set-user-ID program"
	local as='setpriv --reuid=65534 --clear-groups'
	# shellcheck disable=SC2086 # words they are
	run -0 heeded true $as /run/own/rpnc
	assert_output "0 ['/run/theirs/runtime/rpnc-65534'] ['history'] READY=1"
	# root that becomes that user by it
	run -0 heeded 'chown 65534 /run/own/rpnc && chmod 4755 /run/own/rpnc' /run/own/rpnc
	assert_output "0 ['/dev/shm/rpnc-65534'] [] None"
}

@test "secure: nor of one that has capabilities by its file" {
	test "$EUID" -eq 0 || skip "needs two users"
	local as='setpriv --reuid=65534 --clear-groups'
	# shellcheck disable=SC2086
	run -0 heeded 'setcap cap_net_bind_service+ep /run/own/rpnc' $as /run/own/rpnc
	assert_output "0 ['/dev/shm/rpnc-65534'] [] None"
}

# minded SETUP WORD...: starts WORD... by another user, at a prompt and with TLS.
# Prints what that user's environment made it load or read. A library that is
# loaded writes its name when it is.
minded() {
	local library
	for library in readline.so.8 ssl.so.3 preload.so; do
		cc -shared -fPIC -xc -DNAME="\"$library\"" -o "lib$library" - <<-'END'
			#include <fcntl.h>
			#include <unistd.h>
			__attribute__((constructor)) static void
			on_load(void)
			{
				int fd = open("/run/theirs/loaded", O_WRONLY | O_APPEND);

				if (write(fd, NAME "\n", sizeof(NAME)) < 0)
					_exit(99);
			}
		END
	done
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -m bash -ec '
		mount -t tmpfs -o mode=755 run /run
		mkdir -m 755 /run/theirs /run/theirs/lib /run/theirs/home /run/own
		install -m 755 lib*.so* /run/theirs/lib
		cp "$RPNC" /run/own/rpnc
		eval "$1"
		# readline tells each line that it does not know
		printf "set no-such secret\n" | tee /run/theirs/inputrc >/run/theirs/home/.inputrc
		install -m 666 /dev/null /run/theirs/loaded
		rpnc() {
			timeout 60 setpriv --reuid=65534 --clear-groups env HOME=/run/theirs/home \
				"${variables[@]}" /run/own/rpnc "$@" </dev/null 2>&1 |
				grep -o "readline: .*no-such" || true
		}
		variables=(LD_LIBRARY_PATH=/run/theirs/lib)
		rpnc listen --prompt=always 127.0.0.1 0
		rpnc connect --tls --tls-insecure 127.0.0.1 1
		variables=(LD_PRELOAD=/run/theirs/lib/libpreload.so)
		rpnc listen --prompt=always 127.0.0.1 0
		variables=(INPUTRC=/run/theirs/inputrc)
		rpnc listen --prompt=always 127.0.0.1 0
		sort -u /run/theirs/loaded' bash "$1" 3>&-
}

@test "secure: nor do they say which libraries are loaded, or which file sets up the prompt" {
	test "$EUID" -eq 0 || skip "needs two users"
	test -z "${SAN:-}" || skip "sanitizers end a set-user-ID program"
	run -0 minded :
	assert_output 'readline: ~/.inputrc: line 1: no-such
readline: /run/theirs/inputrc: line 1: no-such
preload.so
readline.so.8
ssl.so.3'
	run -0 minded 'chmod 4755 /run/own/rpnc'
	assert_output ''
	run -0 minded 'setcap cap_net_bind_service+ep /run/own/rpnc'
	assert_output ''
}
