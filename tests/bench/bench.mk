# SPDX-License-Identifier: MIT
#
# Benchmarks. docs/PERFORMANCE.md explains their figures.

include tools/v4l2emu/v4l2emu.mk

bench-reader := $(O)/tests/bench/reader
bench-reader-objs := $(addprefix $(O)/tests/bench/,read.o reader.o connection.o picture_stamp.o \
	process.o tally.o)

$(bench-reader-objs): private CPPFLAGS_ALL += -I tools
$(bench-reader): $(bench-reader-objs) $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) -ljpeg

# Each stage by itself, on the emulated device's picture, as suites of the unit tests' harness.
bench-stages := $(O)/tests/bench/bench_stages
bench-stages-objs := $(addprefix $(O)/tests/bench/,bench.o bench_stages.o stage_frame.o tally.o)
$(bench-stages-objs): private CPPFLAGS_ALL += -I tools
$(bench-stages): $(bench-stages-objs) $(O)/tests/unit/harness.o $(O)/tools/v4l2emu/screen.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit

# What waits cost, on pictures of the emulated device.
bench-waits := $(if $(CONFIG_JUDGE),$(O)/tests/bench/bench_waits)
bench-waits-objs := $(addprefix $(O)/tests/bench/,bench.o bench_waits.o stage_frame.o tally.o)
$(O)/tests/bench/bench_waits.o: private CPPFLAGS_ALL += -I tools
$(O)/tests/bench/bench_waits: $(bench-waits-objs) $(O)/tests/unit/harness.o $(O)/tools/v4l2emu/screen.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit

# Exact pixels.
bench-pixels := $(O)/tests/bench/bench_pixels
bench-pixels-objs := $(addprefix $(O)/tests/bench/,bench.o bench_pixels.o stage_frame.o tally.o)
$(O)/tests/bench/bench_pixels.o: private CPPFLAGS_ALL += -I tools
$(bench-pixels): $(bench-pixels-objs) $(O)/tests/unit/harness.o $(O)/tools/v4l2emu/screen.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit

# The whole way: the service as a process, and its clients.
bench-service := $(O)/tests/bench/bench_service
bench-service-objs := $(addprefix $(O)/tests/bench/,bench.o bench_service.o service_process.o reader.o \
	connection.o request.o picture_stamp.o process.o tally.o)
$(bench-service-objs): private CPPFLAGS_ALL += -I tools
$(bench-service): $(bench-service-objs) $(O)/tests/unit/harness.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit -ljpeg

# The recorder: the service as a process, and a disk.
bench-record := $(O)/tests/bench/bench_record
bench-record-objs := $(addprefix $(O)/tests/bench/,bench.o bench_record.o service_process.o reader.o \
	connection.o request.o picture_stamp.o process.o tally.o)
$(O)/tests/bench/bench_record.o: private CPPFLAGS_ALL += -I tools
$(bench-record): $(bench-record-objs) $(O)/tests/unit/harness.o $(O)/tools/v4l2emu/stats.o $(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit -ljpeg

# The CPU encoder's code beside libjpeg-turbo.
bench-jpegenc := $(if $(CONFIG_ENCODE_CPU),$(O)/tests/bench/bench_jpegenc)
bench-jpegenc-objs := $(addprefix $(O)/tests/bench/,bench.o bench_jpegenc.o tally.o)
$(bench-jpegenc-objs): private CPPFLAGS_ALL += -I tools
$(O)/tests/bench/bench_jpegenc: $(bench-jpegenc-objs) $(O)/tests/unit/harness.o $(O)/tools/v4l2emu/scene.o \
	$(archive)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_EXE) -o $@ $(filter %.o %.a,$^) $(LIB_LIBS) -lcunit

# The protocol tests use these programs.
unit-tests: $(bench-reader) $(bench-jpegenc)

bench-suites := $(bench-stages) $(bench-waits) $(bench-pixels) $(bench-jpegenc) $(bench-service) $(bench-record)
bench: all $(bench-reader) $(bench-suites) $(O)/tests/preload/no_sync.so	## each stage and the whole way, some minutes; ARGS="way start"
	@O=$(O) tests/bench/run $(ARGS)
bench-peers: all $(bench-reader)	## glintd beside others; PEERS="gstreamer PATH..." ARGS="--rounds 1 stream"
	@O=$(O) PEERS="$(PEERS)" tests/bench/peers $(ARGS)
.PHONY: bench bench-peers

-include $(patsubst %.o,%.d,$(bench-reader-objs) $(bench-stages-objs) $(bench-waits-objs) \
	$(bench-pixels-objs) $(bench-service-objs) $(bench-record-objs) $(bench-jpegenc-objs))
