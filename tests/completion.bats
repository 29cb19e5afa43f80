#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2016,SC2154
# Completion in bash, zsh and fish: what each offers, by the real shells.

load helpers
load completion

commands=(listen echo connect probe)

# listed SHELL COMMAND: the long options that it offers there.
listed() {
	"offers_$1" <<<"rpnc $2 --" | sed -n 's/\t.*//; s/^--//p' | sort
}

@test "completion: every long option is offered under its command, none of another" {
	local c shell
	scripts
	for c in "${commands[@]}"; do
		help_rows "$c" | cut -f 1 | sort >wanted
		test "$(wc -l <wanted)" -gt 30
		for shell in bash zsh fish; do
			listed "$shell" "$c" >got
			diff -u wanted got || fail "$c in $shell"
		done
	done
}

@test "completion: zsh and fish show the words of --help" {
	local c
	scripts
	for c in "${commands[@]}"; do
		help_rows "$c" | awk -F '\t' '{ print "--" $1 "\t" $3 }' | sort >wanted
		offers_fish <<<"rpnc $c --" | sed '/^$/d' | sort >got
		diff -u wanted got || fail "$c in fish"
		offers_zsh <<<"rpnc $c --" | sed -nE 's/\t.*  -- /\t/p' | sort >got
		diff -u wanted got || fail "$c in zsh"
	done
}

@test "completion: commands, names and letters are offered, each only once" {
	scripts
	expect 'rpnc ' "${commands[@]}" help
	expect 'rpnc li' listen
	expect 'rpnc help ' "${commands[@]}"
	expect 'rpnc help listen '
	expect 'rpnc -' -h --help -V --version --completion
	expect 'rpnc --completion ' bash zsh fish
	expect 'rpnc --completion=z' zsh
	expect 'rpnc --version '
	expect 'rpnc unknown --'
	expect_some 'rpnc listen -' -k --keep-open -4 --json --once
	expect 'rpnc listen --keep' --keep-open
	expect 'rpnc listen -k --keep'
	expect 'rpnc listen -rk --onc'
	expect 'rpnc listen -4 --ipv'
	expect 'rpnc listen --sockopt nodelay --socko' --sockopt
	# a value that looks like an option, or has the letter of one
	expect 'rpnc probe --send -- --timeo' --timeout
	expect 'rpnc probe --match --wait --wai' --wait
	expect 'rpnc listen -m4k --keep' --keep-open
	hold
}

# value_rows: "COMMAND NAME VALUE" of each option that takes a value.
value_rows() {
	local c
	for c in "${commands[@]}"; do
		help_rows "$c" | awk -F '\t' -v c="$c" '$2 != "" { sub(/^ /, "", $2); print c, $1, $2 }'
	done
}

@test "completion: a choice has its words, in each way to write it" {
	local c name value words
	scripts
	while read -r c name value; do
		[[ $value =~ ^[a-z0-9]+(\|[a-z0-9]+)+$ ]] || continue
		IFS='|' read -ra words <<<"$value"
		expect "rpnc $c --$name " "${words[@]}"
		expect "rpnc $c --$name=" "${words[@]}"
	done < <(value_rows)
	test "${#lines[@]}" -gt 30
	expect 'rpnc echo -rw ' auto
	expect 'rpnc listen --leave=d' drain
	expect 'rpnc listen --help=' all
	expect 'rpnc listen --tls-alpn h2,h' h2 http/1.1
	expect 'rpnc probe --fail-flags=STUCK,FU' FULL
	hold
}

# words_of LINE: what bash offers.
words_of() {
	offers_bash <<<"$1" | sed '/^$/d'
}

@test "completion: rpnc takes the words that --help does not list" {
	local word
	scripts
	reserve
	words_of 'rpnc echo --steer ' >steer
	words_of 'rpnc probe --ask ' >ask
	words_of 'rpnc probe --group --fail-flags ' >flags
	words_of 'rpnc echo --sockopt ' >sockopt
	words_of 'rpnc connect --proxy ' >proxy
	wc -l steer ask flags sockopt proxy | awk '$1 < 3 { exit 1 }'
	while read -r word; do
		[[ $word != *= ]] || word+=0
		rpnc echo -r --check --steer "$word" "$port" ||
			rpnc echo -ru --check --steer "$word" "$port"
	done <steer
	while read -r word; do
		run rpnc probe --ask "$word" -n 1 127.0.0.1 "$port"
		refute_output --partial want
	done <ask
	while read -r word; do
		run rpnc probe --group --fail-flags "$word" 127.0.0.1 "$port"
		refute_output --partial want
	done <flags
	while read -r word; do
		[[ $word != *= ]] || word+=1
		run rpnc echo --check --sockopt "$word" "$port"
		refute_output --partial 'no such'
	done <sockopt
	while read -r word; do
		run rpnc connect --proxy "${word}127.0.0.1:$port" 127.0.0.1 "$port"
		refute_output --partial want
	done <proxy
}

@test "completion: files where an option takes one, and nothing for numbers, times and texts" {
	local c name value files=0
	scripts
	touch afile
	while read -r c name value; do
		case $name=$value in
		*=FILE)
			expect "rpnc $c --$name af" afile
			expect "rpnc $c --$name=af" afile
			files=$((files + 1))
			;;
		# these have words
		*'|'* | *=IF | *=PID | *=HOST | *=ADDR | *=URL | *=CHANGE | help=* | steer=* | ask=* | \
			sockopt=* | allow*=* | deny=* | fail-flags=* | tls-alpn=*) ;;
		*=\[=*) expect "rpnc $c --$name=" ;;
		*) expect "rpnc $c --$name " ;;
		esac
	done < <(value_rows | sort -u -k 2,3)
	test "$files" -gt 7
	test "${#lines[@]}" -gt 50
	expect 'rpnc probe --compare '
	expect 'rpnc probe --merge af' afile
	expect 'rpnc connect -U af' afile
	expect 'rpnc connect host 9000 '
	expect 'rpnc probe 9000 '
	expect 'rpnc listen -rm '
	hold
}

