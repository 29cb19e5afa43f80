# What is typed wrongly, at the command line of every command: one line that
# says what to do, status 2. And what --help says.
# shellcheck shell=bash disable=SC2030,SC2031,SC2154

load helpers

commands=(listen echo connect)

# What sort of value an option takes is seen from --help; of a number or a time
# only this table knows the least and the most, or that 0 is not enough.
declare -gA sorts=(
	[--accept-timeout]='time 1'
	[--adopt]='number 1 2147483647'
	[--backlog]='number 1 2147483647'
	[--connect-timeout]='time 1'
	[--idle-timeout]='time 1'
	[--max-conns]='number 1 1000000'
	[--ready-fd]='number 3 1048576'
	[--source-port]='number 1 65535'
	[--to]=member
	[--workers]=workers
)

# sort_of OPTION ARG: into sort.
sort_of() {
	case ${sorts[$1]-}:$2 in
	[!:]*:*) read -ra sort <<<"${sorts[$1]}" ;;
	*'|'*) sort=(choice) ;;
	:TIME) sort=(time 0) ;;
	:N | :COUNT) sort=(number '' '') ;;
	:NAME) sort=(name) ;;
	*) sort=(text) ;;
	esac
}

numbers=(x 1x 1.5 -1 ' 1' '1 ' +1 0x1 1e3 99999999999999999999 $'1\n')
times=(x 1x -1 ' 1' '1 s' 1e3 inf nan . .s 1.2.3 0x1 1d 8761h 99999999999999999999)

# bad_values SORT ARG...: what an option of that sort must refuse, in bad.
bad_values() {
	bad=('')
	case $1 in
	number) bad+=("${numbers[@]}" ${2:+$(($2 - 1)) $(($3 + 1))}) ;;
	time)
		bad+=("${times[@]}")
		test "$2" -eq 0 || bad+=(0 0s 0ms 0.0)
		;;
	choice) bad+=(x AUTO a 'auto,' 'auto|always' ' auto') ;;
	name) bad+=(1a 'a b' a/1 -a _a abcdefghijklmnopq $'a\n' ä 'A,B') ;;
	member) bad+=(0 1a 'a b' a/ a/x a/-1 a/1/2 /1 _a $'a\n' ä 'a|b') ;;
	workers) bad+=("${numbers[@]}" 0 129 autos AUTO) ;;
	text) ;;
	*) fail "$1: no such sort" ;;
	esac
}

# rows COMMAND: "-w --workers N|auto" a line, with "-" for no letter. Options
# whose value may be left out, as in --busy[=TIME], are not among them.
rows() {
	rpnc "$1" --help=all | sed -nE '
		s/^  (-.), (--[a-z0-9-]+)( ([^ ]+).*|  .*|$)/\1 \2 \4/p
		s/^      (--[a-z0-9-]+)( ([^ ]+).*|  .*|$)/- \1 \3/p'
}

# refused WANT ARG...: rpnc says one line about it, with WANT (an extended
# regular expression) in it, and ends with status 2.
refused() {
	local want=$1 status=0 lines
	shift
	rpnc "$@" </dev/null >out 2>err || status=$?
	mapfile -t lines <err
	if test "$status" -ne 2 -o "${#lines[@]}" -ne 1 -o -s out; then
		fail "rpnc ${*@Q}: status $status, out: $(cat out), err: $(cat err)"
	fi
	case ${lines[0]} in
	"rpnc $1: "*) ;;
	*) fail "rpnc ${*@Q} says: ${lines[0]}" ;;
	esac
	[[ ${lines[0]} =~ $want ]] ||
		fail "rpnc ${*@Q} says: ${lines[0]}, and that has no $want"
}

# ends STATUS WANT ARG...: the same for another status.
ends() {
	local expected=$1 want=$2
	shift 2
	run --separate-stderr timeout 60 rpnc "$@" </dev/null
	assert_equal "$status" "$expected"
	assert_equal "$output" ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" "^rpnc $1: "
	assert_regex "$stderr" "$want"
}

bats_require_minimum_version 1.5.0

@test "usage: an option without its value says what value it wants" {
	local c letter long arg
	for c in "${commands[@]}"; do
		while read -r letter long arg; do
			test -n "$arg" || continue
			refused "$long wants a value: ${arg//|/.}\$" "$c" "$long"
			test "$letter" = - ||
				refused "$long wants a value" "$c" "$letter"
		done < <(rows "$c")
	done
}

