# Bare Debian roots, for tests/fresh and tests/fresh-deb.
#
# How it works: debootstrap makes a root once, and build-fresh/ keeps it for a
# week as a tarball. Each run unpacks it into a temporary directory. The packages
# come from the mirror that this machine uses.
# shellcheck shell=bash

suite=bookworm

# enter DIRECTORY: makes it the root, with /proc, /sys and /dev mounted.
enter() {
	local root=$1 node
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sys "$root/sys"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 pts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s /proc/self/fd/0 "$root/dev/stdin"
	ln -s /proc/self/fd/1 "$root/dev/stdout"
	ln -s /proc/self/fd/2 "$root/dev/stderr"
	cd "$root" || return
	pivot_root . mnt
	cd / || return
	umount --lazy /mnt
}

# sources: prints this machine's apt sources of $suite as lines of a
# sources.list. On another distribution it prints nothing, and debootstrap uses
# its default.
sources() {
	command -v apt-get >/dev/null || return 0
	# shellcheck disable=SC2016 # the names are apt's
	apt-get indextargets 'Created-By: Packages' \
		--format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' |
		grep -E " $suite(-[a-z]+)? main\$" | sort -u
}

bootstrap() {
	local mirror
	mirror=$(sources | awk -v suite="$suite" '$3 == suite { print $2; exit }')
	echo "== debootstrap $suite"
	debootstrap --variant=minbase --include=make,git "$suite" "$1" ${mirror:+"$mirror"} \
		>"$1.log" || {
		tail -n 20 "$1.log" >&2
		return 1
	}
}

configure() {
	local lines
	lines=$(sources)
	test -z "$lines" || echo "$lines" >"$1/etc/apt/sources.list"
	if command -v apt-config >/dev/null; then
		apt-config dump | grep -E '^Acquire::(https?::|Check-)' \
			>"$1/etc/apt/apt.conf.d/99fresh" || true
	fi
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	cp /etc/hosts "$1/etc/hosts"
}

# bare DIRECTORY: makes a bare root there, with git and make.
bare() {
	local base=build-fresh/$suite.tar
	mkdir -p build-fresh "$1"
	find build-fresh -name "$suite.tar" -mtime +7 -delete
	if test ! -e "$base"; then
		bootstrap "$1"
		rm -f "$1"/var/cache/apt/archives/*.deb
		tar -C "$1" -cf "$base.part" . && mv "$base.part" "$base"
	else
		tar -C "$1" -xpf "$base"
	fi
	configure "$1"
}

# begin PACKAGE...: what every run begins with. Sets $temporary.
begin() {
	if test "$(id -u)" -ne 0; then
		echo "${0##*/}: a Debian root is made by root" >&2
		exit 1
	fi
	tests/need debootstrap git util-linux "$@"
	test -z "$(git status --porcelain)" ||
		echo "${0##*/}: it takes the last commit: what is not committed isn't in it" >&2
	temporary=$(mktemp -d "${TMPDIR:-/var/tmp}/rpnc-fresh.XXXXXX")
	trap 'rm -rf --one-file-system "$temporary"' EXIT
}

# inside ROOT STAGES: says "$0 inside STAGES" in that root, in mount and process
# namespaces of its own, so that no mount and no process can outlive it. (In a
# chroot the kernel refuses user namespaces, and ip netns fails.)
inside() {
	unshare --mount --propagation private --pid --fork --kill-child \
		"$0" inside "$@"
}
