# dossierfs. One Makefile, not recursive: the rooms' sources are found, not listed.
#
#   make            the daemon (dossierfs) and the command (dossier)
#   make demo       the whole idea on invented tenants; make demo-stop ends it
#   make test       everything; make test-quick the part under a minute
#   make check      format, layers, static analysis, both compilers without warnings
#   make sanitize   all tests with ASan and UBSan;  make valgrind: the unit tests under it
#   make fuzz       hostile inputs, a minute for each target; FUZZ_S=seconds
#   make bench      measurements beside the peers (apart from the tests); QUICK=1, ROUNDS=n, ONLY=row,row, CSV=file, SVG=file
#   make install    DESTDIR and prefix are honoured; make uninstall
#   make deps       installs from Debian what is missing; FOR="build test check valgrind browser otlp bench"
#   make format, make clean
#
# BUILD=directory keeps builds apart; V=1 shows whole commands; CC, CFLAGS, LDFLAGS and WERROR=-Werror are as everywhere.

BUILD   ?= build
prefix  ?= /usr/local
sbindir ?= $(prefix)/sbin
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man
docdir  ?= $(prefix)/share/doc/dossierfs
CFLAGS  ?= -O2 -g -D_FORTIFY_SOURCE=2
ifeq ($(origin CC),default)
CC      := gcc
endif
WERROR  ?=
VERSION := 0.1.0

PKGS_COMMON := libsodium sqlite3
PKGS_POLICY := inih libutf8proc
PKGS_GATE   := libcap-ng
PKGS_MOUNT  := fuse3
PKGS_TOOLS  := jansson smartcols libsystemd
PKGS        := $(PKGS_COMMON) $(PKGS_POLICY) $(PKGS_GATE) $(PKGS_MOUNT) $(PKGS_TOOLS)
PKG_CFLAGS  := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcsv -laio -lm -lpthread

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DDOSSIERFS_VERSION='"$(VERSION)"' -I. $(WARNINGS) $(WERROR) \
              -fstack-protector-strong -pthread $(PKG_CFLAGS) $(CFLAGS)
# as-needed: the command is not to load libfuse because the daemon does.
ALL_LDFLAGS := -Wl,--as-needed,-z,relro,-z,now $(LDFLAGS)

# PACKAGE[:PROBE] as tests/deps reads it; Debian's names.
DEPS_build    := gcc libc6-dev:stdio.h pkg-config libfuse3-dev:fuse3.pc fuse3:fusermount3 libsodium-dev:libsodium.pc \
                 libsqlite3-dev:sqlite3.pc libinih-dev:inih.pc libutf8proc-dev:libutf8proc.pc libcap-ng-dev:libcap-ng.pc \
                 libaio-dev:libaio.h libjansson-dev:jansson.pc libsmartcols-dev:smartcols.pc libcsv-dev:csv.h \
                 libsystemd-dev:libsystemd.pc
DEPS_test     := libcmocka-dev:cmocka.pc perl:prove faketime libnss-wrapper:nss_wrapper.pc libxml2-utils:xmllint tidy cmark-gfm \
                 libtext-csv-perl:Text/CSV.pm
DEPS_check    := clang libclang-rt-dev:libclang_rt.fuzzer-$(shell uname -m).a clang-format cppcheck mandoc perl:prove
DEPS_valgrind := valgrind
# 600 MB, so apart: without it tests/mount/pages.t is skipped, and says so.
DEPS_browser  := chromium
# For the parser of OpenTelemetry that tests/mount/log-export.t uses, which is taken from npm into the build, as the lock file says.
DEPS_otlp     := nodejs:node npm
DEPS_bench    := gocryptfs perl:prove