@test "usage: an option's bad value is refused with what would be a good one" {
	local c letter long arg sort value bad
	local -A seen=()
	for c in "${commands[@]}"; do
		while read -r letter long arg; do
			test -n "$arg" || continue
			sort_of "$long" "$arg"
			bad_values "${sort[@]}"
			refused "$long.*(want|not an open)" "$c" "$long=${bad[-1]}" 1
			# the commands share a table: all values once will do
			test -z "${seen[$long]-}" || bad=("${bad[@]:0:2}")
			seen[$long]=yes
			for value in "${bad[@]}"; do
				refused "$long.*(want|not an open)" "$c" "$long" "$value" 1
			done
		done < <(rows "$c")
	done
}

@test "usage: a bad value of any length leaves room for what is wanted" {
	local long
	long=$(printf 'x%.0s' {1..2000})
	refused 'want 1 to' echo -w "$long" 1
	refused 'want a whole' listen --backlog "$long" 1
	refused 'such as' connect --wait "$long" 1
	refused 'want auto' connect --color "$long" 1
	refused 'want a letter' echo --name "$long" 1
	refused 'neither a port' listen "$long"
	refused 'want 0 to 65535' listen "${long//x/9}"
	refused 'too long' listen "$long" 1
	refused 'no such option' listen "--$long" 1
	refused 'too many words' connect host 1 "$long"
}

@test "usage: a value where none belongs is refused" {
	local c letter long arg count=0
	for c in "${commands[@]}"; do
		while read -r letter long arg; do
			test -z "$arg" || continue
			refused "$long takes no value" "$c" "$long=1" 1
			count=$((count + 1))
		done < <(rows "$c")
	done
	test "$count" -gt 40
}

# understood OPTION [VALUE]: $c goes on to what comes behind it, its --help.
understood() {
	rpnc "$c" "$@" --help=all </dev/null >out
	test "$(<out)" = "$(<help)"
}

@test "usage: what is listed by --help is understood, each option once" {
	local c letter long arg value sort
	for c in "${commands[@]}"; do
		rpnc "$c" --help=all >help
		# shellcheck disable=SC2094 # the rows of --help, not of the file
		rows "$c" >rows
		test "$(wc -l <rows)" -gt 15
		assert_equal "$(grep '^ *-' help | grep -vc '\[=')" "$(wc -l <rows)"
		assert_equal "$(cut -d' ' -f2 rows | sort | uniq -d)" ''
		assert_equal "$(cut -d' ' -f1 rows | grep -v '^-$' | sort | uniq -d)" ''
		while read -r letter long arg; do
			value=()
			sort_of "$long" "$arg"
			case $arg:${sort[0]} in
			:*) ;;
			*:choice) value=("${arg%%|*}") ;;
			*:text | *:name) value=(good.name) ;;
			*) value=(3) ;;
			esac
			understood "$long" "${value[@]}"
			test "$letter" = - || understood "$letter" "${value[@]}"
		done <rows
	done
}

@test "usage: a letter that --help does not list is refused by its name" {
	local c letter rows
	for c in "${commands[@]}"; do
		rows=$(rows "$c")$'\n-h --help'
		for letter in {a..z} {A..Z} {0..9} @ ? : + ';'; do
			[[ $'\n'$rows == *$'\n'"-$letter --"* ]] ||
				refused "^rpnc $c: -[$letter]: ." "$c" "-$letter" 1
		done
	done
}

@test "usage: nc's options that mean something else here get a hint" {
	local c
	for c in "${commands[@]}"; do
		refused "'rpnc listen'" "$c" -l 9000
		refused "'rpnc probe -q -n 1'" "$c" -z host 9000
		refused 'end of stdin half-closes' "$c" -N host 9000
		refused "'rpnc listen" "$c" -e /bin/sh 9000
		refused 'sockopt tos=ef' "$c" -T ef 9000
		refused "'rpnc listen" "$c" -c ls 9000
	done
	refused '--connect-timeout and --idle-timeout' connect -w 5 host 9000
	refused "nc's -w is --idle-timeout here" listen -w 5 9000
	refused "nc's -w is --connect-timeout here" probe -w 5 host 9000
	refused 'listen -r' connect -r host 9000
	refused '9000' listen -p 9000
	refused 'HOST PORT' echo -s 127.0.0.1 9000
	refused "rpnc listen" connect -k host 9000
	refused 'say -n' connect -d host 9000
	refused 'say </dev/null' listen -d 9000
}

