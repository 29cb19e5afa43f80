#!/usr/bin/env bats
# The house itself: its floors, its sizes, and that what it says of itself is so.

load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
man=$root/man

# none: fails and shows its input, unless that is empty.
none() {
	local found
	found=$(cat)
	test -z "$found" || fail "$found"
}

# same WANTED GOT: two files, one thing a line.
same() {
	test -s "$1" || fail "$1 is empty"
	diff -u "$1" "$2" || fail "see above"
}

tracked() {
	git -c safe.directory='*' -C "$root" "$@"
}

needs_git() {
	tracked rev-parse --git-dir >/dev/null 2>&1 || skip "not a git repository"
}

# Makes the binary that is under test once more, by the flags it has: nothing
# is compiled.
make_again() {
	local build=build${SAN:+-san}
	make -s --no-print-directory -C "$root" NEED=: -o "${RPNC#"$root/"}" \
		COMPILE="$(<"$root/$build/flags")" "$@" 3>&-
}

# Reads the names of the commands into $commands.
list_commands() {
	mapfile -t commands < <(rpnc --help |
		awk '$1 == "rpnc" && $2 != "COMMAND" { print $2 }')
	test "${#commands[@]}" -gt 2
}

# section PAGE NAME: that part of a page of the manual.
section() {
	awk -v name="$2" '$1 == ".Sh" { on = substr($0, 5) == name } on' "$man/$1"
}

# "Load: -n, --count COUNT", with its heading, from the lists of a page.
manual_options() {
	sed -nE '/^\.S[sh] /{
		s/^\.S[sh] //
		s/\\-/-/g
		h
	}
	/^\.It .*Fl -/{
		s/^\.It //
		s/ Ns \| Ns (Cm|Ar) /|/g
		s/ Ns Op = Ns (Cm|Ar) ([^ ]+)/[=\2]/g
		s/ (Cm|Ar) / /g
		s/Fl -/--/g
		s/Fl /-/g
		s/ ,/,/g
		G
		s/(.*)\n(.*)/\2: \1/p
	}' "$man/$1"
}

# The same for all that a command has: what several have is described once.
page_options() {
	manual_options "rpnc-$1.1"
	case $1 in
	echo) manual_options rpnc-listen.1 | grep -E '^(Server|Access|Group): ' ;;
	connect) manual_options rpnc-listen.1 | grep '^Data: ' ;;
	esac
	case $1 in
	listen | echo) manual_options rpnc-tls.7 | grep -vE -- '--tls-(name|insecure|resume)' ;;
	connect) manual_options rpnc-tls.7 | grep -vE -- '--tls-resume' ;;
	probe) manual_options rpnc-tls.7 | grep -vE -- '--tls-lax-eof' ;;
	esac
	manual_options rpnc.1
}

# The same from --help.
help_options() {
	rpnc "$1" --help=all | awk '/^[A-Z][^:]*:$/ { heading = $0 }
	/^  +-/ {
		row = substr($0, 29, 1) == " " ? substr($0, 3, 26) : $0
		gsub(/^ +| +$/, "", row)
		print heading " " row
	}'
}

# mentioned COMMAND PAGE: each flag that a page speaks of, as "-x" or "--long",
# and whose: "echo -w" where it says so, else the command's.
mentioned() {
	awk -v own="$1" '/^\./ {
		flag = 0
		whose = own
		for (i = 1; i <= NF; i++) {
			word = $i
			sub(/^\./, "", word)
			if (word == "Cm" && $(i + 1) ~ /^(listen|echo|connect|probe)$/)
				whose = $(i + 1)
			if (word ~ /^[A-Z][a-z]$/)
				flag = word == "Fl"
			else if (flag && word ~ /^-?[A-Za-z0-9]/)
				print whose, "-" word
		}
	}' "$man/$2" | sort -u
}

# The flags of commands by their --help, each as "echo -w".
help_flags() {
	local c
	for c; do
		help_options "$c" | grep -oE -- '(^| )--?[A-Za-z0-9][a-z0-9-]*' |
			sed "s/^ */$c /"
	done | sort -u
}

