# rpnc: builds with GNU make, gcc or clang. "make help" lists the targets.

define HELP
make             ./rpnc
make demo        what SO_REUSEPORT is, shown in a few seconds
make check       all tests
make install     into PREFIX (/usr/local), below DESTDIR; make uninstall
                 removes the same files
make soak        members leave under load, for hours: nothing may be lost
make loops       300 rounds of leaving a group, the long loops
make kills       members are killed at each step of what they do (3 h)
make faults      each system call fails, in 70 scenarios (2 hours)
make bench       speed, against nc, ncat, socat and others
make fuzz        random bytes to each parser (20 min)
make musl        built by musl-gcc, as on Alpine: its main tests (20 min)
make lint        compilers, analysers, manuals, scripts
make fresh       demo and check in a bare Debian (as root)
make fresh-deb   the Debian package: built, installed, removed there
make dist        a source tarball, the same for everyone: build/dist
make deb         a Debian package: build/deb
make clean

Variables, as in "make check JOBS=2":
NEED=:                   install no packages: demo, check, bench and lint do
JOBS=2                   check: test files at once (twice the processors)
RETRY=0                  check: up to so many failed tests run again, alone (8)
TESTS=tests/echo.bats    check: only these
PREFIX=~/.local          install: there; each kind of file has a directory:
                         BINDIR MANDIR DOCDIR SYSTEMDUNITDIR
                         BASHCOMPDIR ZSHCOMPDIR FISHCOMPDIR
QUICK=1                  bench: a look, in three minutes
BASE=HEAD~5              bench: compare this commit's rpnc with the tree's
TARGET=registry          fuzz: only this one of tests/fuzz
FUZZ_SECONDS=600         fuzz: so long each (60)
SOAK_SECONDS=600         soak: so long (until 10,000,000 connections)
ROUNDS=100               soak: so many rounds; loops: so many leaves (300)
SAN=address,undefined    build and test build-san/rpnc instead of ./rpnc
WERROR=1                 warnings are errors
V=1                      show the commands
endef

