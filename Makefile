# SPDX-License-Identifier: GPL-2.0-or-later
# Everything is built in build/; `make help` lists what there is.

VERSION := 0.1.0
B := build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2);)

PREFIX ?= /usr/local
DESTDIR ?=
sbindir := $(PREFIX)/sbin
sysconfdir := /etc
labdir := $(PREFIX)/share/bgo-lab
mandir := $(PREFIX)/share/man/man8
bashdir := $(PREFIX)/share/bash-completion/completions
zshdir := $(PREFIX)/share/zsh/site-functions
unitdir := $(PREFIX)/lib/systemd/system

# The same bytes wherever it is built.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.

CC := gcc
CLANG := clang
BPFTOOL := $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Werror
CPPFLAGS := -D_GNU_SOURCE -DBGO_VERSION='"$(VERSION)"' -I$(B) -MMD -MP
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CPPFLAGS) $(HARDENING) $(PREFIX_MAP) $(CFLAGS)
LDFLAGS += -pie -Wl,-z,relro,-z,now
LIBS := -lbpf -lelf -ljansson -lmnl -lcap-ng -lz
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Of the same sources gcc has warned already.
FUZZ_CFLAGS = -std=gnu11 -w $(CPPFLAGS) -O1 -g -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer
TEST_CFLAGS = -std=gnu11 $(WARNINGS) $(CPPFLAGS) -O1 -g $(SANITIZE)

BPF_WARNINGS := -Wall -Wextra -Wshadow -Werror
BPF_CFLAGS := -O2 -g $(PREFIX_MAP) -target bpf -mcpu=v3 $(BPF_WARNINGS) \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