# "left: name , pid": each kind of event with its fields, and with those of the
# objects in it, from the tables in FILE... A report of probe counts only when
# there is such a command.
event_fields() {
	awk -v probe="$(rpnc --help | grep -c '^  rpnc probe ')" '
	match($0, /const struct field [a-z_]+\[\] = \{/) {
		table = substr($0, RSTART + 19)
		sub(/\[.*/, "", table)
		where[table] = FILENAME
	}
	/^};/ { table = "" }
	table && /^\t(\{ "|[A-Z_]+\()/ && match($0, /"[a-z_0-9]+"/) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		if (/FIELD_DATA/)
			name = "text"
		fields[table] = fields[table] (fields[table] ? " , " : "") name
	}
	table { block[table] = block[table] $0 }
	/^\t\[EVENT_/ {
		split($0, part, "\"")
		sub(/ \},$/, "")
		sub(/.*, /, "")
		kind[$0] = kind[$0] " " part[2]
	}
	function show(name, table,   t) {
		print name ": " fields[table]
		for (t in fields)
			if (t != table && (where[t] == where[table] || t == "during_fields" || t == "reach_fields" ||
			    (t == "finding_fields" && table == "probe_fields")) &&
			    block[table] ~ "[ \t]" t "( \\)|\\)|,)" )
				show(name, t)
	}
	END {
		for (table in kind) {
			n = split(kind[table], names, " ")
			for (i = 1; i <= n; i++)
				if (table != "probe_fields" || probe)
					show(names[i], table)
		}
	}' "$@" | sort -u
}

# rooms: the rooms of the map in main.c, from the top down.
rooms() {
	sed -nE '/^ \*\/$/q; s/^ \*	([a-z][a-z\/.]*)	.*/\1/p' "$root/src/main.c"
}

# upward: of pairs of files (a/b.c c/d.h), those where the second stands above
# the first, or in no room of the map.
upward() {
	cat >"$BATS_TEST_TMPDIR/pairs"
	test "$(wc -l <"$BATS_TEST_TMPDIR/pairs")" -gt 50 || echo "few uses"
	awk 'function room(file) {
		return sub(/\/[^\/]*$/, "", file) ? file : "main.c"
	}
	NR == FNR { level[$1] = FNR; next }
	!(room($1) in level) || !(room($2) in level) {
		print $1, $2 ": not in the map of main.c"
		next
	}
	level[room($2)] < level[room($1)] {
		print $1 " uses " $2 ", which stands above it"
	}' <(rooms) "$BATS_TEST_TMPDIR/pairs"
}

# includes: "FILE INCLUDED" a line. calls: "FILE FILE NAME" a line, of the
# object files: the second defines a name that the first uses.
includes() {
	(cd "$root/src" && grep -r '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' .) |
		sed -E 's/^\.\/([^:]*):[^"]*"([^"]*)".*/\1 \2/'
}

calls() {
	(cd "$root/src" && find . -name '*.c') | sed 's/c$/o/' |
		(cd "$root/build${SAN:+-san}" && xargs nm -A) | sed 's/^\.\///; s/\.o:/.c /' |
		awk 'NF == 4 && $3 ~ /[TDBRC]/ { where[$4] = $1 }
		$2 == "U" { file[++n] = $1; used[n] = $3 }
		END {
			for (i = 1; i <= n; i++)
				if (used[i] in where && where[used[i]] != file[i])
					print file[i], where[used[i]], used[i]
		}'
}

# circles: of pairs of files, the modules that come back to themselves.
# x_internal.h is the private header of module x.
circles() {
	awk '{ sub(/(_internal)?\.[ch]$/, "", $1)
		sub(/(_internal)?\.[ch]$/, "", $2) }
		$1 != $2 { print $1, $2 }' | sort -u >"$BATS_TEST_TMPDIR/pairs"
	test "$(wc -l <"$BATS_TEST_TMPDIR/pairs")" -gt 50
	tsort "$BATS_TEST_TMPDIR/pairs" 2>&1 >/dev/null | none
}

@test "house: main.c has a map of all rooms" {
	rooms | sort >wanted
	find "$root/src" -name '*.[ch]' -printf '%P\n' | sed -E 's/\/[^/]*$//' |
		sort -u >got
	same wanted got
}

@test "house: a file includes its own room and those below it" {
	includes | upward | none
}

@test "house: a file calls its own room and those below it" {
	calls | upward | none
}

@test "house: no two modules include each other, over any detour" {
	includes | circles
}

