# SPDX-License-Identifier: MIT
#
# Libraries that protocol tests and benchmarks preload (LD_PRELOAD).

slow-files := $(O)/tests/preload/slow_files.so
no-sync := $(O)/tests/preload/no_sync.so
preloaded-objs := $(patsubst %.so,%.o,$(slow-files) $(no-sync))

# A sanitizer's library must be loaded first, so a preloaded library is built without one.
$(preloaded-objs): private CFLAGS_ALL := $(filter-out $(sanitizers),$(CFLAGS_ALL))
$(preloaded-objs): pic := -fPIC -fvisibility=hidden
$(slow-files) $(no-sync): private LDFLAGS_ALL := $(filter-out $(sanitizers),$(LDFLAGS_ALL))
$(slow-files) $(no-sync): %.so: %.o
	$(say) LD $@
	$(Q)$(CC) -shared $(LDFLAGS_ALL) -o $@ $< -ldl

unit-tests: $(slow-files)

-include $(preloaded-objs:.o=.d)
