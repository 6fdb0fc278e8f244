# SPDX-License-Identifier: MIT
#
# Libraries that protocol tests put in front of the C library, by LD_PRELOAD.

slow-files := $(O)/tests/preload/slow_files.so
slow-files-obj := $(slow-files:.so=.o)

# A sanitizer must be the first to be loaded, so it cannot come with a preloaded library.
$(slow-files-obj): private CFLAGS_ALL := $(filter-out $(sanitizers),$(CFLAGS_ALL))
$(slow-files-obj): pic := -fPIC -fvisibility=hidden
$(slow-files): private LDFLAGS_ALL := $(filter-out $(sanitizers),$(LDFLAGS_ALL))
$(slow-files): $(slow-files-obj)
	$(say) LD $@
	$(Q)$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ -ldl

unit-tests: $(slow-files)

-include $(slow-files-obj:.o=.d)