@test "house: no two modules call each other, over any detour" {
	calls | circles
}

@test "house: no file is over 600 lines, no function over 100" {
	cd "$root/src"
	find . -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 600' | none
	ctags --quiet=yes --options=NONE --languages=C --langmap=C:.c.h --kinds-C=f \
		--fields=+ne -R -f - . |
		grep -v '^!' >"$BATS_TEST_TMPDIR/functions"
	test "$(wc -l <"$BATS_TEST_TMPDIR/functions")" -gt 100
	awk -F '\t' '{
		first = last = $0
		sub(/.*\tline:/, "", first)
		if (!sub(/.*\tend:/, "", last) || last - first + 1 > 100)
			print $2 ": " $1
	}' "$BATS_TEST_TMPDIR/functions" | none
}

@test "house: a function's name is defined in one file" {
	cd "$root/src"
	ctags --quiet=yes --options=NONE --languages=C --langmap=C:.c --kinds-C=f \
		-R -f - . | grep -v '^!' | cut -f 1,2 | sort -u |
		tee "$BATS_TEST_TMPDIR/functions" | cut -f 1 | uniq -d >"$BATS_TEST_TMPDIR/twice"
	test "$(wc -l <"$BATS_TEST_TMPDIR/functions")" -gt 1000
	# a callback has the name of its event, which a header declares
	grep -rhoE --include='*.h' '\(\*on_[a-z_]+\)\(' . | tr -d '(*)' |
		sort -u | comm -13 - "$BATS_TEST_TMPDIR/twice" >"$BATS_TEST_TMPDIR/found"
	grep -wFf "$BATS_TEST_TMPDIR/found" "$BATS_TEST_TMPDIR/functions" | none
}

