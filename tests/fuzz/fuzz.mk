# SPDX-License-Identifier: MIT
#
# Fuzz targets: docs/TESTING.md. clang builds them, in a separate build.
#
#   FUZZ_SECONDS=30	how long each of them runs
#   TARGETS="request jpeg"	only these

fuzz-programs := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))

# The target plays the server instead of a socket.
fuzz_libglint-ldflags := -Wl,--wrap=recv,--wrap=send,--wrap=glint_connect

# libFuzzer has main().
$(fuzz-programs): $(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(libglint-a) $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -fsanitize=fuzzer $($(@F)-ldflags) -o $@ $(filter %.o %.a,$^) \
		$(LIB_LIBS)

fuzz-programs: $(fuzz-programs)
fuzz:			## hostile input, found by libFuzzer; FUZZ_SECONDS=30 each, TARGETS="request jpeg"
	@O=$(O) MAKE="$(MAKE)" FUZZ_SECONDS=$(or $(FUZZ_SECONDS),30) tests/fuzz/run $(TARGETS)
.PHONY: fuzz fuzz-programs

-include $(fuzz-programs:%=%.d)