# -q is "quiet" here: nc's -q SECONDS leaves its number among the words.
@test "usage: nc's -q 1 is answered with what to do instead" {
	refused "-q 1: nc's -q is not needed" connect -q 1 host 9000
}

@test "usage: long options are never abbreviated" {
	refused 'mean --keep-open' listen --keep 9000
	refused 'mean --reuseport' listen --reuse 9000
	refused 'mean --json' connect --jso 9000
	refused 'mean --name' echo --nam=x 9000
	refused 'mean --name' echo --nam x 9000
	refused 'mean --workers' echo --worker 3 9000
	refused 'mean --keep-open' listen --keep_open 9000
}

@test "usage: an option of another command, or of none, is called by its name" {
	refused '^rpnc listen: --source: no such option' listen --source 127.0.0.1 9000
	refused '^rpnc connect: --ready-fd: no such option' connect --ready-fd 5 9000
	refused '^rpnc echo: --keep-open: no such option' echo --keep-open 9000
	refused "^rpnc echo: --: no such|which port" echo --
	refused "see 'rpnc connect --help'" connect --qwertyuiop 9000
}

@test "usage: a port must be a number up to 65535 or a known service" {
	local c word
	for c in "${commands[@]}"; do
		for word in 65536 99999999999999999999 -1; do
			refused '0 to 65535' "$c" -- "$word"
			refused '0 to 65535' "$c" -- host "$word"
			refused '0 to 65535' "$c" "host:$word"
			refused '0 to 65535' "$c" "[::1]:$word"
		done
		for word in 12x 0x50 1.5 ' 80' '80 ' +80 no-such-service 80,81 $'80\n'; do
			refused 'neither a port number nor a known service' "$c" "$word"
			refused 'neither a port number nor a known service' "$c" host "$word"
		done
		refused 'ports are 0 to 65535' "$c" -1
	done
}

@test "usage: a word that is half an address says what is missing" {
	local c
	for c in "${commands[@]}"; do
		refused 'which port' "$c"
		refused 'port is empty' "$c" ''
		refused 'port is empty' "$c" host ''
		refused 'port is empty' "$c" host:
		refused 'port is empty' "$c" '[::1]:'
		refused 'host is empty' "$c" :
		refused 'host is empty' "$c" :80
		refused 'host is empty' "$c" '[]:80'
		refused 'host is empty' "$c" '' 80
		refused '\[ADDRESS\]:PORT' "$c" '[::1'
		refused '\[ADDRESS\]:PORT' "$c" '[::1]'
		refused '\[ADDRESS\]:PORT' "$c" ::1
		refused '\[ADDRESS\]:PORT' "$c" ::1:80
		refused "1:2 has a port already: '80' is too much" "$c" 1:2 80
		refused "has a port already: 'cat' is too much" "$c" '[::1]:80' cat
		refused 'TCP:localhost:80: want HOST:PORT' "$c" TCP:localhost:80
		refused 'not an IPv6 address' "$c" '[::g]:80'
		refused 'too many words: c' "$c" a b c
	done
	refused 'want 1 to 65535' connect 0
	refused 'want 1 to 65535' connect host:0
}

@test "usage: an address of the family that was ruled out is refused" {
	local c
	for c in "${commands[@]}"; do
		refused "::1 is an IPv6 address: -4 can't" "$c" -4 ::1 80
		refused "::1 is an IPv6 address: -4 can't" "$c" -4 '[::1]:80'
		refused "127.0.0.1 is an IPv4 address: -6 can't" "$c" -6 127.0.0.1:80
		refused '-4 and -6' "$c" -4 -U sock
		refused '-4 and -6' "$c" -6 unix:sock
	done
}

@test "usage: a Unix socket needs one path of at most 107 bytes" {
	local c path
	path=$(printf 'x%.0s' {1..108})
	for c in "${commands[@]}"; do
		refused 'one path' "$c" -U
		refused 'one path' "$c" -U a b
		refused 'no port' "$c" unix:a 80
		refused 'path is empty' "$c" -U ''
		refused 'path is empty' "$c" unix:
		refused 'name is empty' "$c" unix:@
		refused '108 bytes: at most 107' "$c" -U "$path"
		refused '108 bytes: at most 107' "$c" "unix:@${path#?}"
		refused 'has no interface|source address' "$c" --interface lo -U a
	done
	start echo -U "${path#?}"
	test -S "${path#?}"
	run timeout 20 rpnc connect "unix:${path#?}" <<<fits
	assert_output fits
}