# options_in FILE...: the string literals that name an option.
options_in() {
	awk '{
		gsub(/\\"|'"'\"'"'/, "")
	}
	/^[ \t]*(\/\*| \*)/ { next }
	{
		sub(/\/\*.*/, "")
		n = split($0, part, "\"")
		for (i = 2; i <= n; i += 2)
			if (part[i] ~ /(^|[ (:])(--[a-z]|-[a-zA-Z]([^a-zA-Z-]|$))/)
				print FILENAME ": " part[i]
	}' "$@"
}

@test "house: only the commands name options" {
	cd "$root/src"
	local files
	test "$(options_in app/options.c cmd/*.c | wc -l)" -gt 100
	# base/opt.c, app/options.c, app/settings.c: the options themselves
	# ops/test_server.c: the command line of a child that is rpnc
	# completion/: the scripts, and the options of the shells' own commands
	# report/, result.c, expected_shares.c, compare_results.c: notes of a
	# report, which say what to try next
	mapfile -t files < <(find . -mindepth 2 -name '*.[ch]' -printf '%P\n' |
		grep -vE '^(cmd|completion|report)/' | grep -vxF -e base/opt.c \
		-e app/options.c -e app/settings.c -e ops/test_server.c \
		-e probe/load/result.c -e probe/load/expected_shares.c \
		-e ops/compare_results.c)
	test "${#files[@]}" -gt 150
	options_in "${files[@]}" | none
}

@test "house: each header has a guard named after its path" {
	cd "$root/src"
	local file name lines headers=(*/*.h */*/*.h)
	test "${#headers[@]}" -gt 50
	for file in "${headers[@]}"; do
		name=${file^^}
		name=${name//[^A-Z0-9]/_}
		mapfile -t lines <"$file"
		test "${lines[0]}|${lines[1]}|${lines[-1]}" = \
			"#ifndef $name|#define $name|#endif" || echo "$file: want $name"
	done | none
}

@test "house: the manuals have no lint, and name each other" {
	local page c commands
	mandoc -T lint -W warning "$man"/*.[1-8] | none
	list_commands
	for c in "${commands[@]}"; do
		grep -qxF ".Xr rpnc 1 ," "$man/rpnc-$c.1"
	done
	for page in "$man"/*.[1-8]; do
		page=${page##*/}
		test "$page" = rpnc.1 ||
			section rpnc.1 "SEE ALSO" | grep -qE "^\.Xr ${page%.*} ${page##*.}( ,|\$)" ||
			echo "rpnc.1 does not name $page"
	done | none
	grep -qxF '.Xr rpnc 1 ,' "$man/rpnc-reuseport.7"
	# and no other page of rpnc's than there are
	sed -nE 's/^\.(Xr|It Xr) (rpnc[a-z-]*) ([1-8]).*/\2.\3/p' "$man"/* | sort -u |
		while read -r page; do
			test -e "$man/$page" || echo "$page"
		done | none
}

@test "house: --help and the manual list the same options, under the same headings" {
	local c commands
	list_commands
	for c in "${commands[@]}"; do
		help_options "$c" >wanted
		page_options "$c" >got
		same wanted got
	done
	test "$(wc -l <wanted)" -gt 15
}

@test "house: the manual's synopsis has the commands in the order of --help" {
	local commands
	list_commands
	printf '%s\n' "${commands[@]}" >wanted
	section rpnc.1 SYNOPSIS | awk '$1 == ".Cm" { print $2 }' >got
	same wanted got
}

@test "house: the manual speaks of no option that is not there" {
	local c page commands
	list_commands
	help_flags "${commands[@]}" >flags
	for c in "${commands[@]}"; do
		mentioned "$c" "rpnc-$c.1" | comm -23 - flags
	done | none
	{
		sed 's/^[a-z]* /rpnc /' flags
		printf 'rpnc %s\n' --version --completion
		cat flags
	} | sort -u >any
	for page in rpnc.1 rpnc-events.5 rpnc-hosts.7 rpnc-reuseport.7 rpnc-sandbox.7 \
		rpnc-sockopt.7 rpnc-tls.7; do
		mentioned rpnc "$page" | comm -23 - any
	done | none
	test "$(mentioned rpnc rpnc.1 | wc -l)" -gt 15
}

@test "house: the manual lists each kind of event with its fields" {
	event_fields "$root/src/report/event.c" "$root/src/report/probe.c" \
		"$root/src/report/group.c" "$root/src/report/during.c" \
		"$root/src/report/finding.c" "$root/src/report/reach.c" \
		"$root/src/report/compare.c" \
		"$root/src/report/watch.c" >wanted
	awk '
	$1 == ".It" { kind = $2 == "Ic" ? $3 : ""; first = 1; next }
	kind && $1 == ".Va" && (first || / , /) { print kind ": " substr($0, 5) }
	{ first = 0 }' "$man/rpnc-events.5" | sort >got
	same wanted got
	test "$(wc -l <wanted)" -gt 8
}

@test "house: the manual lists each command of the prompt" {
	sed -nE 's/^\t\{ "([a-z]+)", "([^"]*)",.*/\/\1 \2/p' "$root/src/session/commands.c" |
		sed 's/ $//' >wanted
	section rpnc-listen.1 "AT A PROMPT" | sed -nE '/^\.It Ic \//{
		s/^\.It Ic //
		s/ Ns \| Ns (Cm|Ar) /|/g
		s/ (Cm|Ar) / /g
		p
	}' >got
	same wanted got
}

@test "house: the manual lists each exit status" {
	sed -nE 's/^\tSTATUS_[A-Z]+ = ([0-9]+),.*/\1/p' "$root/src/base/fail.h" >wanted
	section rpnc.1 "EXIT STATUS" | sed -nE 's/^\.It ([0-9]+)$/\1/p' >got
	same wanted got
}

@test "house: no test sleeps" {
	needs_git
	# make demo pauses, so that it can be read
	tracked grep -nE -e '(^|[^a-z_.-])sleep +[^a-hj-z]' -e '(^|[^a-z_])(u|nano|clock_nano)?sleep\(' \
		-- tests ':!tests/house.bats' ':!tests/demo' | none
}

@test "house: what a test waits for is looked at each time" {
	needs_git
	# here the shell puts the value in before eventually is called
	tracked grep -nE 'eventually (test|\[|assert_equal) .*"\$\(' \
		-- tests ':!tests/house.bats' | none
}

@test "house: no test makes files elsewhere than in TMPDIR" {
	needs_git
	# only there tests/run finds what a test has left
	tracked grep -nE -e "(^|[ \"'=<>(])/tmp/" -e 'mktemp.* -p' \
		-- tests ':!tests/house.bats' ':!tests/bench/show.py' | none
}