@test "completion: ports that listen, members by name and pid, processes to adopt" {
	scripts
	start echo -r --name first 127.0.0.1 0
	local one=$port first=$pid
	start echo -r --name second 127.0.0.1 0
	expect_some 'rpnc connect ' "$one" "$port"
	expect_some 'rpnc probe localhost ' "$one" "$port"
	expect_some 'rpnc listen -r 127.0.0.1 ' "$one" "$port"
	expect 'rpnc listen 127.0.0.1 '
	expect_some 'rpnc connect --to ' first "$first" second "$pid"
	expect "rpnc connect $one --to " first "$first"
	expect "rpnc connect 127.0.0.1:$one --to " first "$first"
	expect "rpnc probe 127.0.0.1 $port --quarantine=" second "$pid"
	expect 'rpnc echo -r --replace se' second
	expect_some 'rpnc listen --adopt ' "$first" "$pid"
	expect "rpnc listen --adopt $first --adop"
	hold
	reserve
	start echo -ru --name third 127.0.0.1 "$port"
	expect_some 'rpnc connect -u ' "$port"
	expect "rpnc connect -u $port --to " third "$pid"
	hold
	words_of 'rpnc connect -u --to ' >datagram
	run ! grep -x first datagram
	stop
	words_of 'rpnc connect --to ' >after
	run ! grep -x first after
}

@test "completion: interfaces, addresses, congestion controls, users, hosts" {
	local controls
	scripts
	mkdir .ssh
	echo 'elsewhere.test ssh-ed25519 AAAA' >.ssh/known_hosts
	read -ra controls </proc/sys/net/ipv4/tcp_available_congestion_control
	expect 'rpnc listen --congestion ' keep "${controls[@]}"
	expect_some 'rpnc listen --interface ' lo
	expect_some 'rpnc listen ' 127.0.0.1
	expect_some 'rpnc connect -s ' 127.0.0.1
	expect_some 'rpnc listen --allow-user nobody,ro' root
	hold
	expect_some 'rpnc connect ' elsewhere.test
	expect_some 'rpnc probe --tls-name=else' elsewhere.test
	hold zsh fish
	expect_some 'rpnc connect ' localhost
	hold bash
}

@test "completion: a name that a shell would obey is not offered" {
	unshare -Urn true || skip "no namespaces here"
	# shellcheck disable=SC2016
	run -0 unshare -Urn bash -c 'ip link add "a\$(b)" type dummy || ip link set lo name "a\$(b)"
		ip -o link
		rpnc --complete interfaces | sed "s/^/offered: /"'
	assert_output --partial '$(b)'
	refute_output --regexp 'offered: a'
}

# refusal MODE NAME VALUE: what probe says to that option beside the mode, and
# beside what the option needs. The address is wrong, so that it ends there at the
# latest.
refusal() {
	local value=${3# } needed=()
	value=${value%%|*}
	[[ $value != \[* ]] || value=
	case $2 in
	tls-key) needed=(--tls --tls-cert x) ;;
	tls-*) needed=(--tls) ;;
	proxy-auth-file) needed=(--proxy http://127.0.0.1:1) ;;
	slow | hold | max-gap) needed=(--during) ;;
	expect-members) needed=(--group) ;;
	esac
	# shellcheck disable=SC2086
	run rpnc probe --$1 "--$2" ${value:+"${value//[A-Z]*/1}"} "${needed[@]}" not:a:port:1
}

@test "completion: beside a mode of probe, what is offered is what the mode takes" {
	local mode name value shell
	scripts
	help_rows probe >rows
	for mode in group during compare merge 'quarantine x' watch; do
		for shell in bash zsh fish; do
			"offers_$shell" <<<"rpnc probe --$mode --" |
				sed -n 's/\t.*//; s/^--//p' | sort >"got.$shell"
		done
		diff got.bash got.zsh
		diff got.bash got.fish
		while IFS=$'\t' read -r name value _; do
			test "$name" != "${mode% *}" || continue
			refusal "$mode" "$name" "$value"
			if grep -qx -- "$name" got.bash; then
				refute_output --partial "--$name: not with "
				test "$status" -lt 7
			else
				echo "$mode: $output" >>hidden
				test "$status" -eq 2
			fi
		done <rows
		test "$(wc -l <got.bash)" -gt 10
	done
	grep -c ': not with ' hidden
	# all others are refused for a rule of their own, not for what is missing
	run ! grep -E 'not:a:port|goes with|want ' hidden
	test "$(wc -l <hidden)" -gt 100
}

@test "completion: behind -- the shell completes the command" {
	scripts
	touch afile
	expect_some 'rpnc listen 9000 -- tru' true
	expect 'rpnc probe --during 9000 -- cat af' afile
	expect 'rpnc connect 9000 -- --js'
	hold
	expect 'rpnc listen 9000 -- rpnc connect --unt' --until
	expect 'cat x | rpnc connect --unt' --until
	hold zsh fish
}

@test "completion: another word than a shell's name, or than a kind, is refused" {
	run -2 rpnc --completion csh
	assert_output 'rpnc: --completion csh: want bash|zsh|fish'
	run -2 rpnc --completion
	run -2 rpnc --complete anything
	run -2 rpnc --complete
	run -2 rpnc --completions bash
}