# All paths are relative to the directory of this file.
ifeq ($(wildcard src/main.c),)
$(error this is not rpnc's directory; say: make -C $(dir $(lastword \
	$(MAKEFILE_LIST))))
endif

VERSION = 0.2.0
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/rpnc
SYSTEMDUNITDIR = $(PREFIX)/lib/systemd/system
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR = $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR = $(PREFIX)/share/fish/vendor_completions.d
DIRS = PREFIX BINDIR MANDIR DOCDIR SYSTEMDUNITDIR BASHCOMPDIR ZSHCOMPDIR \
	FISHCOMPDIR DESTDIR
# Not every shell expands the ~ in PREFIX=~/.local.
$(foreach d,$(DIRS),$(eval override $d := $$(patsubst ~/%,$$(HOME)/%,$$($d))))

# Names of Debian packages. "make demo", "check" and "lint" install those that
# are missing; with NEED=: on the command line they install nothing.
BUILD_DEPS = gcc libc6-dev make libreadline-dev libmnl-dev libjansson-dev \
	uthash-dev libssl-dev zlib1g-dev
DEMO_DEPS =
TEST_DEPS = bats bats-assert bats-support libcmocka-dev tmux python3 openssl \
	curl gnutls-bin netcat-openbsd netcat-traditional ncat socat \
	openssh-client strace iproute2 procps util-linux mandoc git systemd \
	universal-ctags jq netbase python3-prometheus-client libxml2-utils \
	default-jre-headless libhdrhistogram-java $(DEB_DEPS) \
	bash-completion zsh fish
# Daemons that the tests start: unpacked, never installed. See tests/unpack.
UNPACKED_DEPS = nginx prometheus haproxy microsocks dante-server tinyproxy-bin \
	openssh-server stunnel4 squid ngtcp2-server knot chrony coturn
BENCH_DEPS = netcat-openbsd netcat-traditional ncat socat iperf3 python3 openssl \
	iproute2 util-linux procps wrk apache2-utils git
BENCH_UNPACKED = nginx haproxy
DEB_DEPS = build-essential debhelper dpkg-dev lintian libcmocka-dev procps
FUZZ_DEPS = clang libclang-rt-dev
# The rest is for the libraries of rpnc: see tests/musl.
MUSL_DEPS = musl-tools gcc make perl bzip2 xz-utils
LINT_DEPS = clang clang-tidy cppcheck shellcheck musl-tools
NEED = tests/need

ifndef V
MAKEFLAGS += -s
endif
ifeq ($(origin CC),default)
CC = gcc
endif

# A sanitizer build has no _FORTIFY_SOURCE, which hides calls from sanitizers.
# gcc's two runtimes share one report file only if they are linked statically.
ifdef SAN
B = build-san
BIN = $(B)/rpnc
CFLAGS ?= -O1 -g
HARDEN = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
RUNTIME = $(if $(findstring gcc,$(CC)),-static-libasan -static-libubsan)
else ifdef FUZZING
B = build-fuzz
BIN = $(B)/rpnc
CC = clang
CFLAGS ?= -O2 -g
# The corpora have the numbers that trace-cmp finds: without it, twice the inputs.
HARDEN = -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-coverage=trace-cmp -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
else
ifdef MUSL
B = build-musl
BIN = $(B)/rpnc
CC = musl-gcc
else
B = build
BIN = rpnc
endif
CFLAGS ?= -O2 -g
CPPFLAGS ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
# Some compilers and processors don't take all of these.
takes = $(shell $(CC) -Werror $1 -S -o /dev/null -x c /dev/null 2>/dev/null && \
	echo '$1')
HARDEN := -fstack-protector-strong $(foreach f,-fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero,$(call takes,$f))
endif

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wformat=2 -Wvla -Wundef -Wpointer-arith \
	-Wwrite-strings $(if $(WERROR),-Werror)
LANGUAGE = -std=gnu11 -D_GNU_SOURCE -DRPNC_VERSION=\"$(VERSION)\" -Isrc \
	$(if $(MUSL),$(MUSL_HEADERS))
COMPILE = $(CC) $(LANGUAGE) $(WARN) $(HARDEN) -fPIE $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(HARDEN) $(RUNTIME) $(CFLAGS) -pie \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code $(LDFLAGS) \
	$(if $(MUSL),$(MUSL_LIBRARIES))
# Only a prompt needs readline, and loads it: see terminal/readline.h. The same
# holds for zlib (math/hist_hdr.h) and OpenSSL (tls/openssl.h). libc comes first:
# a start looks each name up in this order, and most are libc's.
LIBS = -lc -lmnl -ljansson -lm -ldl

# musl-gcc has the headers of musl. Those of other libraries are this machine's:
# they are looked for after musl's own. The libraries themselves are tests/musl's.
MUSL_ROOT = build-musl/root
MUSL_HEADERS = -idirafter /usr/include/$(shell gcc -print-multiarch) \
	-idirafter /usr/include
MUSL_LIBRARIES = -L$(MUSL_ROOT)/lib -Wl,-rpath,'$(CURDIR)/$(MUSL_ROOT)/lib'

SRC = $(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c))
OBJ = $(SRC:src/%.c=$(B)/%.o)
MAN = $(sort $(wildcard man/*.[1-8]))
EXAMPLES = $(sort $(wildcard src/examples/*))
TESTS = $(sort $(wildcard tests/unit/test_*.c)) $(sort $(wildcard tests/*.bats))
UNITS = $(patsubst tests/unit/%.c,$(B)/unit/%,$(filter %.c,$(TESTS)))
SCRIPTS = $(wildcard tests/bench/base tests/need tests/unpack tests/run tests/demo tests/fresh tests/fresh-deb \
	tests/musl tests/fuzz/run tests/soak/run .ci/run \
	.ci/dist .ci/deb .ci/PKGBUILD.in .ci/APKBUILD.in .ci/debian/tests/members \
	.ci/debian/rpnc.prerm .ci/debian/rpnc.postrm \
	tests/*.bash tests/*.bats)
# What the shells read: see src/completion.
COMPLETIONS = $(foreach s,bash zsh fish,$(B)/completion/rpnc.$s)

all: $(BIN) $(COMPLETIONS)

# Renamed when it is whole: whoever runs it meanwhile has the old one.
$(BIN): $(OBJ)
	$(LINK) -o $(B)/rpnc.new $(OBJ) $(LIBS)
	mv -f $(B)/rpnc.new $@

$(B)/%.o: src/%.c $(B)/flags
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) -MMD -MP -c -o $@ $<

# The commit, for --version: git's, or what a tarball has in .commit. Only if it
# changes is version.o compiled again.
COMMIT = git -c safe.directory='*' --git-dir=.git log -1 --abbrev=12 \
	--format='%h of %cs' 2>/dev/null || cat .commit 2>/dev/null || echo unknown
CHANGED = git -c safe.directory='*' --git-dir=.git --work-tree=. \
	--no-optional-locks status --porcelain -uno -- src Makefile 2>/dev/null

$(B)/commit: FORCE
	mkdir -p $(@D)
	commit=$$($(COMMIT)); test -z "$$($(CHANGED))" || commit="$$commit, changed"; \
	echo "$$commit" | cmp -s - $@ || echo "$$commit" >$@

$(B)/cmd/version.o: src/cmd/version.c $(B)/flags $(B)/commit
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) -DRPNC_COMMIT="\"$$(cat $(B)/commit)\"" -MMD -MP -c -o $@ $<

$(B)/completion/completion.o: $(wildcard src/completion/rpnc.*)

# A tarball has them, for those who build for another processor. If the source
# is newer, rpnc writes them; if it can't run here, those are better than none.
$(COMPLETIONS): $(B)/completion/rpnc.%: $(BIN) $(wildcard completion/rpnc.*)
	mkdir -p $(@D)
	shipped=completion/rpnc.$*; \
	if test -e $$shipped && test -z "$$(find src -newer $$shipped)"; then \
		cp $$shipped $@.new; \
	elif ! '$(CURDIR)/$(BIN)' --completion $* >$@.new; then \
		test -e $$shipped || exit 1; \
		echo "rpnc does not run here: $$shipped may be outdated" >&2; \
		cp $$shipped $@.new; \
	fi
	mv -f $@.new $@

# A unit test is one program: its own file and all of rpnc but main.
$(B)/unit/%: tests/unit/%.c $(filter-out $(B)/main.o,$(OBJ)) $(B)/flags
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) $(DEFINES) -MMD -MP -c -o $@.o $<
	$(LINK) -o $@ $@.o $(CORPORA) $(filter-out $(B)/main.o,$(OBJ)) $(LIBS) \
		-lz -lcmocka

# A fuzz target is a file with a function that takes bytes. "make fuzz" links
# each with libFuzzer. test_corpora has all of them, each function under the name
# of its file. A target that takes the place of a function calls it __wrap_NAME.
FUZZ_SRC = $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZERS = $(FUZZ_NAMES:%=$(B)/fuzz/fuzz_%)
wrap = $(patsubst __wrap_%,-Wl$(comma)--wrap=%,$(sort $(shell \
	grep -oh '\<__wrap_[a-z_0-9]*' $1)))
comma = ,

$(B)/fuzz/%.o: tests/fuzz/%.c $(B)/flags
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) $(if $(FUZZING),,-DLLVMFuzzerTestOneInput=$*) -MMD -MP \
		-c -o $@ $<

$(B)/fuzz/fuzz_%: $(B)/fuzz/fuzz_%.o $(filter-out $(B)/main.o,$(OBJ))
	$(LINK) -fsanitize=fuzzer -o $@ $^ \
		$(call wrap,tests/fuzz/fuzz_$*.c) $(LIBS) -lz

$(B)/unit/test_corpora: CORPORA = $(FUZZERS:=.o) $(call wrap,$(FUZZ_SRC))
$(B)/unit/test_corpora: DEFINES = \
	-DFUZZ_TARGETS='$(foreach t,$(FUZZ_NAMES),TARGET($t))'
$(B)/unit/test_corpora: $(FUZZERS:=.o)

# This file changes only if the flags do; then everything is compiled again.
$(B)/flags: FORCE
	mkdir -p $(@D)
	echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' >$@

# Programs of the bench, not part of rpnc: a load generator, and prototypes.
BENCH = $(B)/bench/load $(B)/bench/bare
BENCH_SRC = $(sort $(wildcard tests/bench/*.c))

$(B)/bench/load: $(patsubst tests/%.c,$(B)/%.o,$(wildcard tests/bench/load*.c)) \
	$(B)/math/hist.o
	$(LINK) -o $@ $^ -lm

$(B)/bench/bare: $(B)/bench/bare.o
	$(LINK) -o $@ $^

$(B)/bench/%.o: tests/bench/%.c $(B)/flags
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) -MMD -MP -c -o $@ $<

# The clients of make soak: they have nothing of rpnc, whose losses they count.
SOAK = $(B)/soak/clients
SOAK_SRC = $(sort $(wildcard tests/soak/*.c))

$(SOAK): tests/soak/clients.c $(B)/flags
	mkdir -p $(@D) && echo '  $(CC) $<'
	$(COMPILE) -MMD -MP -c -o $@.o $<
	$(LINK) -o $@ $@.o -lssl -lcrypto

-include $(OBJ:.o=.d) $(UNITS:=.d) $(FUZZERS:=.d) $(BENCH_SRC:tests/%.c=$(B)/%.d) $(SOAK:=.d)

# The targets below run a second make, because the first one has looked at the
# files before the packages were installed.
RUN = RPNC='$(CURDIR)/$(BIN)' SAN='$(SAN)' JOBS='$(JOBS)' tests/run

demo:
	$(NEED) $(BUILD_DEPS) $(DEMO_DEPS)
	$(MAKE) all
	RPNC='$(CURDIR)/$(BIN)' tests/demo

check:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS)
	test '$(NEED)' = : || tests/unpack build/peers $(UNPACKED_DEPS)
	$(MAKE) all $(UNITS) $(BENCH) $(SOAK)
	RETRY='$(or $(RETRY),8)' $(RUN) $(UNITS) $(filter %.bats,$(TESTS))

# Members join and leave under load for some minutes, and nothing may be lost.
# It also runs whole the long loops of which check runs a sample.
SOAKED = tests/leave.bats $(shell grep -lF '{WHOLE:' tests/*.bats)

loops:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS)
	test '$(NEED)' = : || tests/unpack build/peers $(UNPACKED_DEPS)
	$(MAKE) all
	WHOLE=1 ROUNDS='$(or $(ROUNDS),300)' BATS_TEST_TIMEOUT=600 $(RUN) $(SOAKED)

# Members of five groups come and go under load, for hours, without privilege.
# SIGINT ends it; another "make soak" goes on from its sums, in build/soak/state.
soak:
	$(NEED) $(BUILD_DEPS) iproute2 python3 util-linux
	$(MAKE) all $(SOAK)
	RPNC='$(CURDIR)/$(BIN)' CLIENTS='$(CURDIR)/$(SOAK)' DIRECTORY='$(B)/soak' \
		tests/soak/run $(SOAK_SECONDS:%=--seconds %) $(ROUNDS:%=--rounds %)

# Each system call of a command fails with each of its errors, once and for good.
# ONLY="--sample 100 --seed 7", or one fault, as a finding's line has it; ONLY=
# "--part 2/9", and "--log FILE" to go on later.
faults:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS)
	$(MAKE) all
	RPNC='$(CURDIR)/$(BIN)' python3 -B tests/faults.py $(ONLY)

# Processes of a group are killed at each step of joining, leaving, replacing,
# steering, quarantine and adoption. ONLY="--operation leave --most 50", or one
# case, as a finding's line has it.
kills:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS)
	$(MAKE) all
	RPNC='$(CURDIR)/$(BIN)' python3 -B tests/kills.py $(ONLY)

# QUICK=1: under three minutes, and no verdict. ROWS="echo-50 start*": only
# these. BASE=REV: beside the rpnc of that commit, instead of beside others.
# JSON=FILE: instead of build/bench.json. Nothing else should run on the machine
# meanwhile.
bench:
	$(NEED) $(BUILD_DEPS) $(BENCH_DEPS)
	test '$(NEED)' = : || tests/unpack build/peers $(BENCH_UNPACKED)
	$(MAKE) all $(BENCH)
	+$(if $(BASE),tests/bench/base '$(BASE)' $(B)/base)
	$(call run_bench,python3 -B tests/bench/bench.py)

run_bench = PATH=/usr/bin:/bin:$$PATH:/usr/sbin:/sbin RPNC='$(CURDIR)/$(BIN)' \
	BENCH='$(CURDIR)/$(B)/bench' PEERS='$(CURDIR)/build/peers' \
	BASE='$(if $(BASE),$(CURDIR)/$(B)/base)' \
	QUICK='$(QUICK)' ROWS='$(ROWS)' JSON='$(or $(JSON),$(B)/bench.json)' $1

# Each target for FUZZ_SECONDS; TARGET=x: only that one. What they find is in
# build-fuzz/findings.
fuzz:
	$(NEED) $(BUILD_DEPS) $(FUZZ_DEPS)
	$(MAKE) FUZZING=1 $(or $(TARGET:%=build-fuzz/fuzz/fuzz_%),fuzzers)
	tests/fuzz/run '$(or $(FUZZ_SECONDS),60)' build-fuzz/fuzz \
		$(or $(TARGET),$(FUZZ_NAMES))

fuzzers: $(FUZZERS)

# TESTS="...": these, instead of the unit tests and the main tests. "make MUSL=1"
# is only the build, build-musl/rpnc.
MUSL_TESTS = $(sort $(wildcard tests/unit/test_*.c)) $(foreach t,listen connect \
	echo probe leave registry,$(sort $(wildcard tests/$t.bats tests/$t_*.bats))) \
	tests/version.bats tests/usage.bats tests/signals.bats tests/exec.bats \
	tests/sandbox.bats
musl: TESTS = $(MUSL_TESTS)

musl:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS) $(MUSL_DEPS)
	tests/musl $(MUSL_ROOT)
	$(MAKE) check MUSL=1 TESTS='$(TESTS)'

unit: $(UNITS)
	$(RUN) $(UNITS)

LINTS = lint-gcc lint-clang lint-musl lint-tidy lint-cppcheck lint-shell lint-man lint-house
UNIT_SRC = $(wildcard tests/unit/*.c) $(FUZZ_SRC)
EACH = xargs -r -n 1 -P $(shell nproc)

lint:
	$(NEED) $(BUILD_DEPS) $(TEST_DEPS) $(LINT_DEPS)
	$(MAKE) -k -j 2 $(LINTS)

lint-gcc lint-clang:
	echo '  $@'
	echo $(SRC) $(UNIT_SRC) $(BENCH_SRC) $(SOAK_SRC) | $(EACH) $(@:lint-%=%) \
		$(LANGUAGE) $(WARN) -Werror -O2 -fsyntax-only

# rpnc and its unit tests compile with the headers of musl, as on Alpine.
lint-musl:
	echo '  $@'
	echo $(SRC) $(UNIT_SRC) | $(EACH) musl-gcc $(LANGUAGE) $(WARN) -Werror \
		$(MUSL_HEADERS) -fsyntax-only

# The analyser spends most of its time on the last paths of long functions. With
# a tenth of the default steps it needs a fifth of the time.
TIDY = $(LANGUAGE) -include tests/lint.h -Xclang -analyzer-config \
	-Xclang max-nodes=20000

lint-tidy:
	echo '  $@'
	echo $(SRC) | $(EACH) sh -c 'clang-tidy --quiet "$$0" -- $(TIDY) 2>/dev/null'

# cppcheck reads no system headers, but must know the macros that are loops. Its
# check ctuuninitvar mistakes the address of a member for its value.
CPPCHECK_MACROS = uthash.h libmnl/libmnl.h

lint-cppcheck:
	echo '  $@'
	echo $(SRC) | xargs -r cppcheck --quiet --std=c11 --language=c -Isrc \
		--enable=warning,performance,portability --error-exitcode=1 \
		--inline-suppr --suppress=ctuuninitvar -D_GNU_SOURCE \
		-DOPENSSL_VERSION_MAJOR=3 \
		$(CPPCHECK_MACROS:%=--include=/usr/include/%)

lint-shell: $(filter %.bash,$(COMPLETIONS))
	echo '  $@'
	echo $(SCRIPTS) $(filter %.bash,$(COMPLETIONS)) | xargs -r shellcheck -x

lint-man:
	echo '  $@'
	echo $(MAN) | xargs -r mandoc -T lint -W warning

lint-house: all
	test ! -e tests/house.bats || $(RUN) tests/house.bats

fresh fresh-deb:
	tests/$@

help:
	$(info $(HELP))
	:

# What is installed: FILE>DIRECTORY/NAME, the directory as its variable's name.
# Both install and uninstall go through this list.
INSTALLED = $(BIN)>BINDIR/rpnc \
	$(foreach m,$(MAN),$m>MANDIR/man$(subst .,,$(suffix $m))/$(notdir $m)) \
	$(B)/completion/rpnc.bash>BASHCOMPDIR/rpnc \
	$(B)/completion/rpnc.zsh>ZSHCOMPDIR/_rpnc \
	$(B)/completion/rpnc.fish>FISHCOMPDIR/rpnc.fish \
	$(foreach u,$(SYSTEMD),$u>SYSTEMDUNITDIR/$(notdir $u)) \
	README>DOCDIR/README $(foreach e,$(EXAMPLES),$e>$(e:src/%=DOCDIR/%))
target = '$(DESTDIR)$($(firstword $(subst /, ,$1)))/$(call rest,$1)'
rest = $(patsubst $(firstword $(subst /, ,$1))/%,%,$1)

define install_one
install -D -m $(if $(filter $(BIN),$1),755,644) '$1' $(call target,$2)

endef

define uninstall_one
rm -f $(call target,$(word 2,$(subst >, ,$1)))

endef

# The units have the path of rpnc.
SYSTEMD = $(patsubst src/%,$(B)/%,$(sort $(wildcard src/systemd/*)))

$(B)/systemd/%: src/systemd/% FORCE
	mkdir -p $(@D)
	sed 's|@bindir@|$(BINDIR)|' '$<' >'$@'

install: all $(SYSTEMD)
	$(foreach f,$(INSTALLED),$(call install_one,$(word 1,$(subst >, \
		,$f)),$(word 2,$(subst >, ,$f))))

# Directories that others use too remain.
uninstall:
	$(foreach f,$(INSTALLED),$(call uninstall_one,$f))
	rmdir '$(DESTDIR)$(DOCDIR)/examples' '$(DESTDIR)$(DOCDIR)' 2>/dev/null || :

# The source in one file, with its SHA256.
DIST = build/dist

dist: $(if $(wildcard completion),,$(COMPLETIONS))
	.ci/dist $(VERSION) '$(DIST)' $^

# The Debian package of that file.
DEB = build/deb

deb:
	$(NEED) $(BUILD_DEPS) $(DEB_DEPS)
	$(MAKE) dist
	.ci/deb $(VERSION) '$(DIST)' '$(DEB)'

clean:
	rm -rf build build-san build-musl build-fresh build-fuzz rpnc

FORCE:
.PHONY: all help demo check soak loops faults kills bench fuzz fuzzers unit musl lint $(LINTS) fresh dist deb install uninstall clean FORCE