@test "house: no file knows this machine" {
	needs_git
	local mine=/wor"k/" roots=/roo"t/"
	tracked grep -nIE "$mine" | none
	# make fresh is root's, in a Debian of its own
	tracked grep -nIE "$roots" -- ':!tests/fresh*' | none
	# nor where it gets its packages: mirrors, proxies, names without a dot
	tracked grep -nIoE '[a-z]+://[][A-Za-z0-9.:-]+' |
		grep -E '://([0-9]+\.|[^.]+$|.*(registry|prox|mirror|artifact|nexus|pypi|npmjs|debian|internal|\.lan|\.local))' |
		grep -vE '://(localhost|127\.0\.0\.1|\[::1\]|www\.debian\.org$)' | none
}

@test "house: the top level holds what it should and no more" {
	needs_git
	tracked ls-files | cut -d / -f 1 | sort -u |
		grep -vxE 'src|man|tests|Makefile|README|LICENSE|\..*' | none
	tracked ls-files --error-unmatch README LICENSE Makefile .ci/run man/rpnc.1
}

@test "house: what is built is ignored by git" {
	needs_git
	local product
	sed -n '/^clean:/{n;s/.*rm -rf //p;}' "$root/Makefile" | tr ' ' '\n' >products
	test "$(wc -l <products)" -gt 2
	while read -r product; do
		tracked check-ignore -q "$product" || tracked check-ignore -q "$product/" ||
			echo "$product"
	done <products | none
	tracked ls-files -ci --exclude-standard | none
}

@test "house: uninstall removes what install brought, and nothing else" {
	local stage=$BATS_TEST_TMPDIR/stage page pages
	mkdir -p "$stage"/usr/{bin,share/{doc,man/man{1,5,7}}} \
		"$stage"/usr/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
	touch "$stage/usr/bin/rpncx" "$stage"/usr/share/man/man1/{other,rpnc-other}.1
	mkdir -p "$stage/usr/lib/systemd/system"
	find "$stage" | sort >before
	make_again DESTDIR="$stage" PREFIX=/usr install
	"$stage/usr/bin/rpnc" --version
	pages=("$man"/*)
	test "${#pages[@]}" -gt 6
	for page in "${pages[@]}"; do
		cmp "$stage/usr/share/man/man${page##*.}/${page##*/}" "$page"
	done
	cmp "$stage/usr/share/bash-completion/completions/rpnc" <(rpnc --completion bash)
	cmp "$stage/usr/share/zsh/site-functions/_rpnc" <(rpnc --completion zsh)
	cmp "$stage/usr/share/fish/vendor_completions.d/rpnc.fish" <(rpnc --completion fish)
	for page in "$root"/src/examples/*; do
		cmp "$stage/usr/share/doc/rpnc/examples/${page##*/}" "$page"
	done
	grep -q '^ExecStart=/usr/bin/rpnc ' "$stage"/usr/lib/systemd/system/rpnc-*@.service
	make_again DESTDIR="$stage" PREFIX=/usr uninstall
	find "$stage" | sort >after
	same before after
}

@test "house: each kind of file is installed where its variable says, and removed there" {
	local stage=$BATS_TEST_TMPDIR/a\ stage where=() name
	for name in BINDIR MANDIR DOCDIR SYSTEMDUNITDIR BASHCOMPDIR ZSHCOMPDIR FISHCOMPDIR; do
		mkdir -p "$stage/$name"
		where+=("$name=/$name")
	done
	find "$stage" -type d | sort >before
	make_again DESTDIR="$stage" "${where[@]}" install
	(cd "$stage" && find . -type f | sort) >got
	grep -qx ./BINDIR/rpnc got
	grep -qx ./MANDIR/man1/rpnc-probe.1 got
	grep -qx ./DOCDIR/README got
	grep -qx ./BASHCOMPDIR/rpnc got
	grep -qx ./ZSHCOMPDIR/_rpnc got
	grep -qx ./FISHCOMPDIR/rpnc.fish got
	test "$(find "$stage" -type f -perm /111)" = "$stage/BINDIR/rpnc"
	test "$(find "$stage" -type f ! -perm 644)" = "$stage/BINDIR/rpnc"
	make_again DESTDIR="$stage" "${where[@]}" uninstall
	find "$stage" -type f | none
	# what holds only rpnc's own files is removed, too
	find "$stage/DOCDIR" 2>&1 | grep -v 'No such' | none
}
