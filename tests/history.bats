# What was typed at prompts, in real terminals (tmux): the file that keeps it,
# and letters that are not ASCII.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0
load helpers
load terminal

# prompt NAME [VARIABLE=VALUE...]: a listener at a prompt there.
prompt() {
	pane "$1" env "${@:2}" rpnc listen -k --prompt=always 0
	listening "$1"
	prompts "$1" '[0 open]>'
}

quits() {
	enter "$1" /quit
	eventually gone "$(process "$1")"
}

old_lines() {
	(umask 077; mkdir -p state/rpnc)
	seq -f 'old %g' "$1" >state/rpnc/history
	chmod 600 state/rpnc/history
}

has_line() {
	grep -qxF -- "$1" state/rpnc/history
}

@test "history: of prompts that are used at once no line is lost" {
	local n name
	old_lines 1040
	for name in a b c; do prompt "$name"; done
	for n in {1..40}; do
		for name in a b c; do enter "$name" "/who $name $n"; done
	done
	for name in a b c; do quits "$name"; done
	for name in a b c; do
		assert_equal "$(grep -c "^/who $name " state/rpnc/history)" 40
		# in the order in which they were typed
		assert_equal "$(grep "^/who $name " state/rpnc/history)" \
			"$(seq -f "/who $name %g" 40)"
	done
	assert_equal "$(stat -c '%a %F' state/rpnc/history)" '600 regular file'
}

@test "history: at least the last 1000 lines are kept, and not many more" {
	old_lines 1500
	prompt a
	keys a Up
	prompts a '[0 open]> old 1500'
	keys a Down
	enter a /who
	eventually has_line /who
	assert_equal "$(head -n 1 state/rpnc/history)" 'old 502'
	assert_equal "$(tail -n 2 state/rpnc/history)" $'old 1500\n/who'
	assert_equal "$(grep -c '' state/rpnc/history)" 1000
	enter a /help
	eventually has_line /help
	assert_equal "$(grep -c '' state/rpnc/history)" 1001
}

# untouched: a prompt opens, takes lines and ends, and "precious" is as it was.
untouched() {
	n=$((n + 1))
	prompt "p$n" "$@"
	keys "p$n" Up
	enter "p$n" "/who $n"
	sees "p$n" 'nobody is connected'
	quits "p$n"
	cmp precious before
}

@test "history: what is no plain file of ours is neither read nor written, nor waited for" {
	local n=0
	old_lines 2000
	cp -p state/rpnc/history precious
	cp -p precious before
	rm state/rpnc/history
	ln -s ../../precious state/rpnc/history
	untouched
	ln -sf ../../none state/rpnc/history
	untouched
	test ! -e none
	ln -f precious state/rpnc/history
	untouched
	rm state/rpnc/history
	mkfifo -m 600 state/rpnc/history
	untouched
	rm state/rpnc/history
	mkdir state/rpnc/history
	untouched
	rmdir state/rpnc/history
	install -m 644 /dev/null state/rpnc/history
	untouched
	assert_equal "$(stat -c '%a %s' state/rpnc/history)" '644 0'
	rm state/rpnc/history
	# a directory that others can write to, or that is elsewhere
	chmod 777 state/rpnc
	untouched
	assert_equal "$(ls -A state/rpnc)" ""
	rmdir state/rpnc
	mkdir -m 700 elsewhere
	ln -s ../elsewhere state/rpnc
	untouched
	assert_equal "$(ls -A elsewhere)" ""
}

@test "history: root with the HOME of another user makes and changes nothing there" {
	test "$EUID" -eq 0 || skip "needs root"
	local n=0
	mkdir home
	seq 2000 >precious
	cp precious before
	chown 65534 home
	untouched -u XDG_STATE_HOME HOME="$PWD/home"
	assert_equal "$(ls -A home)" ""
	(umask 077; mkdir -p home/.local/state/rpnc)
	ln precious home/.local/state/rpnc/history
	chmod 600 precious
	chown -R 65534 home
	untouched -u XDG_STATE_HOME HOME="$PWD/home"
	unlink home/.local/state/rpnc/history
	install -m 600 /dev/null home/.local/state/rpnc/history
	untouched -u XDG_STATE_HOME HOME="$PWD/home"
	test ! -s home/.local/state/rpnc/history
}

@test "history: a process that holds its lock holds up no prompt" {
	old_lines 3
	background flock -F state/rpnc/history \
		sh -c 'echo locked >locked; exec tail -f /dev/null'
	eventually test -s locked
	prompt a
	enter a /who
	sees a 'nobody is connected'
	quits a
	assert_equal "$(grep -c '' state/rpnc/history)" 3
}

@test "prompt: letters that are not ASCII are sent as they are typed, in any locale" {
	local locale n=0
	for locale in LANG=C LC_ALL=C LC_ALL=POSIX LC_ALL=xx_XX.UTF-8 \
		LC_ALL=C.UTF-8 LC_CTYPE=C.UTF-8; do
		prompt "l$((++n))" -u LANG -u LC_ALL -u LC_CTYPE "$locale"
		client
		prompts "l$n" '[1 open] #1>'
		enter "l$n" 'the line before'
		hears "$c" 'the line before'
		keyed "l$n" '漢字 Zoë'
		# one key, one letter
		keys "l$n" BSpace BSpace BSpace BSpace BSpace BSpace
		keyed "l$n" '漢字 né'
		prompts "l$n" '[1 open] #1> 漢字 né'
		keys "l$n" Enter
		hears "$c" '漢字 né'
		hang_up "$c"
	done
	prompt none -u LANG -u LC_ALL -u LC_CTYPE
	client
	prompts none '[1 open] #1>'
	enter none '漢字'
	hears "$c" '漢字'
}
