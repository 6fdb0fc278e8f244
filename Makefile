# SPDX-License-Identifier: MIT
#
# The whole build of glint, for GNU make. One make reads everything: each folder
# lists its objects in a Kbuild file (obj-y += loop.o), and the options of the
# configuration choose among them (obj-$(CONFIG_LOOP_URING) += uring.o).
#
# Useful variables, on the command line or in the environment:
#   O=DIR		build there (default build); the source tree stays clean
#   V=1			show the commands
#   CC CFLAGS LDFLAGS	as usual; CFLAGS replaces -O2 only
#   SRC_DIRS="src/base src/core"	build a part only, while the rest is broken
#   PREFIX DESTDIR SYSTEMD_UNIT_DIR EXAMPLES_DIR PYTHONDIR	for make install

VERSION := 0.1.0

O ?= build
V ?= 0
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
SHELL := /bin/sh

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

ifeq ($(origin CC),default)
CC := gcc
endif
AR := $(CC:%gcc=%gcc-ar)
ifneq ($(findstring clang,$(CC)),)
AR := ar
endif
PKG_CONFIG ?= pkg-config
export CC PKG_CONFIG

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
SYSTEMD_UNIT_DIR ?= $(PREFIX)/lib/systemd/system
EXAMPLES_DIR ?= $(PREFIX)/share/doc/glint/examples
SYSUSERS_DIR ?= $(PREFIX)/lib/sysusers.d
PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages
BASH_COMPLETION_DIR ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION_DIR ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETION_DIR ?= $(PREFIX)/share/fish/vendor_completions.d

# --- Configuration ------------------------------------------------------------

