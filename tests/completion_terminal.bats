#!/usr/bin/env bats
# Tab in bash, zsh and fish at terminals, with the scripts where make install
# puts them and where each shell finds them by itself.
# shellcheck disable=SC2034,SC2154

load helpers
load terminal

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)

# make sets up nothing here: the program has been built.
setup_file() {
	PATH=${PATH//"$BATS_LIBEXEC:"/} command make -s -C "$root" --no-print-directory \
		NEED=: COMPILE="$(<"$root/build/flags")" PREFIX="$BATS_FILE_TMPDIR/usr" \
		install 3>&- </dev/null
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	usr=$BATS_FILE_TMPDIR/usr
	mkdir home
	export HOME=$PWD/home XDG_CONFIG_HOME=$PWD/home XDG_DATA_HOME=$PWD/home
	export PATH=$usr/bin:$PATH XDG_DATA_DIRS=$usr/share:/usr/local/share:/usr/share
}

# opens COMMAND...: starts the shell in a pane that is called "shell".
opens() {
	terminal_size=100x30
	pane shell env TMPDIR="$PWD" HOME="$HOME" XDG_CONFIG_HOME="$HOME" XDG_DATA_HOME="$HOME" \
		XDG_DATA_DIRS="$XDG_DATA_DIRS" PATH="$PATH" TERM=screen LC_ALL=C.UTF-8 "$@"
	sees shell '>> '
}

# goes_on: what a user does who has learned from Tab.
goes_on() {
	keyed shell 'rpnc pro'
	keys shell Tab
	sees shell 'rpnc probe'
	keyed shell '--quaran'
	keys shell Tab
	sees shell 'rpnc probe --quarantine'
	keys shell C-u
	keyed shell 'rpnc listen --ke'
	keys shell Tab
	sees shell 'rpnc listen --keep-open'
	keys shell C-u
	keyed shell 'rpnc echo --accept '
	keys shell Tab Tab
	sees shell handoff exclusive
	keys shell C-u
}

@test "completion: Tab in bash, by bash-completion, which finds the script" {
	cat >home/.bashrc <<-'EOF'
		PS1='>> '
		. /usr/share/bash-completion/bash_completion
	EOF
	opens bash --noprofile +o history
	goes_on
}

@test "completion: Tab in zsh, by compinit, which finds the script" {
	cat >home/.zshrc <<-EOF
		PS1='>> '
		fpath=('$usr/share/zsh/site-functions' \$fpath)
		autoload -Uz compinit && compinit -u -d '$PWD/zcompdump'
	EOF
	opens env ZDOTDIR="$HOME" zsh
	goes_on
}

@test "completion: Tab in fish, which finds the script" {
	mkdir home/fish
	cat >home/fish/config.fish <<-'EOF'
		set fish_greeting
		function fish_prompt
			echo -n '>> '
		end
	EOF
	opens fish
	goes_on
}