bpf_programs := $(patsubst %.bpf.c,%,$(notdir $(wildcard bpf/*.bpf.c lab/*.bpf.c)))
skeletons := $(bpf_programs:%=$(B)/%.skel.h)
lib_sources := $(filter-out src/main.c,$(wildcard src/*.c))
lib_objects := $(lib_sources:src/%.c=$(B)/obj/%.o)
asan_objects := $(lib_sources:src/%.c=$(B)/asan/%.o)
lab_objects := $(patsubst lab/%.c,$(B)/lab/%.o,$(filter-out %.bpf.c,$(wildcard lab/*.c)))
unit_tests := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
prog_tests := $(patsubst tests/prog/%.c,$(B)/tests/prog/%,$(wildcard tests/prog/test_*.c))
prog_helpers := $(patsubst tests/prog/%.c,$(B)/tests/prog/%.o,$(filter-out tests/prog/test_%.c,$(wildcard tests/prog/*.c)))
oracle := $(B)/tests/oracle/compare
oracle_objects := $(patsubst tests/oracle/%.c,$(B)/tests/oracle/%.o,$(wildcard tests/oracle/*.c))
fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzzers := $(fuzz_targets:%=$(B)/fuzz/%)
fuzz_corpora := $(fuzz_targets:%=$(B)/tests/fuzz/fuzz_%)
fuzz_objects := $(lib_sources:src/%.c=$(B)/fuzz/src/%.o)
# The oracle's search as it is: with sanitizers most of the time would go there.
fuzz_parts := $(B)/tests/oracle/oracle.o tests/oracle/oracle_parse.c \
	$(wildcard bpf/*.h src/*.h tests/oracle/*.h tests/fuzz/*.h)
describe_objects := $(patsubst packaging/%.c,$(B)/packaging/%.o,$(wildcard packaging/*.c))
manuals := $(patsubst packaging/man/%,$(B)/man/%,$(wildcard packaging/man/*.8))
completions := $(B)/completion/bgo $(B)/completion/_bgo
bench_bpf := $(patsubst bench/%.bpf.c,%,$(wildcard bench/*.bpf.c))
bench_skeletons := $(bench_bpf:%=$(B)/bench/%.skel.h)
bench_programs := $(patsubst bench/%.c,$(B)/bench/%,$(filter-out %.bpf.c,$(wildcard bench/*.c)))

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all help check lab-test lab-kernels fuzz soak mutants coverage tests demo bench bench-quick bench-check lint format install uninstall deb lab-package clean

all: $(B)/bgo $(B)/bgo-lab $(manuals) $(completions) ## build bgo and bgo-lab in build/

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Before anything is compiled: what it takes is there, or is installed when we are root.
$(B)/.deps: ci/install-deps
	@mkdir -p $(B)
	$(if $(filter no,$(INSTALL_DEPS)),,@ci/install-deps)
	@touch $@

$(B)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) | $(B)/.deps
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp && llvm-strip -g $@.tmp && mv $@.tmp $@

$(B)/%.bpf.o: lab/%.bpf.c $(wildcard lab/*.h) | $(B)/.deps
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp && llvm-strip -g $@.tmp && mv $@.tmp $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp && mv $@.tmp $@

$(B)/bench/%.bpf.o: bench/%.bpf.c $(wildcard bench/*.h bpf/*.h bpf/*.bpf.c) | $(B)/.deps
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp && llvm-strip -g $@.tmp && mv $@.tmp $@

$(B)/bench/%.skel.h: $(B)/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp && mv $@.tmp $@

$(B)/obj/%.o: src/%.c | $(skeletons) $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/asan/%.o: src/%.c | $(skeletons) $(B)/.deps
	$(call say,CC-ASAN,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(TEST_CFLAGS) -c $< -o $@

$(B)/lab/%.o: lab/%.c | $(skeletons) $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/tests/prog/%.o: tests/prog/%.c | $(skeletons) $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/tests/oracle/%.o: tests/oracle/%.c | $(skeletons) $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/packaging/%.o: packaging/%.c | $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/describe: $(describe_objects) $(B)/libbgo.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(B)/man/%.8: packaging/man/%.8 $(B)/describe
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D) && $(B)/describe man $< >$@

$(B)/completion/bgo: $(B)/describe
	$(Q)mkdir -p $(@D) && $(B)/describe bash >$@

$(B)/completion/_bgo: $(B)/describe
	$(Q)mkdir -p $(@D) && $(B)/describe zsh >$@

$(B)/libbgo.a: $(lib_objects)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libbgo-asan.a: $(asan_objects)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/bgo: $(B)/obj/main.o $(B)/libbgo.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(B)/bgo-lab: $(lab_objects) $(B)/libbgo.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -lpcap -o $@

$(B)/tests/unit/%: tests/unit/%.c $(B)/libbgo-asan.a
	$(call say,TEST-CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(TEST_CFLAGS) $< $(B)/libbgo-asan.a $(LIBS) -lcmocka -o $@

$(B)/tests/prog/test_%: $(B)/tests/prog/test_%.o $(prog_helpers) $(B)/libbgo.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@

$(oracle): $(oracle_objects) $(prog_helpers) $(B)/libbgo.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@

# A fuzz target that runs the files of its corpus, and the same for libFuzzer, of clang.
$(B)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/corpus.c $(fuzz_parts) $(B)/libbgo-asan.a
	$(call say,TEST-CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(TEST_CFLAGS) $(filter %.c %.o %.a,$^) $(LIBS) -o $@

$(B)/fuzz/src/%.o: src/%.c $(skeletons) | $(B)/.deps
	$(call say,CC-FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(B)/fuzz/%: tests/fuzz/fuzz_%.c $(fuzz_parts) $(fuzz_objects)
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(filter %.c %.o,$^) $(LIBS) -o $@

$(B)/bench/%: bench/%.c $(B)/libbgo.a $(bench_skeletons)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LDFLAGS) $< $(B)/libbgo.a $(LIBS) -o $@

check: $(unit_tests) ## unit tests, no root needed
	$(Q)tests/run-unit $(unit_tests)

lab_tests := $(unit_tests) $(prog_tests) $(fuzz_corpora) $(oracle)
lab-test: all $(lab_tests) $(B)/bench/check ## every test (root): unit, program, fuzz corpora, oracle, scenarios
	$(Q)lab/lab-test $(B)

FUZZ_SECONDS ?= 60
fuzz: $(fuzzers) ## libFuzzer on every parser, the classifier and damaged pins, FUZZ_SECONDS each
	$(Q)tests/fuzz/run $(B) $(FUZZ_SECONDS) $(fuzz_targets)

HOURS ?= 1
soak: all $(oracle) ## random rules and packets against the oracle for HOURS (root)
	$(Q)$(B)/bgo-lab sandbox $(oracle) --hours $(HOURS) --failures $(B)

ONLY ?=
mutants: all ## whether the tests notice faults planted in bpf/ and src/; ONLY=TEXT: some (root)
	$(Q)tests/mutants/run $(B) '$(ONLY)'

tests: all $(unit_tests) $(prog_tests)

coverage: ## which lines of src/ the tests run (root)
	$(Q)ci/install-deps --coverage
	$(Q)$(MAKE) B=$(B)/coverage HARDENING= CFLAGS='-O0 -g --coverage' SANITIZE=--coverage tests
	$(Q)tests/coverage $(B)/coverage

lab-kernels: all $(prog_tests) ## program tests and scenarios under Debian's Linux 6.1 and 6.12 (root)
	$(Q)lab/lab-kernels $(B) all 6.1 6.12

demo: all ## the firewall at work in two network namespaces (root)
	$(Q)lab/demo $(B)

bench: all $(bench_programs) ## packets per second: bgo, limits, peers, many sets (root)
	$(Q)bench/run $(B)

bench-quick: all $(bench_programs) ## the same in under 3 minutes (root)
	$(Q)bench/run $(B) --quick

bench-check: all $(B)/bench/check ## instructions, nodes and steps against recorded values (root)
	$(Q)$(B)/bgo-lab sandbox $(B)/bench/check bench/expected

bench-record: all $(B)/bench/check ## makes what bench-check measures now the recorded values (root)
	$(Q)$(B)/bgo-lab sandbox $(B)/bench/check --record $(CURDIR)/bench/expected

lint: $(skeletons) $(bench_skeletons) ## format, clang-tidy, cppcheck, shellcheck
	$(Q)ci/lint $(B)

format: ## let clang-format lay out the sources
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

# FILE:PLACE. A configuration that is there stays as it is, and only one that nobody changed goes.
configurations := packaging/firewall.conf:/bgo/firewall.conf packaging/fail2ban-bgo.conf:/fail2ban/action.d/bgo.conf
install: all ## install to DESTDIR and PREFIX (default /usr/local)
	install -D -m 0755 -t $(DESTDIR)$(sbindir) $(B)/bgo $(B)/bgo-lab
	install -D -m 0644 -t $(DESTDIR)$(labdir) lab/*.sh lab/*.zsh
	install -D -m 0644 -t $(DESTDIR)$(labdir)/scenarios lab/scenarios/*.sh
	install -D -m 0644 -t $(DESTDIR)$(mandir) $(manuals)
	install -D -m 0644 -t $(DESTDIR)$(bashdir) $(B)/completion/bgo
	install -D -m 0644 -t $(DESTDIR)$(zshdir) $(B)/completion/_bgo
	install -d $(DESTDIR)$(unitdir)
	sed -e 's,@sbindir@,$(sbindir),g;s,@sysconfdir@,$(sysconfdir),g' \
		packaging/bgo-firewall.service.in >$(DESTDIR)$(unitdir)/bgo-firewall.service
	for conf in $(configurations); do \
		place=$(DESTDIR)$(sysconfdir)$${conf#*:}; \
		[ -e $$place ] || install -D -m 0644 $${conf%%:*} $$place || exit 1; \
	done

uninstall: ## remove what install installed
	rm -f $(addprefix $(DESTDIR)$(sbindir)/,bgo bgo-lab)
	rm -rf $(DESTDIR)$(labdir)
	rm -f $(addprefix $(DESTDIR)$(mandir)/,$(notdir $(manuals)))
	rm -f $(DESTDIR)$(bashdir)/bgo $(DESTDIR)$(zshdir)/_bgo
	rm -f $(DESTDIR)$(unitdir)/bgo-firewall.service
	for conf in $(configurations); do \
		place=$(DESTDIR)$(sysconfdir)$${conf#*:}; \
		! cmp -s $${conf%%:*} $$place || rm $$place || exit 1; \
	done
	[ ! -d $(DESTDIR)$(sysconfdir)/bgo ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(sysconfdir)/bgo

deb: ## Debian packages bgo and bgo-lab, in build/deb/
	$(Q)ci/install-deps --package
	$(Q)packaging/build-deb $(B)/deb

lab-package: all ## the packages: the same bytes twice, lintian, install, upgrade, purge (root)
	$(Q)ci/install-deps --package
	$(Q)lab/lab-package $(B)

clean: ## remove build/
	rm -rf $(B)

-include $(wildcard $(B)/obj/*.d $(B)/asan/*.d $(B)/lab/*.d $(B)/packaging/*.d $(B)/tests/unit/*.d $(B)/tests/prog/*.d $(B)/tests/oracle/*.d $(B)/fuzz/src/*.d $(B)/bench/*.d)
