#!/usr/bin/env bats
# --tls at a prompt, in real terminals: the pin that one prints is typed in the
# other.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2154

load helpers
load terminal
load tls

setup_file() {
	certificates
}

# printed_pin NAME: sets $pin to the one that is shown there.
printed_pin() {
	local text shown='(sha256//[A-Za-z0-9+/]+=)'
	like "$1" "$shown"
	text_of "$1"
	[[ $text =~ $shown ]]
	pin=${BASH_REMATCH[1]}
}

@test "tls prompt: the pin that a listener prints, typed in the other terminal, is trusted" {
	shell a
	enter a 'rpnc listen --tls 127.0.0.1 0'
	listening a
	printed_pin a
	shell b
	enter b "rpnc connect --tls --tls-pin $pin localhost $port"
	sees a 'connected'
	enter b 'hello from b'
	sees a 'hello from b'
	enter a 'hello from a'
	sees b 'hello from a'
	enter b /who
	like b '#1 +127[^#]*TLSv1.3, name localhost, key'
	sees b "  $pin"
	enter a /who
	like a 'TLSv1.3, name localhost'
	enter b /quit
	prompts b '$'
	eventually at_prompt a '$' || screen a
	unseen a truncated
	unseen b truncated
}

@test "tls prompt: without the pin the other terminal is told how to trust it" {
	shell a
	enter a 'rpnc listen -k --tls 127.0.0.1 0'
	listening a
	printed_pin a
	shell b
	enter b "rpnc connect --tls localhost $port"
	sees b "self-signed certificate: its key is $pin: --tls-pin"
	prompts b '$'
	like a 'unknown ca|no-tls'
	enter b "rpnc connect --tls --tls-insecure localhost $port"
	sees b 'nothing is verified'
}

@test "tls prompt: a client's name that is no text is shown escaped" {
	pane a rpnc listen -k --tls 127.0.0.1 0
	listening a
	timeout 20 rpnc connect --tls --tls-insecure --tls-name $'\e]0;title\a' 127.0.0.1 "$port" <<<hello
	sees a '#1< hello' '\e]0;title\x07'
	assert_equal "$(tm display-message -p -t a '#{pane_title}' | grep -c title)" 0
}
