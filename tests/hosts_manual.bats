#!/usr/bin/env bats
# What rpnc-hosts(7) shows, typed in real terminals as it is written there, and
# the same without a terminal. parallel, ssh, srun and kubectl are stand-ins that
# run everything on this host.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load terminal
load shown
load shown_terminal

texts() {
	cat "$root/man/rpnc-hosts.7"
}

# stand_ins: the tools as far as the examples use them, and a clock for them that
# is a moment ahead, not 30 seconds.
stand_ins() {
	cat >bin/date <<-'END'
		#!/bin/bash
		test "$*" = "-u -d +30 seconds +%FT%TZ" || exit 2
		now=$(/usr/bin/date +%s%N)
		/usr/bin/date -u -d "@$((now / 1000000000)).$((now % 1000000000 / 100000000))" +%s.%N |
			awk '{ printf "@%.3f", $1 + 0.3 }' >"$HOME/.at"
		exec /usr/bin/date -u -d "$(<"$HOME/.at")" +%FT%T.%3NZ
	END
	cat >bin/parallel <<-'END'
		#!/bin/bash
		# parallel -j 0 COMMAND {} ... ::: ARG...: the output of each by itself
		test "$1 $2" = "-j 0" || exit 2
		shift 2
		while test "$1" != :::; do command+=("$1"); shift; done
		shift
		for arg; do
			"${command[@]/\{\}/"$arg"}" >"$HOME/.out.$arg" &
			jobs+=("$!")
		done
		for job in "${jobs[@]}"; do wait "$job" || status=1; done
		for arg; do cat "$HOME/.out.$arg"; done
		exit "${status:-0}"
	END
	cat >bin/srun <<-'END'
		#!/bin/bash
		while :; do
			case $1 in
			-N) nodes=$2; shift 2 ;;
			--ntasks-per-node=1) shift ;;
			-o) output=$2; shift 2 ;;
			-*) exit 2 ;;
			*) break ;;
			esac
		done
		for ((t = 0; t < nodes; t++)); do
			SLURM_PROCID=$t "$@" >"${output/\%t/$t}" &
			jobs+=("$!")
		done
		for job in "${jobs[@]}"; do wait "$job" || exit; done
	END
	cat >bin/kubectl <<-'END'
		#!/bin/bash
		# a cluster of one host: its pods' output in .pod.N
		case "$*" in
		'apply -f -')
			cat >"$HOME/.job"
			pods=$(awk '$1 == "completions:" { print $2 }' "$HOME/.job")
			command=$(sed -n 's/^ *command: //p' "$HOME/.job" | jq -r '.[]')
			for ((i = 0; i < pods; i++)); do
				sed -n 's/^ *args: //p' "$HOME/.job" |
					jq -r --arg node "node$i" '.[] | gsub("\\$\\(NODE\\)"; $node)' >"$HOME/.args.$i"
				mapfile -t args <"$HOME/.args.$i"
				"$command" "${args[@]}" >"$HOME/.pod.$i" </dev/null 2>&1 &
				echo "$!" >>"$HOME/.pods"
			done
			echo "job.batch/rpnc-probe created"
			;;
		'wait --for=condition=complete --timeout=5m job/rpnc-probe')
			while read -r pid; do
				tail -f -s 0.02 --pid="$pid" /dev/null
			done <"$HOME/.pods"
			rm "$HOME/.pods"
			echo "job.batch/rpnc-probe condition met"
			;;
		'logs -l job-name=rpnc-probe --tail=-1') cat "$HOME"/.pod.* ;;
		*) echo "error: $*" >&2; exit 1 ;;
		esac
	END
	chmod +x bin/*
	elsewhere rpnc echo -r -w 2 --identify 9000 >/dev/null 2>&1
	eventually listens 9000
}

listens() {
	test -n "$("${inside[@]}" ss -Hltn "sport = :$1")"
}

# in_a_script: the lines in stdin, each shown, as a script without a terminal.
in_a_script() {
	local line
	while read -r line; do
		is_shown "$line"
		printf '%s\n' "$line"
	done >script
	run "${inside[@]}" timeout 60 bash -e script 3>&- </dev/null
	assert_success
}

@test "rpnc-hosts(7): every command that is shown is typed here" {
	all_are_typed "$BATS_TEST_FILENAME"
	test "$(wc -l <all_shown)" -eq 12
}

@test "rpnc-hosts(7): GNU parallel" {
	stand_ins
	says - <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
END
	says 'parallel -j 0 ssh {} rpnc probe --json --at "$at" server 9000 ::: web1 web2 >all.json'
	says 'rpnc probe --merge all.json' '400 connections, 2 reports'
	assert_equal "$(jq -c 'select(.command).reports' all.json | xargs)" '1 1'
	in_a_script <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
parallel -j 0 ssh {} rpnc probe --json --at "$at" server 9000 ::: web1 web2 >all.json
rpnc probe --merge all.json
END
	has '400 connections, 2 reports'
}

@test "rpnc-hosts(7): a collector" {
	stand_ins
	at c 'rpnc listen -k 7000 >all.json' ''
	eventually listens 7000
	says 'rpnc probe --json --label zone=eu-1 server 9000 | rpnc connect collector 7000'
	"${inside[@]}" bash -c 'rpnc probe --json --label zone=eu-1 server 9000 | rpnc connect collector 7000' \
		3>&- </dev/null
	interrupted c
	says 'rpnc probe --merge all.json' '400 connections, 2 reports' 'labels zone=eu-1'
	elsewhere rpnc listen -k 7000 >piped.json </dev/null 2>/dev/null
	eventually listens 7000
	"${inside[@]}" bash -c 'rpnc probe --json --label zone=eu-1 server 9000 | rpnc connect collector 7000' \
		3>&- </dev/null
	kill "$pid"
	finish "$pid" || true
	assert_equal "$(jq -c '.labels' piped.json)" '{"zone":"eu-1"}'
}

@test "rpnc-hosts(7): a collector with a file for each" {
	local line i
	stand_ins
	line=$(cat <<'END'
rpnc listen -k --allow 127.0.0.0/8,10.0.0.0/8 7000 -- sh -c 'exec cat >report.$RPNC_CONN.json'
END
	)
	at c "$line" 'listening on'
	for i in 1 2 3; do
		"${inside[@]}" bash -c 'rpnc probe --json --label zone=eu-1 server 9000 |
			rpnc connect collector 7000' 3>&- </dev/null &
		pids+=("$!")
	done
	for i in 1 2 3; do
		finish "${pids[-i]}"
	done
	eventually eval 'test "$(cat report.*.json | wc -l)" -eq 3'
	says 'rpnc probe --merge report.*.json' '600 connections, 3 reports'
	in_a_script <<<'rpnc probe --merge report.*.json'
	has '600 connections, 3 reports'
	interrupted c
	rm report.*
	elsewhere bash -c "exec $line" </dev/null >/dev/null 2>&1
	eventually listens 7000
	"${inside[@]}" bash -c 'rpnc probe --json server 9000 | rpnc connect collector 7000' 3>&- </dev/null
	eventually test -s report.1.json
}

@test "rpnc-hosts(7): Slurm" {
	stand_ins
	says - <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
END
	says 'srun -N 3 --ntasks-per-node=1 -o node.%t.json rpnc probe --json --at "$at" server 9000'
	says 'rpnc probe --merge node.*.json' '600 connections, 3 reports'
	rm node.*
	in_a_script <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
srun -N 3 --ntasks-per-node=1 -o node.%t.json rpnc probe --json --at "$at" server 9000
rpnc probe --merge node.*.json
END
	has '600 connections, 3 reports'
}

@test "rpnc-hosts(7): Kubernetes" {
	stand_ins
	cp "$root/src/examples/kubernetes-job.yaml" .
	says - <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
END
	says 'sed "s/@AT@/$at/" kubernetes-job.yaml | kubectl apply -f -' created
	says 'kubectl wait --for=condition=complete --timeout=5m job/rpnc-probe' met
	says 'kubectl logs -l job-name=rpnc-probe --tail=-1 >all.json'
	says 'rpnc probe --merge all.json' '800 connections, 4 reports'
	assert_equal "$(jq -r '.labels.node // empty' all.json | sort | xargs)" 'node0 node1 node2 node3'
	in_a_script <<'END'
at=$(date -u -d '+30 seconds' +%FT%TZ)
sed "s/@AT@/$at/" kubernetes-job.yaml | kubectl apply -f -
kubectl wait --for=condition=complete --timeout=5m job/rpnc-probe
kubectl logs -l job-name=rpnc-probe --tail=-1 >all.json
rpnc probe --merge all.json
END
	has '800 connections, 4 reports'
}