ROOMS      := policy fs/base fs/store fs/log fs/gate fs/mount tools
room_srcs   = $(filter-out tools/main.c tools/check_proof.c,$(wildcard $(1)/*.c))
room_lib    = $(BUILD)/lib$(notdir $(1)).a
objects     = $(patsubst %.c,$(BUILD)/%.o,$(1))

LIBS := $(foreach r,$(ROOMS),$(if $(call room_srcs,$(r)),$(call room_lib,$(r))))
PROGRAMS := $(if $(wildcard fs/main.c),$(BUILD)/dossierfs) $(if $(wildcard tools/main.c),$(BUILD)/dossier) \
            $(BUILD)/dossier-check-proof
AIDS := $(patsubst examples/%.c,$(BUILD)/%,$(wildcard examples/*.c)) \
        $(patsubst tests/mount/%.c,$(BUILD)/tests/%,$(wildcard tests/mount/*.c)) \
        $(patsubst tests/bench/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/*.c))

say   = $(if $(V),,@echo '  $(1)' '$@';)
CLINK = $(call say,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o

.PHONY: all
all: $(PROGRAMS) $(AIDS)

define room_rule
$(call room_lib,$(1)): $(call objects,$(call room_srcs,$(1)))
	@mkdir -p $$(@D); rm -f $$@; $(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# Everything is built again when the flags are others than last time; a machine that lacks something learns it here.
.PHONY: FORCE
FLAGS = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKG_LIBS)
$(BUILD)/flags: export FLAGS := $(FLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || { tests/deps --say $(DEPS_build) && printf '%s\n' "$$FLAGS" >$@; }

.SECONDARY:
$(BUILD)/%.o: %.c Makefile $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC  )$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The order is that of the arrows in the README: a library only needs those after it.
LINK_ORDER := fs/mount tools fs/gate fs/log fs/store policy fs/base
link_libs   = $(foreach r,$(1),$(if $(call room_srcs,$(r)),$(call room_lib,$(r))))

$(BUILD)/dossierfs: $(BUILD)/fs/main.o $(call link_libs,$(LINK_ORDER))
	$(CLINK) $@ $^ $(PKG_LIBS)
$(BUILD)/dossier: $(BUILD)/tools/main.o $(call link_libs,$(filter-out fs/mount,$(LINK_ORDER)))
	$(CLINK) $@ $^ $(PKG_LIBS)
# Checks what the others claim, so it shares nothing with them.
$(BUILD)/dossier-check-proof: $(BUILD)/tools/check_proof.o
	$(CLINK) $@ $^ $(PKG_LIBS)
$(BUILD)/%: $(BUILD)/examples/%.o $(BUILD)/libpolicy.a $(BUILD)/libbase.a
	$(CLINK) $@ $^ $(PKG_LIBS)
$(BUILD)/sample-data: $(call objects,$(wildcard examples/sample/*.c))
$(BUILD)/tests/%: $(BUILD)/tests/mount/%.o
	@mkdir -p $(@D)
	$(CLINK) $@ $^ $(PKG_LIBS)
$(BUILD)/tests/decisions: $(BUILD)/libpolicy.a $(BUILD)/libbase.a
$(BUILD)/tests/entries: $(call link_libs,fs/gate fs/log fs/store policy fs/base)
$(BUILD)/tests/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(CLINK) $@ $^ $(PKG_LIBS)

# ---- unit tests: tests/unit/ROOM_*.c is linked with what that room may use, and with nothing else -------------
UNITS       := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_*.c))
unit_base   := fs/base
unit_policy := policy fs/base
unit_store  := fs/store fs/base
unit_log    := fs/log fs/base
unit_gate   := fs/gate fs/log fs/store policy fs/base
unit_tools  := tools fs/gate fs/log fs/store policy fs/base
unit_mount  := fs/mount fs/gate fs/log fs/store policy fs/base
define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/tests/unit/$(1).o $(call link_libs,$(unit_$(firstword $(subst _, ,$(1)))))
	@mkdir -p $$(@D)
	$$(CLINK) $$@ $$^ $(PKG_LIBS) -lcmocka
endef
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))
.PHONY: units
units: $(patsubst %,$(BUILD)/unit/%,$(UNITS))

# ---- fuzz targets: tests/fuzz/ROOM[_THING].c, linked as that room's unit tests are; libFuzzer brings main() ------
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
define fuzz_rule
$(BUILD)/tests/fuzz/$(1): $(BUILD)/tests/fuzz/$(1).o $(call link_libs,$(unit_$(firstword $(subst _, ,$(1)))))
	$$(CLINK) $$@ -fsanitize=fuzzer $$^ $(PKG_LIBS)
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rule,$(f))))
.PHONY: fuzzers
fuzzers: $(patsubst %,$(BUILD)/tests/fuzz/%,$(FUZZERS))

# ---- what is on the machine ------------------------------------------------------------------------------------
FOR ?= build test
.PHONY: deps
deps:
	@tests/deps $(foreach use,$(FOR),$(DEPS_$(use)))
	@$(if $(filter otlp,$(FOR)),mkdir -p $(BUILD)/otlp && cp tests/otlp/package*.json $(BUILD)/otlp && \
	    npm ci --prefix $(BUILD)/otlp --ignore-scripts --no-audit --no-fund --legacy-peer-deps,:)

# The flags come from pkg-config when make starts: a target that may install it begins again with a make of its own.
AGAIN = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- tests -----------------------------------------------------------------------------------------------------
RUN = BUILD=$(BUILD) tests/run
.PHONY: test test-quick test-unit test-tools test-mount
test:
	@tests/deps --mount
	+@$(AGAIN) deps FOR='build test'
	+@$(AGAIN) all units
	@$(RUN)
test-mount:
	@tests/deps --mount
	+@$(AGAIN) deps FOR='build test'
	+@$(AGAIN) all
	@$(RUN) mount
test-quick test-unit test-tools:
	+@$(AGAIN) deps FOR='build test'
	+@$(AGAIN) units $(if $(filter %unit,$@),,all)
	@$(RUN) $(if $(filter %quick,$@),--quick unit tools,$(@:test-%=%))

# Reports go to files as well as into the exit code: what a daemon in the background has to say, no test would see.
# The daemon is not dumpable, so it can't look for its own leaks; the unit tests do.
SANITIZE  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZED := $(BUILD)-sanitize
REPORTS   := $(abspath $(SANITIZED))/reports
asan       = ASAN_OPTIONS=detect_leaks=$(1):verify_asan_link_order=0:log_path=$(REPORTS)/asan \
             UBSAN_OPTIONS=print_stacktrace=1:log_path=$(REPORTS)/ubsan BUILD=$(SANITIZED) TEST_ENTRIES=100000 tests/run --timeout 900
.PHONY: sanitize valgrind
sanitize:
	@tests/deps --mount
	+@$(AGAIN) deps FOR='build test'
	+@$(AGAIN) BUILD=$(SANITIZED) CFLAGS='$(SANITIZE)' all units
	@rm -rf $(REPORTS); mkdir -p -m 1777 $(REPORTS)
	@$(call asan,1) unit && $(call asan,0) tools mount; status=$$?; \
	    if grep -r . $(REPORTS); then echo 'sanitize: there are reports' >&2; status=1; fi; exit $$status
valgrind:
	+@$(AGAIN) deps FOR='build test valgrind'
	+@$(AGAIN) BUILD=$(BUILD)-valgrind CFLAGS='-O1 -g' units
	@BUILD=$(BUILD)-valgrind TEST_ENTRIES=20000 tests/run --timeout 1800 unit \
	    --wrap 'valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible'

# ---- fuzz ------------------------------------------------------------------------------------------------------
FUZZ_S ?= 60
FUZZED := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
.PHONY: fuzz
fuzz:
	+@$(AGAIN) deps FOR='build check'
	+@$(AGAIN) BUILD=$(BUILD)-fuzz CC=clang CFLAGS='$(FUZZED)' fuzzers
	@BUILD=$(BUILD)-fuzz tests/fuzz/run $(FUZZ_S)

# ---- check -----------------------------------------------------------------------------------------------------
C_FILES  = $(shell find fs policy tools tests examples -name '*.[ch]')
MANUALS := tools/dossier.1 tools/dossier-check-proof.1 fs/dossierfs.8 policy/dossier-policy.5 policy/dossier-policy-test.5
.PHONY: check format
check:
	+@$(AGAIN) deps FOR='build test check'
	$(call say,FORMAT)clang-format --dry-run -Werror $(C_FILES)
	tests/check-layers
	$(call say,MANUALS)mandoc -Tlint -Wwarning $(MANUALS)
	+@$(AGAIN) BUILD=$(BUILD)-gcc CC=gcc WERROR=-Werror all units
	+@$(AGAIN) BUILD=$(BUILD)-clang CC=clang WERROR=-Werror all units
	$(call say,CPPCHECK)cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppress=missingIncludeSystem -I. -D_GNU_SOURCE -DDOSSIERFS_VERSION='""' fs policy tools examples
	+@$(MAKE) --no-print-directory fuzz FUZZ_S=15
format:
	clang-format -i $(C_FILES)

# ---- demo and bench --------------------------------------------------------------------------------------------
.PHONY: demo demo-stop bench
demo:
	@tests/deps --mount
	+@$(AGAIN) deps FOR=build
	+@$(AGAIN) all
	@BUILD=$(BUILD) examples/demo.sh
demo-stop:
	@BUILD=$(BUILD) examples/demo.sh stop
bench:
	@tests/deps --mount
	+@$(AGAIN) deps FOR='build bench'
	+@$(AGAIN) all
	@BUILD=$(BUILD) tests/bench/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) \
	    $(if $(ONLY),--only $(ONLY)) $(if $(CSV),--csv $(CSV)) $(if $(SVG),--svg $(SVG))

# ---- install ---------------------------------------------------------------------------------------------------
# The daemon lives in sbin. The link in bin is for users who mount for themselves and have no sbin in their PATH. mount(8)
# starts mount.fuse3 without a PATH, which then looks where the shell looks by itself: /usr/local and /usr are found.
D = $(DESTDIR)
manual_of = $(D)$(mandir)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
.PHONY: install uninstall clean
install: all
	install -D -m 755 $(BUILD)/dossierfs $(D)$(sbindir)/dossierfs
	install -D -m 755 $(BUILD)/dossier $(D)$(bindir)/dossier
	install -D -m 755 $(BUILD)/dossier-check-proof $(D)$(bindir)/dossier-check-proof
	ln -srf $(D)$(sbindir)/dossierfs $(D)$(bindir)/dossierfs
	$(foreach m,$(MANUALS),install -D -m 644 $(m) $(call manual_of,$(m)) &&) true
	mkdir -p $(D)$(docdir)/examples
	install -m 644 $(wildcard README.md CHANGELOG.md LICENSE) $(D)$(docdir)
	cp -R examples/. $(D)$(docdir)/examples
uninstall:
	rm -f $(D)$(sbindir)/dossierfs $(D)$(bindir)/dossierfs $(D)$(bindir)/dossier $(D)$(bindir)/dossier-check-proof
	rm -f $(foreach m,$(MANUALS),$(call manual_of,$(m)))
	rm -rf $(D)$(docdir)
clean:
	rm -rf $(BUILD) $(BUILD)-gcc $(BUILD)-clang $(BUILD)-sanitize $(BUILD)-valgrind $(BUILD)-fuzz

# Without this make looks for a rule to make each of them, through all patterns: 17 s a call.
%.d: ;
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

