# Sourced by tests of connect --proxy: real proxies on a free port, and parts of
# scripted ones.
# shellcheck shell=bash disable=SC2034,SC2154

# find_peer NAME PATH: sets $peer to a program of tests/unpack.
find_peer() {
	peer=${PEERS:-/nonexistent}/$1/$2
	test -x "$peer" || skip "no $1 here"
}

# serve COMMAND...: a server in the background, whose port is $port.
serve() {
	background "$@" >"serve.${#pids[@]}" 2>&1
	eventually listens
}

# nginx SERVER: with this section; $peer is its program.
nginx() {
	cat >nginx.conf <<-END
		daemon off;
		master_process off;
		pid $PWD/nginx.pid;
		error_log stderr;
		events { }
		http {
			access_log off;
			client_body_temp_path $PWD/1; proxy_temp_path $PWD/2;
			fastcgi_temp_path $PWD/3; uwsgi_temp_path $PWD/4;
			scgi_temp_path $PWD/5;
			$1
		}
	END
	serve "$peer" -p "$PWD" -c nginx.conf
}

microsocks() {
	find_peer microsocks usr/bin/microsocks
	port=$(free_port)
	serve "$peer" -i 127.0.0.1 -p "$port" "$@"
}

dante() {
	find_peer dante-server usr/sbin/danted
	port=$(free_port)
	cat >danted.conf <<-END
		logoutput: stderr
		internal: 127.0.0.1 port = $port
		external: lo
		clientmethod: none
		socksmethod: none
		client pass { from: 0/0 to: 0/0 }
		socks pass { from: 0/0 to: 0/0 }
	END
	serve "$peer" -f danted.conf -p danted.pid
}

# tinyproxy LINE...: with these in its configuration.
tinyproxy() {
	find_peer tinyproxy-bin usr/bin/tinyproxy
	port=$(free_port)
	printf '%s\n' "Port $port" 'Listen 127.0.0.1' 'Timeout 600' \
		'MaxClients 20' "$@" >tinyproxy.conf
	serve "$peer" -d -c tinyproxy.conf
}

# squid NAME PASSWORD: only for that user. It refuses to be root. Its shared memory
# has names, which it leaves behind.
squid() {
	local peers=${PEERS:-/nonexistent}/squid as=() service=rpnc$BASHPID
	find_peer squid usr/sbin/squid
	test "$EUID" -ne 0 || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${as[@]}" test -x "$peer" || skip "$peer can't be run by others"
	chmod 711 . .. ../..
	port=$(free_port)
	printf '%s:%s\n' "$1" "$(openssl passwd -apr1 "$2")" >users
	: >mime.conf
	cat >squid.conf <<-END
		http_port 127.0.0.1:$port
		pid_filename none
		access_log none
		cache deny all
		cache_mem 0
		memory_cache_shared off
		pinger_enable off
		shutdown_lifetime 0 seconds
		mime_table $PWD/mime.conf
		icon_directory $PWD
		unlinkd_program $peers/usr/lib/squid/unlinkd
		auth_param basic program $peers/usr/lib/squid/basic_ncsa_auth $PWD/users
		acl known proxy_auth REQUIRED
		http_access allow known
		http_access deny all
	END
	serve "${as[@]}" "$peer" -N -n "$service" -f squid.conf
	rm -f "/dev/shm/$service"-*
}

# http_proxy: one that half-closes, which the packaged ones don't.
http_proxy() {
	server "$scripted"'
import threading
def pump(a, b):
    while part := a.recv(1 << 20): b.sendall(part)
    b.shutdown(socket.SHUT_WR)
def pass_on(c):
    host, port = http(c).split()[1].rsplit(":", 1)
    b = socket.create_connection((host, int(port)))
    c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=pump, args=(c, b)).start()
    pump(b, c)
while True: threading.Thread(target=pass_on, args=(accept(),)).start()'
}

# private_sshd: an sshd of this user, with keys of its own; ./ssh_config is for
# its clients. Only root's sshd wants /run/sshd, a user sshd, and that root is not
# locked: it gets that in a mount namespace.
private_sshd() {
	local user place=()
	find_peer openssh-server usr/sbin/sshd
	ssh-keygen -q -t ed25519 -N '' -f host_key
	ssh-keygen -q -t ed25519 -N '' -f user_key
	port=$(free_port)
	user=$(id -un)
	cat >sshd_config <<-END
		Port $port
		ListenAddress 127.0.0.1
		HostKey $PWD/host_key
		AuthorizedKeysFile $PWD/user_key.pub
		StrictModes no
		UsePAM no
		PidFile none
	END
	cat >ssh_config <<-END
		Host *
		User $user
		Port $port
		IdentityFile $PWD/user_key
		IdentitiesOnly yes
		UserKnownHostsFile $PWD/known_hosts
		GlobalKnownHostsFile none
		StrictHostKeyChecking no
		BatchMode yes
		LogLevel ERROR
	END
	if test "$(id -u)" -eq 0; then
		unshare -m true || skip "no mount namespaces here"
		place=(unshare -m bash -euc '
			mount -t tmpfs tmpfs /run
			mkdir /run/sshd
			grep -v "^sshd:" /etc/passwd >passwd
			echo "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin" >>passwd
			mount --bind passwd /etc/passwd
			(umask 077 && sed "s/^root:[^:]*/root:*/" /etc/shadow >shadow)
			mount --bind shadow /etc/shadow
			exec "$@"' bash)
	fi
	serve "${place[@]}" "$peer" -D -e -f "$PWD/sshd_config"
}

# Parts of a scripted proxy, for the CODE of server.
scripted='
def exactly(c, n):
    data = b""
    while len(data) < n:
        part = c.recv(n - len(data))
        if not part: raise EOFError
        data += part
    return data
def socks(c, method=0): # the methods that are offered
    offered = exactly(c, exactly(c, 2)[1])
    c.sendall(bytes([5, method]))
    return offered
def asked(c): # the host and port of a SOCKS request
    kind = exactly(c, 4)[3]
    if kind == 3: host = exactly(c, exactly(c, 1)[0]).decode()
    else: host = socket.inet_ntop(socket.AF_INET if kind == 1
        else socket.AF_INET6, exactly(c, 4 if kind == 1 else 16))
    return host, int.from_bytes(exactly(c, 2), "big")
def http(c):
    head = b""
    while not head.endswith(b"\r\n\r\n"): head += exactly(c, 1)
    return head.decode()
def bytewise(c, data):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in data: c.sendall(bytes([b]))
OK = bytes([5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
'
