# dossierfs. One Makefile, not recursive: the rooms' sources are found, not listed.
#
#   make            the daemon (dossierfs) and the command (dossier)
#   make demo       the whole idea on invented tenants; make demo-stop ends it
#   make test       everything; make test-quick the part under a minute
#   make check      format, layers, static analysis, both compilers without warnings
#   make sanitize   unit and mount tests with ASan and UBSan;  make valgrind: unit tests
#   make bench      measurements beside the peers (apart from the tests)
#   make install    DESTDIR and prefix are honoured

BUILD   ?= build
prefix  ?= /usr/local
sbindir ?= $(prefix)/sbin
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man
CC      ?= gcc
CFLAGS  ?= -O2 -g
WERROR  ?=
VERSION := 0.1.0

PKGS_COMMON := libsodium sqlite3
PKGS_POLICY := inih libutf8proc
PKGS_GATE   := libcap-ng
PKGS_MOUNT  := fuse3
PKGS_TOOLS  := jansson smartcols
PKGS        := $(PKGS_COMMON) $(PKGS_POLICY) $(PKGS_GATE) $(PKGS_MOUNT) $(PKGS_TOOLS)
PKG_CFLAGS  := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcsv -lm -lpthread

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DDOSSIERFS_VERSION='"$(VERSION)"' -I. $(WARNINGS) $(WERROR) \
              -fstack-protector-strong -pthread $(PKG_CFLAGS) $(CFLAGS)

ROOMS      := policy fs/base fs/store fs/log fs/gate fs/mount tools
room_srcs   = $(filter-out tools/main.c,$(wildcard $(1)/*.c))
room_lib    = $(BUILD)/lib$(notdir $(1)).a
objects     = $(patsubst %.c,$(BUILD)/%.o,$(1))

LIBS := $(foreach r,$(ROOMS),$(if $(call room_srcs,$(r)),$(call room_lib,$(r))))
PROGRAMS := $(if $(wildcard fs/main.c),$(BUILD)/dossierfs) $(if $(wildcard tools/main.c),$(BUILD)/dossier)
AIDS := $(patsubst examples/%.c,$(BUILD)/%,$(wildcard examples/*.c)) \
        $(patsubst tests/mount/%.c,$(BUILD)/tests/%,$(wildcard tests/mount/*.c)) \
        $(patsubst tests/bench/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/*.c))

.PHONY: all
all: $(PROGRAMS) $(AIDS)

define room_rule
$(call room_lib,$(1)): $(call objects,$(call room_srcs,$(1)))
	@mkdir -p $$(@D); rm -f $$@; $(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The order is that of the arrows in the README: a library only needs those after it.
LINK_ORDER := fs/mount tools fs/gate fs/log fs/store policy fs/base
link_libs   = $(foreach r,$(1),$(if $(call room_srcs,$(r)),$(call room_lib,$(r))))

$(BUILD)/dossierfs: $(BUILD)/fs/main.o $(call link_libs,$(LINK_ORDER))
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/dossier: $(BUILD)/tools/main.o $(call link_libs,$(filter-out fs/mount,$(LINK_ORDER)))
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/%: $(BUILD)/examples/%.o $(BUILD)/libpolicy.a $(BUILD)/libbase.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/tests/%: $(BUILD)/tests/mount/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/tests/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# ---- unit tests: tests/unit/ROOM_*.c is linked with what that room may use, and with nothing else -------------
UNITS       := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_*.c))
unit_base   := fs/base
unit_policy := policy fs/base
unit_store  := fs/store fs/base
unit_log    := fs/log fs/base
unit_gate   := fs/gate fs/log fs/store policy fs/base
unit_tools  := tools fs/gate fs/log fs/store policy fs/base
define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/tests/unit/$(1).o $(call link_libs,$(unit_$(firstword $(subst _, ,$(1)))))
	@mkdir -p $$(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $$@ $$^ $(PKG_LIBS) -lcmocka
endef
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))
.PHONY: units
units: $(patsubst %,$(BUILD)/unit/%,$(UNITS))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