kconfig-files := Kconfig $(wildcard src/*/Kconfig)
auto-conf := $(O)/include/config/auto.conf
libs-mk := $(O)/include/config/libs.mk
autoconf-h := $(O)/include/generated/autoconf.h

# Goals that must work without a configuration, or that make one.
config-goals := %_defconfig defconfig menuconfig oldconfig olddefconfig randconfig savedefconfig
quiet-goals := $(config-goals) help coverage fuzz clean distclean deps run format tags uninstall \
	check check-heavy check-static check-configs check-san
ifneq ($(filter-out $(quiet-goals),$(or $(MAKECMDGOALS),all)),)
need-config := y
endif
ifneq ($(filter $(config-goals),$(MAKECMDGOALS)),)
need-config :=
endif

# "make debug_defconfig all": configure first, then read the result.
mixed := $(and $(filter $(config-goals),$(MAKECMDGOALS)),$(filter-out $(config-goals),$(MAKECMDGOALS)))
ifneq ($(mixed),)
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS) one-by-one
$(MAKECMDGOALS): one-by-one ; @:
one-by-one:
	@set -e; for goal in $(MAKECMDGOALS); do $(MAKE) $$goal; done
else

ifdef need-config
include $(auto-conf) $(libs-mk)
endif

$(O)/.config:
	@scripts/kconfig.sh use $(O) configs/default_defconfig

$(auto-conf): $(O)/.config $(kconfig-files) scripts/kconfig.sh
	$(say) CONFIG $(O)/.config
	@scripts/kconfig.sh sync $(O) && touch -c $(auto-conf)
# Made with auto.conf; its time stamp stays old when nothing has changed.
$(autoconf-h): $(auto-conf) ;

$(libs-mk): $(auto-conf) scripts/find-libs
	@scripts/find-libs $(auto-conf) >$@

%_defconfig:		## configure from configs/; "make defconfig" takes default_defconfig
	@scripts/kconfig.sh use $(O) configs/$@
	@echo "$(O)/.config is configs/$@"
defconfig: default_defconfig ; @:
menuconfig:		## choose options in a menu (python3-kconfiglib or kconfig-frontends-nox)
oldconfig:		## ask about new options
olddefconfig:		## new options take their defaults
randconfig:		## a random configuration; KCONFIG_SEED=N repeats one
menuconfig oldconfig olddefconfig randconfig: | $(O)/.config
	@scripts/kconfig.sh tool $(O) $@
savedefconfig:		## write the configuration to configs/$(NAME)_defconfig (default: O/defconfig)
	@scripts/kconfig.sh save $(O) $(if $(NAME),configs/$(NAME)_defconfig,$(O)/defconfig)
.PHONY: defconfig menuconfig oldconfig olddefconfig randconfig savedefconfig

# --- Flags --------------------------------------------------------------------

ifdef CONFIG_DEBUG
CFLAGS ?= -O1
else
CFLAGS ?= -O2
endif

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -Wundef \
	-Wimplicit-fallthrough -Wno-missing-field-initializers \
	$(if $(CONFIG_WERROR),-Werror)

sanitizers := $(if $(CONFIG_ASAN),-fsanitize=address) $(if $(CONFIG_TSAN),-fsanitize=thread) \
	$(if $(CONFIG_UBSAN),-fsanitize=undefined -fno-sanitize-recover=all)
sanitizers := $(strip $(sanitizers))

# The sanitizers have their own checks instead of _FORTIFY_SOURCE.
ifeq ($(sanitizers),)
hardening := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else
hardening := -fstack-protector-strong
endif
# With sanitizers, gcc warns of impossible uses, and takes list heads for entries.
warnings += $(if $(sanitizers),-Wno-unknown-warning-option -Wno-maybe-uninitialized \
	-Wno-array-bounds)
debugging := -g $(if $(CONFIG_DEBUG)$(sanitizers),-fno-omit-frame-pointer)

CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DGLINT_VERSION='"$(VERSION)"' \
	-I src -I include -include $(autoconf-h) -include src/base/kconfig.h \
	$(LIB_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=gnu17 -pthread -fno-common $(warnings) $(hardening) $(debugging) \
	$(sanitizers) $(CFLAGS)
LDFLAGS_ALL := -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(sanitizers) $(CFLAGS) $(LDFLAGS)
LDFLAGS_EXE := -pie $(LDFLAGS_ALL)
pic := -fPIE

# --- What is built from what --------------------------------------------------

SRC_DIRS ?= src/base src/core src/jpeg src/mem src/v4l2 src/pixels src/capture src/pattern \
	src/convert src/stills src/truth src/encode src/judge src/clip src/record src/replay src/sock src/http src/options src

# $(call read-kbuild,DIR): the objects that DIR/Kbuild lists, with their folder.
define read-kbuild-file
obj-y :=
obj- :=
-include $(1)/Kbuild
kbuild-objs := $$(addprefix $(1)/,$$(obj-y))
endef
read-kbuild = $(eval $(call read-kbuild-file,$(1)))$(addprefix $(O)/,$(kbuild-objs))

service-objs := $(sort $(foreach dir,$(SRC_DIRS),$(call read-kbuild,$(dir))))
libglint-objs := $(sort $(call read-kbuild,src/libglint))
main-obj := $(O)/src/main.o

# A tool is one file, tools/NAME.c, or a list: NAME-y := NAME.o other.o. The files
# lie in tools/NAME/ or in tools/. NAME-ldflags and NAME-libs are added to its link.
tool-y :=
-include tools/Kbuild
tools := $(sort $(tool-y))
tool-obj = $(if $(wildcard tools/$(1)/$(2:.o=.c)),tools/$(1)/$(2),tools/$(2))
tool-objs = $(foreach obj,$(or $($(1)-y),$(1).o),$(O)/$(call tool-obj,$(1),$(obj)))
tools-objs := $(foreach tool,$(tools),$(call tool-objs,$(tool)))

# One program has all the unit tests. Each test file's own name, a link, runs the file's tests.
unit-srcs := $(wildcard tests/unit/test_*.c tests/rig/test_*.c)
unit-srcs := $(filter-out $(if $(CONFIG_JUDGE),,tests/unit/test_judge%),$(unit-srcs))
unit-srcs := $(filter-out $(if $(CONFIG_RECORD),,tests/unit/test_recorder%),$(unit-srcs))
unit-srcs := $(filter-out $(if $(CONFIG_REPLAY),,tests/unit/test_replay%),$(unit-srcs))
unit-tests := $(unit-srcs:%.c=$(O)/%)
unit-program := $(O)/tests/unit/all
unit-objs := $(patsubst %.c,$(O)/%.o,$(unit-srcs) tests/unit/harness.c tests/unit/malloc_rig.c \
	$(wildcard tests/fake/*.c))
# The tests' own code compiles in 60 % of the time; the code under test keeps its -O2.
$(unit-objs): private CFLAGS_ALL := $(patsubst -O2,-O1,$(CFLAGS_ALL))

archive := $(O)/libglintd.a
# The CPU encoder for other programs; src/encode/cpu/jpegenc.h explains its use.
jpegenc-a := $(O)/libglintjpeg.a
jpegenc-objs := $(filter $(O)/src/encode/cpu/% $(O)/src/jpeg/header.o,$(service-objs))
glintd := $(if $(wildcard src/main.c),$(O)/glintd)
libglint-a := $(if $(libglint-objs),$(O)/libglint.a)
libglint-so := $(if $(libglint-objs),$(O)/libglint.so.0)
programs := $(glintd) $(addprefix $(O)/,$(tools))

all: $(programs) $(archive) $(if $(CONFIG_ENCODE_CPU),$(jpegenc-a)) $(libglint-a) $(libglint-so) ## build glintd, glint and libglint (the default)
# What "make run" needs.
run-programs: $(glintd) $(filter $(O)/glint,$(programs))
.PHONY: all run-programs

# --- Rules --------------------------------------------------------------------

# A change of compiler or flags builds everything again.
flags-file := $(O)/include/config/flags
flags-text := $(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIB_LIBS))
$(flags-file): FORCE
	@mkdir -p $(@D); printf '%s\n' '$(flags-text)' | cmp -s - $@ || printf '%s\n' '$(flags-text)' >$@
FORCE:
.PHONY: FORCE

$(O)/%.o: %.c $(autoconf-h) $(flags-file)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(cflags-$(basename $(@F))) $(pic) -MMD -MP -c -o $@ $<

$(O)/%.o: %.S $(autoconf-h) $(flags-file)
	$(say) AS $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(pic) -MMD -MP -c -o $@ $<

$(O)/src/http/page_files.o: $(wildcard src/http/page/*)
$(O)/src/http/schemas_file.o: src/http/schemas.json

$(libglint-objs): pic := -fPIC

# The list of objects depends on the configuration, so each archive is made anew. Its .list makes a
# removed object count as a change, too.
define write-archive
$(say) AR $@
$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
endef
$(archive): $(service-objs) $(archive).list ; $(write-archive)
$(O)/libglint.a: $(libglint-objs) ; $(write-archive)
$(jpegenc-a): $(jpegenc-objs) ; $(write-archive)
libglintjpeg.a: $(jpegenc-a)	## the CPU encoder by itself, for other programs
.PHONY: libglintjpeg.a
$(archive).list: FORCE
	@mkdir -p $(@D); echo '$(service-objs)' | cmp -s - $@ || echo '$(service-objs)' >$@

$(O)/glintd: $(main-obj) $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(main-obj) $(archive) $(LIB_LIBS)

libglint-map := $(wildcard src/libglint/libglint.map)
$(O)/libglint.so.0: $(libglint-objs) $(libglint-map)
	$(say) LD $@
	$(Q)$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,libglint.so.0 \
		$(libglint-map:%=-Wl,--version-script=%) -o $@ $(libglint-objs)
	$(Q)ln -sf libglint.so.0 $(O)/libglint.so

define tool-rule
$(O)/$(1): $(call tool-objs,$(1)) $(libglint-a) $(archive)
	$$(say) LD $$@
	$$(Q)$$(CC) $$(LDFLAGS_EXE) $$($(1)-ldflags) -o $$@ $$(filter %.o %.a,$$^) $$($(1)-libs) $$(LIB_LIBS)
endef
$(foreach tool,$(tools),$(eval $(call tool-rule,$(tool))))

# test_static.c has the wrapper of read().
$(unit-program): $(unit-objs) $(libglint-a) $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -Wl,--wrap=read -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit
$(unit-tests): $(unit-program)
	@mkdir -p $(@D) && ln -sf ../unit/$(<F) $@

-include $(patsubst %.o,%.d,$(service-objs) $(libglint-objs) $(main-obj) $(tools-objs) \
	$(unit-objs))

# --- Tests --------------------------------------------------------------------

# scripts/check runs suites under prove; the make targets build the suites' programs. "make check"
# runs all suites, in separate builds.
check-env = O=$(O) CC="$(CC)" MAKE="$(MAKE)" GLINTD=$(abspath $(O))/glintd \
	GLINT=$(abspath $(O))/glint BUILD=$(abspath $(O))

check:			## all suites; ends with "N passed, N failed, N skipped"
	+@$(check-env) scripts/check all
check-heavy:		## hours: what "check" leaves out, which repeats it elsewhere or for longer
	+@$(check-env) scripts/check heavy
unit-tests: $(unit-tests)	## build the unit tests
check-unit: unit-tests		## unit tests; TESTS="test_loop test_parser" runs only those
	+@$(check-env) scripts/check unit
check-protocol: all		## tests/protocol against the built service, pattern as its device
	+@$(check-env) scripts/check protocol
check-configs:			## build and unit-test every configuration
	+@$(check-env) scripts/check configs
check-static: 			## layering, symbols, option names, format, linters
	+@$(check-env) scripts/check static
check-san:			## unit and protocol tests under ASan+UBSan and under TSan
	+@$(check-env) scripts/check san
check-install: all		## install into a scratch directory and check the result
	+@$(check-env) scripts/check install
coverage:		## coverage of the unit and protocol tests, in O/coverage/index.html (gcovr)
	+@O=$(O)/coverage MAKE="$(MAKE)" scripts/coverage
.PHONY: check check-heavy coverage unit-tests check-unit check-protocol check-configs check-static check-san check-install

-include tests/lab/lab.mk
-include tests/kmod/kmod.mk
-include tests/bench/bench.mk
-include tests/fuzz/fuzz.mk
-include tests/preload/preload.mk

# --- Use ----------------------------------------------------------------------

deps:			## install missing packages for building and testing
	@scripts/install-deps build test
run:			## install what is missing, build, and start glintd; RUN_ARGS="..." is appended
	@scripts/install-deps build
	@$(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc)) run-programs
	@O=$(O) scripts/run $(RUN_ARGS)
.PHONY: deps run

install: all		## to DESTDIR and PREFIX (default /usr/local)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/glint \
		$(DESTDIR)$(SYSTEMD_UNIT_DIR) $(DESTDIR)$(EXAMPLES_DIR) $(DESTDIR)$(SYSUSERS_DIR)
	install -m 755 $(glintd) $(filter $(O)/glint,$(programs)) $(DESTDIR)$(BINDIR)
	install -m 644 $(O)/libglint.so.0 $(O)/libglint.a $(DESTDIR)$(LIBDIR)
	ln -sf libglint.so.0 $(DESTDIR)$(LIBDIR)/libglint.so
	install -m 644 include/glint/*.h $(DESTDIR)$(INCLUDEDIR)/glint
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' contrib/libglint.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/libglint.pc
	for unit in glintd@.service glintd@.socket; do \
		sed 's|@BINDIR@|$(BINDIR)|' contrib/systemd/$$unit \
			>$(DESTDIR)$(SYSTEMD_UNIT_DIR)/$$unit || exit 1; done
	install -m 644 contrib/udev/70-glint.rules contrib/glintd.conf examples/* $(DESTDIR)$(EXAMPLES_DIR)
	install -m 644 contrib/sysusers/glint.conf $(DESTDIR)$(SYSUSERS_DIR)
	install -d $(DESTDIR)$(PYTHONDIR)
	install -m 644 python/*.py $(DESTDIR)$(PYTHONDIR)
	install -d $(DESTDIR)$(BASH_COMPLETION_DIR) $(DESTDIR)$(ZSH_COMPLETION_DIR) \
		$(DESTDIR)$(FISH_COMPLETION_DIR)
	for program in glint glintd; do \
		install -m 644 contrib/completions/$$program.bash \
			$(DESTDIR)$(BASH_COMPLETION_DIR)/$$program || exit 1; done
	install -m 644 contrib/completions/_glint* $(DESTDIR)$(ZSH_COMPLETION_DIR)
	install -m 644 contrib/completions/*.fish $(DESTDIR)$(FISH_COMPLETION_DIR)
	for page in $(wildcard man/*.[1-8]); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	$(if $(DESTDIR),,@echo 'Then, once: ldconfig; systemd-sysusers; systemctl daemon-reload')

uninstall:		## remove the installed files
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,glintd glint) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,libglint.so libglint.so.0 libglint.a pkgconfig/libglint.pc) \
		$(addprefix $(DESTDIR)$(SYSTEMD_UNIT_DIR)/,glintd@.service glintd@.socket) \
		$(DESTDIR)$(SYSUSERS_DIR)/glint.conf \
		$(addprefix $(DESTDIR)$(PYTHONDIR)/,$(notdir $(wildcard python/*.py))) \
		$(addprefix $(DESTDIR)$(BASH_COMPLETION_DIR)/,glint glintd) \
		$(addprefix $(DESTDIR)$(ZSH_COMPLETION_DIR)/,_glint _glintd) \
		$(addprefix $(DESTDIR)$(FISH_COMPLETION_DIR)/,glint.fish glintd.fish)
	rm -rf $(DESTDIR)$(INCLUDEDIR)/glint $(DESTDIR)$(EXAMPLES_DIR)
	for page in $(notdir $(wildcard man/*.[1-8])); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
.PHONY: install uninstall

# --- Housekeeping -------------------------------------------------------------

all-srcs := $(patsubst $(O)/%.o,%.c,$(service-objs) $(main-obj) $(libglint-objs) $(tools-objs) \
	$(unit-objs))
compile_commands.json: $(autoconf-h) $(flags-file)	## for clangd and clang-tidy, in the build directory
	@CC="$(CC)" scripts/compile-commands $(foreach src,$(sort $(wildcard $(all-srcs))),$(src)) -- \
		$(CPPFLAGS_ALL) $(CFLAGS_ALL) >$(O)/$@
format:			## clang-format over all C files; the kernel module has the kernel's own style
	clang-format -i $$(scripts/list-sources c | grep -v ^tests/kmod/)
tags:			## an index for editors
	ctags -f tags $$(scripts/list-sources c)
clean:			## remove built files, keep the configuration
	rm -rf $(O)/src $(O)/tools $(O)/tests $(O)/check $(O)/include $(O)/*.a $(O)/*.so* $(O)/*.list \
		$(addprefix $(O)/,glintd $(tools))
distclean:		## remove the build directory
	rm -rf $(O)
.PHONY: compile_commands.json format tags clean distclean

endif # mixed

help:			## this list
	@echo 'glint $(VERSION): make [O=DIR] [V=1] TARGET'
	@awk -F '[:#][^#]*## *' '/^[a-z%_][A-Za-z_%. -]*:[^=].*##/ { printf "  %-22s %s\n", $$1, $$NF }' \
		$(MAKEFILE_LIST)
	@echo 'Configurations, each a target:'
	@for file in configs/*_defconfig; do \
		printf '  %-22s %s\n' $${file#configs/} "$$(sed -n 's/^# //;2p' $$file)"; done
.PHONY: help