@test "usage: options that exclude each other are refused" {
	local c
	for c in "${commands[@]}"; do
		refused '-q and -v' "$c" -q -v 80
		refused '-q and -v' "$c" -vq 80
	done
	refused 'serves many' listen -k --once 80
	refused 'no SO_REUSEPORT' listen -r -U a
	refused 'no SO_REUSEPORT' echo -r -U a
	refused 'port 0' listen -u -r 0
	refused 'port 0' echo -u -r 0
	refused '--until input waits for the end of stdin' connect --until input -n 80
	refused '--until input waits for the end of stdin' listen --until input 0
	refused '--until: datagrams' connect --until peer -u 80
	refused '--until: datagrams' listen --until both -u 80
	refused '--both: both ends are awaited anyway' connect --both 80
	refused '--both: both ends are awaited anyway' listen --both 80
	refused 'choose' echo --chargen --discard 0
	refused 'choose' echo --discard --chargen 0
	refused 'no source' connect -s 127.0.0.1 -U a
	refused 'no source' connect -p 80 -U a
	refused 'not an open descriptor' listen --ready-fd 999 0
	refused 'not an open descriptor' echo --ready-fd 1 0
}

@test "usage: a host that nobody knows is status 3" {
	local c
	export RES_OPTIONS='timeout:1 attempts:1'
	for c in "${commands[@]}"; do
		ends 3 '^rpnc [a-z]*: no-such-host\.invalid: ' "$c" no-such-host.invalid 80
		ends 3 '^rpnc [a-z]*: localhost: ' "$c" --numeric localhost 80
	done
	ends 3 '^rpnc connect: no-such-host\.invalid: ' \
		connect -s no-such-host.invalid 127.0.0.1 80
}

@test "usage: a file in a Unix socket's place stays: listen 5, connect 1" {
	local c
	echo precious >file
	mkdir directory
	for c in listen echo; do
		ends 5 'unix:file: ' "$c" -U file
		ends 5 'unix:file: ' "$c" -u -U file
		ends 5 'unix:directory: ' "$c" -U directory
		ends 5 'unix:none/sock: ' "$c" -U none/sock
	done
	ends 1 'unix:file: ' connect -U file
	ends 1 'unix:file: ' connect -u -U file
	ends 1 'unix:none: ' connect -U none
	assert_equal "$(cat file)" precious
	test -d directory
}

# unknown WORD NEAREST
unknown() {
	run -2 --separate-stderr timeout 20 rpnc "$1" 0 </dev/null
	assert_equal "$output" ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" "^rpnc: .*: no such command.*${2:+"'rpnc $2'"}"
}

@test "usage: an unknown command names the nearest, and nothing is guessed" {
	unknown lis listen
	unknown liste listen
	unknown listens listen
	unknown LISTEN 'connect LISTEN 0'
	unknown lsiten listen
	unknown ech echo
	unknown ecko echo
	unknown c '[a-z]+'
	unknown conn connect
	unknown conect connect
	unknown connected connect
	unknown '' '[a-z]+'
	unknown $'lis\nten' listen
	unknown "$(printf 'x%.0s' {1..3000})" ''
	run -2 --separate-stderr rpnc foo
	assert_equal "$stderr" \
		'rpnc: foo: no such command: there are listen, echo, connect and probe'
}

@test "usage: a port before the command gets a hint that helps" {
	hinted() {
		run -2 --separate-stderr timeout 20 rpnc "${@:2}" </dev/null
		assert_equal "$output" ''
		assert_equal "$stderr" "rpnc: $2: $1"
	}
	hinted "the command comes first: 'rpnc listen 9000' or 'rpnc connect \
9000'?" 9000
	hinted "the command comes first: 'rpnc listen 9000'" 9000 listen
	hinted "the command comes first: 'rpnc connect 0'" 0 connect
}

