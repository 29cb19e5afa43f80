#!/usr/bin/env bats
# What is given to others: the tarball of "make dist", the Debian package of
# "make deb", and the PKGBUILD and APKBUILD. In a bare Debian "make fresh-deb"
# does the rest. setup_file builds the package, from the tarball and without git,
# builds what PKGBUILD is for, and asks lintian: it takes longer than a test may.
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

# packaged SHELL FILE DIRECTORY FUNCTION...: calls these functions of a PKGBUILD
# or APKBUILD, each in that directory, with the environment that makepkg(8) gives
# them: Arch links with -flto. $pkgdir is where package() installs.
packaged() (
	flags='-O1 -pipe -fno-plt -fexceptions -Wp,-D_FORTIFY_SOURCE=3 -Werror=format-security -flto=auto'
	# shellcheck disable=SC2016 # the $ are for the inner shell
	env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" LC_ALL=C.UTF-8 TMPDIR="$BATS_FILE_TMPDIR" \
		MAKEFLAGS=-j2 CFLAGS="$flags" CPPFLAGS= LDFLAGS='-Wl,-O1,--sort-common,--as-needed,-z,now -flto=auto' \
		srcdir="$BATS_FILE_TMPDIR/src" pkgdir="${pkgdir-}" \
		"$1" -euc '. "$1"; directory=$2; shift 2
			for function; do cd "$directory"; "$function"; done' "$@" 3>&- </dev/null
)

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
	mkdir "$BATS_FILE_TMPDIR/src"
	tar -C "$BATS_FILE_TMPDIR/src" -xzf "$BATS_FILE_TMPDIR/dist/rpnc-$version.tar.gz"
	packaged bash "$BATS_FILE_TMPDIR/dist/PKGBUILD" "$BATS_FILE_TMPDIR/src" build \
		>"$BATS_FILE_TMPDIR/arch.log" 2>&1 && status=0 || status=$?
	echo "$status" >"$BATS_FILE_TMPDIR/built"
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
	(umask 077 && tar -C one --no-same-permissions -xzf "$dist/rpnc-$version.tar.gz")
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

# opened: the libraries that rpnc opens by dlopen(3), as the sources name them.
opened() {
	sed -n 's/^#define LIBRARY(major) "\(.*\)\.so\." TEXT_OF(major)$/\1/p' \
		"$root"/src/*/*.c
}

@test "package: each depends on what rpnc opens by dlopen(3)" {
	local library
	run -0 opened
	assert_equal "${#lines[@]}" "$(grep -l 'dlopen(' "$root"/src/*/*.c | wc -l)"
	for library in "${lines[@]}"; do
		test "$library" != libz || library='zlib[0-9]g'
		dpkg-deb --field "$deb" Depends | grep -E "(^| )$library"
	done
	for library in "${lines[@]}"; do
		grep "^depends=.*so:$library\.so\.[0-9]" "$dist/APKBUILD"
		case $library in
		libssl) library=openssl ;;
		libz) library=zlib ;;
		esac
		grep "^depends=.*[( ]${library#lib}[ )]" "$dist/PKGBUILD"
	done
	run -0 dpkg-deb --field "$deb" Depends
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

# files DIRECTORY: prints its files.
files() {
	(cd "$1" && find . -type f -printf '/%P\n' | sort)
}

@test "package: PKGBUILD and APKBUILD are for this tarball" {
	local url='' maintainer='' pkgver='' sha256sums='' sha512sums=''
	bash -n "$dist/PKGBUILD"
	sh -n "$dist/APKBUILD"
	# shellcheck source=/dev/null
	. "$dist/PKGBUILD"
	assert_equal "$pkgver ${source[*]}" "$version rpnc-$version.tar.gz"
	assert_regex "$url" '^https://'
	(cd "$dist" && sha256sum -c <<<"$sha256sums  ${source[0]}")
	unset url source pkgver
	# shellcheck source=/dev/null
	. "$dist/APKBUILD"
	assert_equal "$pkgver $source" "$version rpnc-$version.tar.gz"
	# abuild refuses one without url, and warns of one without maintainer
	assert_regex "$url" '^https://'
	assert_regex "$maintainer" '^.+ <.+@.+>$'
	(cd "$dist" && sha512sum -c <<<"${sha512sums//$'\n'/}")
	DEBFULLNAME='A & B/C' DEBEMAIL=a@b.example HOMEPAGE='https://b.example/?a&b' \
		"$root/.ci/dist" "$version" "$PWD/out"
	grep -x '# Maintainer: A & B/C <a@b.example>' out/PKGBUILD
	grep -Fx 'url="https://b.example/?a&b"' out/APKBUILD
}

@test "package: PKGBUILD and APKBUILD build rpnc, and install what the Debian package has" {
	test "$(<"$BATS_FILE_TMPDIR/built")" = 0 || fail "$(tail "$BATS_FILE_TMPDIR/arch.log")"
	pkgdir=$PWD/arch packaged bash "$dist/PKGBUILD" "$BATS_FILE_TMPDIR/src" package
	pkgdir=$PWD/alpine packaged sh "$dist/APKBUILD" \
		"$BATS_FILE_TMPDIR/src/rpnc-$version" build package
	contents "$deb" | sed 's/\.gz$//; s|^/lib/|/usr/lib/|
		s|/zsh/vendor-completions/|/zsh/site-functions/|' |
		grep -vE '/(copyright|changelog.*)$' | sort >wanted
	grep -qx '/usr/lib/systemd/system/rpnc-echo@.service' wanted
	files arch | grep -vx /usr/share/licenses/rpnc/LICENSE | diff wanted -
	test -s arch/usr/share/licenses/rpnc/LICENSE
	files alpine | diff <(grep -v /systemd/ wanted) -
	arch/usr/bin/rpnc --version | grep -x "rpnc $version"
}

@test "package: what autopkgtest runs, with the rpnc under test" {
	AUTOPKGTEST_TMP=$PWD run -0 timeout 100 "$root/.ci/debian/tests/members" 3>&-
	assert_line 'failed 0'
}
