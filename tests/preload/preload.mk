# SPDX-License-Identifier: MIT
#
# Libraries that protocol tests preload (LD_PRELOAD).

slow-files := $(O)/tests/preload/slow_files.so
slow-files-obj := $(slow-files:.so=.o)

# A sanitizer's library must be loaded first, so a preloaded library is built without one.
$(slow-files-obj): private CFLAGS_ALL := $(filter-out $(sanitizers),$(CFLAGS_ALL))
$(slow-files-obj): pic := -fPIC -fvisibility=hidden
$(slow-files): private LDFLAGS_ALL := $(filter-out $(sanitizers),$(LDFLAGS_ALL))
$(slow-files): $(slow-files-obj)
	$(say) LD $@
	$(Q)$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ -ldl

unit-tests: $(slow-files)

-include $(slow-files-obj:.o=.d)