@test "usage: a word of another tool before the command gets the line that is meant" {
	local words meant
	while IFS='|' read -r words meant; do
		# shellcheck disable=SC2086 # words are words
		run -2 --separate-stderr timeout 20 rpnc $words </dev/null
		assert_equal "$output" ''
		assert_equal "$stderr" \
			"rpnc: ${words%% *}: no such command; did you mean $meant?"
	done <<-'END'
		localhost 80|'rpnc connect localhost 80'
		localhost:80|'rpnc connect localhost:80'
		192.0.2.1 80|'rpnc connect 192.0.2.1 80'
		::1 80|'rpnc connect ::1 80'
		http://localhost/x|'rpnc connect localhost 80'
		https://[::1]:8443/x|'rpnc connect [::1] 8443'
		serve|'rpnc listen' or 'rpnc echo'
		server 9000|'rpnc listen' or 'rpnc echo'
		client localhost 80|'rpnc connect'
		scan host|'rpnc probe'
		conect localhost 80|'rpnc connect'
	END
}

@test "usage: help, help COMMAND and -V are what --help and --version are" {
	local c
	run -0 rpnc help
	assert_equal "$output" "$(rpnc --help)"
	run -0 rpnc -V
	assert_equal "$output" "$(rpnc --version)"
	for c in listen echo connect probe; do
		run -0 rpnc help "$c"
		assert_equal "$output" "$(rpnc "$c" --help)"
	done
}

@test "usage: options of other tools get a hint, in every command" {
	local c option
	for c in listen echo connect probe; do
		run -2 --separate-stderr rpnc "$c" --ssl localhost 80
		assert_equal "$stderr" "rpnc $c: --ssl: --tls encrypts, and verifies \
the peer"
		for option in --exec --sh-exec; do
			run -2 --separate-stderr rpnc "$c" "$option" localhost 80
			assert_regex "$stderr" "^rpnc $c: $option: .*'rpnc listen( |')"
		done
		test "$c" = probe || {
			run -2 --separate-stderr rpnc "$c" --timeout 5 localhost 80
			assert_regex "$stderr" '^rpnc .*: --timeout: .*--idle-timeout'
		}
	done
	for c in listen connect; do
		run -2 --separate-stderr rpnc "$c" -i 1 localhost 80
		assert_regex "$stderr" "^rpnc $c: -i: .*--delay.*--idle-timeout"
		run -2 --separate-stderr rpnc "$c" --recv-only localhost 80
		assert_regex "$stderr" "^rpnc $c: --recv-only: .*</dev/null"
		run -2 --separate-stderr rpnc "$c" --send-only localhost 80
		assert_regex "$stderr" "^rpnc $c: --send-only: .*>/dev/null"
	done
}

@test "usage: a URL, or an address without its interface, gets one line" {
	local c scheme='http://'
	for c in listen echo connect probe; do
		refused 'http://localhost/x: a URL; say host and port: localhost 80$' "$c" \
			http://localhost/x
		refused 'say host and port: localhost 8080$' "$c" https://localhost:8080
		refused 'say host and port: localhost PORT$' "$c" nosuch://localhost/
		refused 'say host and port: localhost 81$' "$c" http://localhost@localhost:81
		refused 'say host and port: HOST PORT$' "$c" "$scheme:80/"
		refused 'fe80::1: a link-local address needs its interface: fe80::1%eth0$' \
			"$c" fe80::1 80
	done
}

@test "usage: weights and commands in the wrong place are told theirs" {
	local c
	for c in listen echo; do
		refused "one word: --steer 'weights A=70,B=30'$" "$c" -r \
			--steer weights A=70,B=30 9000
	done
	refused '^rpnc probe: -- true: a command goes with --during$' \
		probe 9000 -- true
	refused 'say HOST PORT$' probe -- true
}

@test "usage: an option before the command is told to come later" {
	local option
	for option in -l --json -k --; do
		run -2 --separate-stderr timeout 20 rpnc "$option" 9000 </dev/null
		assert_equal "$output" ''
		assert_equal "${#stderr_lines[@]}" 1
		assert_regex "$stderr" '^rpnc: .*the command comes first'
	done
}

@test "usage: rpnc alone shows its usage on stderr, with status 2" {
	run -2 --separate-stderr rpnc
	assert_equal "$output" ''
	assert_regex "$stderr" 'rpnc listen .*rpnc echo .*rpnc connect '
}

