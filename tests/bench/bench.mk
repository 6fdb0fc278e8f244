# SPDX-License-Identifier: MIT
#
# Benchmarks; docs/PERFORMANCE.md says what their numbers mean.

include tools/v4l2emu/v4l2emu.mk

bench-reader := $(O)/tests/bench/reader
bench-reader-objs := $(addprefix $(O)/tests/bench/,reader.o connection.o picture_stamp.o \
	process.o tally.o)

$(bench-reader-objs): private CPPFLAGS_ALL += -I tools
$(bench-reader): $(bench-reader-objs) $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) -ljpeg

# Each stage by itself; the picture is the emulated device's.
bench-stages := $(O)/tests/bench/bench_stages
bench-stages-objs := $(addprefix $(O)/tests/bench/,bench_stages.o stage_frame.o tally.o)
$(bench-stages-objs): private CPPFLAGS_ALL += -I tools
$(bench-stages): $(bench-stages-objs) $(O)/tools/v4l2emu/screen.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS)

# The protocol tests use it.
unit-tests: $(bench-reader)

bench: all $(bench-reader) $(bench-stages)	## each stage and the whole way, some minutes; ARGS="way start"
	@O=$(O) tests/bench/service $(ARGS)
bench-peers: all $(bench-reader)	## glintd beside ustreamer, some minutes; ARGS="--rounds 1 stream"
	@O=$(O) tests/bench/peers $(ARGS)
.PHONY: bench bench-peers

-include $(patsubst %.o,%.d,$(bench-reader-objs) $(bench-stages-objs))
