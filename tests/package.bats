#!/usr/bin/env bats
# What is given to others: the tarball of "make dist", the Debian package of
# "make deb", and the PKGBUILD and APKBUILD. In a bare Debian "make fresh-deb"
# does the rest. setup_file builds the package, from the tarball and without git,
# and asks lintian: it takes longer than a test may.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2164,SC2317 # a test is a subshell; names of others

load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
version=$(sed -n 's/^VERSION = //p' "$root/Makefile")

none() {
	local found
	found=$(cat)
	test -z "$found" || fail "$found"
}

# make_in DIRECTORY ARG...: make there, not as a child of bats, and with git
# nowhere but in a clone.
make_in() (
	cd "$1"
	shift
	PATH=${PATH//"$BATS_LIBEXEC:"/}
	unset "${!BATS_@}" CFLAGS CPPFLAGS LDFLAGS SAN
	command make -s --no-print-directory NEED=: "$@" 3>&- </dev/null
)

# installs ARG...: make install, with rpnc as it is here.
installs() {
	make_in "$root" COMPILE="$(<"$root/build/flags")" "$@"
}

setup_file() {
	if test -e "$root/.git"; then
		git -C "$root" status --porcelain --ignored >"$BATS_FILE_TMPDIR/before"
	fi
	DEB_BUILD_OPTIONS='noopt nocheck parallel=2' DEB_BUILD_PROFILES=nocheck make_in "$root" deb \
		DIST="$BATS_FILE_TMPDIR/dist" DEB="$BATS_FILE_TMPDIR/deb" \
		>"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -n 40 "$BATS_FILE_TMPDIR/log" >&3
		return 1
	}
	# it leaves files behind
	TMPDIR=$BATS_FILE_TMPDIR lintian -EviI --pedantic --no-cfg "$BATS_FILE_TMPDIR"/deb/*.changes \
		>"$BATS_FILE_TMPDIR/lintian" 2>&1 || true
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	dist=$BATS_FILE_TMPDIR/dist
	deb=$(echo "$BATS_FILE_TMPDIR"/deb/rpnc_*.deb)
}

teardown() {
	:
}

# contents FILE.deb: prints its files, without directories.
contents() {
	dpkg-deb --fsys-tarfile "$1" | tar -t | sed -n 's/^\.\(.*[^/]\)$/\1/p' | sort
}

@test "package: a tarball of the tarball is the same, bit for bit" {
	test "$(tar -tzf "$dist/rpnc-$version.tar.gz" | grep -vc "^rpnc-$version/")" -eq 0
	(cd "$dist" && sha256sum -c "rpnc-$version.tar.gz.sha256")
	mkdir one 'another place'
	(umask 077 && tar -C one -xzf "$dist/rpnc-$version.tar.gz")
	tar -C 'another place' -xzf "$dist/rpnc-$version.tar.gz"
	mkdir "one/rpnc-$version/build"
	touch "one/rpnc-$version/build/product" "one/rpnc-$version/rpnc"
	make_in "one/rpnc-$version" dist
	TZ=Asia/Tokyo LC_ALL=C.UTF-8 make_in "another place/rpnc-$version" dist DIST=../../out
	cmp "$dist/rpnc-$version.tar.gz" "one/rpnc-$version/build/dist/rpnc-$version.tar.gz"
	cmp "$dist/rpnc-$version.tar.gz" "out/rpnc-$version.tar.gz"
	# what is in it decides, and SOURCE_DATE_EPOCH does
	SOURCE_DATE_EPOCH=1 make_in "another place/rpnc-$version" dist DIST=../../other
	refute cmp -s "$dist/rpnc-$version.tar.gz" "other/rpnc-$version.tar.gz"
	tar -tvzf "other/rpnc-$version.tar.gz" --utc | grep -v ' 0/0 .* 1970-01-01 00:00 ' | none
}

@test "package: the tarball holds all that git knows, and what it needs to build" {
	test -e "$root/.git" || skip "no clone of git"
	{
		git -C "$root" ls-files
		echo .commit
		! grep -q '^COMPLETIONS' "$root/Makefile" ||
			printf 'completion/rpnc.%s\n' bash fish zsh
	} | LC_ALL=C sort >wanted
	tar -tzf "$dist/rpnc-$version.tar.gz" | sed "s|^rpnc-$version/||" >got
	diff wanted got
	if grep -q ^completion got; then
		tar -xzf "$dist/rpnc-$version.tar.gz" "rpnc-$version/completion"
		"$RPNC" --completion zsh | cmp - "rpnc-$version/completion/rpnc.zsh"
	fi
	git -C "$root" status --porcelain --ignored | diff "$BATS_FILE_TMPDIR/before" -
}

# writes_a_program FILE: as a compiler or a linker, whose words end in -o PRODUCT
# and so on, it makes a product that runs FILE.
writes_a_program() {
	cat >"tool.$1" <<-END
		#!/bin/sh
		while test "\$1" != -o; do shift; done
		printf '#!/bin/sh\n. $PWD/$1\n' >"\$2"
		chmod +x "\$2"
	END
	chmod +x "tool.$1"
	echo "$PWD/tool.$1"
}

@test "package: a build for another processor installs the completions of the tarball" {
	local there=$PWD/rpnc-$version tool
	tar -xzf "$dist/rpnc-$version.tar.gz"
	test -s "$there/completion/rpnc.zsh"
	echo 'echo "cannot execute binary file" >&2; exit 126' >foreign
	tool=$(writes_a_program foreign)
	make_in "$there" COMPILE="$tool" LINK="$tool" DESTDIR="$PWD/root" PREFIX=/usr install
	completions_are() {
		cmp "$1.bash" root/usr/share/bash-completion/completions/rpnc
		cmp "$1.zsh" root/usr/share/zsh/site-functions/_rpnc
		cmp "$1.fish" root/usr/share/fish/vendor_completions.d/rpnc.fish
	}
	completions_are "$there/completion/rpnc"
	# a patch may have changed them: the one that is built knows, if it runs
	touch -d '+1 hour' "$there/src/app/options.c"
	run -0 --separate-stderr make_in "$there" COMPILE="$tool" LINK="$tool" \
		DESTDIR="$PWD/root" PREFIX=/usr install
	[[ "$stderr" == *'rpnc does not run here: completion/rpnc.fish may be outdated'* ]]
	completions_are "$there/completion/rpnc"
	rm -r "$there/build" "$there/rpnc"
	echo "echo words for \$2" >native
	tool=$(writes_a_program native)
	make_in "$there" COMPILE="$tool" LINK="$tool" DESTDIR="$PWD/root" PREFIX=/usr install
	for s in bash zsh fish; do echo "words for $s" >"words.$s"; done
	completions_are words
}

@test "package: lintian knows only that no ITP is closed" {
	grep -q '^W: .*initial-upload-closes-no-bugs' "$BATS_FILE_TMPDIR/lintian"
	# without optimization (noopt) there is no _FORTIFY_SOURCE: fresh-deb has it
	grep -E '^[EWIPX]:' "$BATS_FILE_TMPDIR/lintian" | grep -vE \
		'initial-upload-closes-no-bugs|hardening-no-fortify-functions' | none
}

@test "package: it depends on what rpnc opens by dlopen(3)" {
	run -0 dpkg-deb --field "$deb" Depends
	assert_output --regexp 'libreadline[0-9]'
	assert_output --regexp 'libssl[0-9]'
	assert_output --partial libmnl0
	assert_equal "$(dpkg-deb --field "$deb" Version)" "$version-1"
}

@test "package: it brings what install brings, and enables nothing" {
	installs install DESTDIR="$PWD/stage" PREFIX=/usr \
		SYSTEMDUNITDIR=/lib/systemd/system ZSHCOMPDIR=/usr/share/zsh/vendor-completions
	(cd stage && find . -type f | sed 's/^\.//') | sort >wanted
	contents "$deb" | sed 's/\.gz$//' | grep -vE '/(copyright|changelog.*)$' >got
	diff wanted got
	grep -qx /lib/systemd/system/rpnc-echo@.service got
	dpkg-deb --control "$deb" control
	grep -E 'deb-systemd-helper|systemctl.*(enable|start)' control/p* control/conf* 2>/dev/null | none
}

@test "package: PKGBUILD and APKBUILD are for this tarball, and install the same" {
	local pkgdir pkgname pkgver sha256sums sha512sums
	tar -xzf "$dist/rpnc-$version.tar.gz"
	(
		# shellcheck source=/dev/null
		. "$dist/PKGBUILD"
		assert_equal "$pkgver" "$version"
		echo "$sha256sums  $dist/${source[0]}" | sha256sum -c
		pkgdir=$PWD/arch
		make() {
			installs "${@:3}"
		}
		package
		test -x arch/usr/bin/rpnc -a -e arch/usr/lib/systemd/system/rpnc-echo@.service
		test -s arch/usr/share/licenses/rpnc/LICENSE
	)
	(
		# shellcheck source=/dev/null
		. "$dist/APKBUILD"
		assert_equal "$pkgver $source" "$version rpnc-$version.tar.gz"
		(cd "$dist" && sha512sum -c <<<"${sha512sums//$'\n'/}")
		pkgdir=$PWD/alpine
		make() {
			installs "$@"
		}
		package
		test -x alpine/usr/bin/rpnc -a ! -e alpine/usr/lib
	)
}

@test "package: what autopkgtest runs, with the rpnc under test" {
	AUTOPKGTEST_TMP=$PWD run -0 timeout 100 "$root/.ci/debian/tests/members" 3>&-
	assert_line 'failed 0'
}