@test "usage: --help and --version answer on stdout, with status 0" {
	local c
	run -0 --separate-stderr rpnc --help
	assert_equal "$stderr" ''
	for c in "${commands[@]}"; do
		assert_line --regexp "^  rpnc $c "
	done
	run -0 --separate-stderr rpnc --version
	assert_equal "$stderr" ''
	assert_regex "${lines[0]}" '^rpnc [0-9]+\.[0-9]+\.[0-9]+$'
	for c in "${commands[@]}"; do
		run -0 --separate-stderr rpnc "$c" --help
		assert_equal "$stderr" ''
		assert_regex "${lines[0]}" "^usage: rpnc $c .*port( \[-- COMMAND\])?\$"
		cp /dev/null help && rpnc "$c" --help >help
		rpnc "$c" -h | cmp - help
		rpnc "$c" --help 9000 | cmp - help
	done
}

@test "usage: a start loads no library that only a prompt needs" {
	# ldd(1) is of glibc
	"$(readelf -lW "$RPNC" | sed -n 's/.*interpreter: \(.*\)]/\1/p')" --list "$RPNC" >libraries
	grep -q libc libraries
	test -z "$(grep -E 'readline|tinfo|ssl|crypto' libraries)"
}

@test "usage: --help fits a terminal of 24 lines and 80 columns" {
	local c
	for c in '' "${commands[@]}" probe; do
		# shellcheck disable=SC2086 # none at all for ''
		rpnc $c --help | awk 'length > 79 { print; bad = 1 }
			END { print NR; exit bad || NR > 23 || NR < 5 }'
	done
}

@test "usage: --help names each option that --help=all explains" {
	local c
	for c in "${commands[@]}" probe; do
		rpnc "$c" --help=all | awk 'length > 79 { print; bad = 1 } END { exit bad }'
		rpnc "$c" --help=all | sed -nE 's/^  +(-.),? .*/\1/p
			s/^  +(--[a-z0-9-]+).*/\1/p' | sort >wanted
		rpnc "$c" --help | sed -nE '/^usage/d
			/^More/d
			s/^  (-.), .*/\1/
			s/^      (--[a-z0-9-]+) +[^ -].*/\1/
			p' | grep -oE -- '(^| )--?[A-Za-z0-9][a-z-]*' | tr -d ' ' |
			sort >got
		diff wanted got
		test "$(wc -l <got)" -gt 20
	done
}

@test "usage: probe --help begins with what there is to do" {
	run -0 rpnc probe --help
	assert_regex "${lines[2]} ${lines[3]}" '^What to do:   .*--group '
	run -0 --separate-stderr rpnc connect --help=all
	assert_line 'Connecting:'
	assert_line --partial '250ms'
	refused '--help=al: want --help or --help=all' connect --help=al
}

@test "usage: --help that can't be written is said, with status 1" {
	local c words status
	for c in --help --version "listen --help" "echo --help" "connect --help"; do
		read -ra words <<<"$c"
		status=0
		rpnc "${words[@]}" >/dev/full 2>err || status=$?
		assert_equal "$status" 1
		assert_regex "$(cat err)" '^rpnc.*: stdout: No space left on device$'
		status=0
		rpnc "${words[@]}" >&- 2>err || status=$?
		assert_equal "$status" 1
		assert_regex "$(cat err)" '^rpnc.*: stdout: Bad file descriptor$'
	done
}

@test "a TIME may begin with its point" {
	run timeout 20 rpnc connect --connect-timeout .5 127.0.0.1 1
	refute_output --partial 'want a time'
	run -2 rpnc connect --connect-timeout . 127.0.0.1 1
	assert_output --partial 'want a time'
}

@test "nc's -q with its number gets a hint, and is no host" {
	run -2 timeout 20 rpnc connect -q 1 127.0.0.1 9
	assert_output --partial "-q 1: nc's -q is not needed"
	run -2 timeout 20 rpnc connect -q 1 9
	assert_output --partial "-q 1: nc's -q is not needed"
}

@test "usage: --help of an option for two modes names both, as its refusal does" {
	local o mode
	for o in --force --yes; do
		run -2 rpnc probe "$o" 9000
		assert_output --partial 'goes with --quarantine and --rescue'
		for mode in --quarantine --rescue; do
			rpnc probe --help=all | grep -E -- "^ +$o .*$mode"
		done
	done
}
