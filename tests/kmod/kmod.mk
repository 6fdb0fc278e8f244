# SPDX-License-Identifier: MIT
#
# vjpeg, the virtual JPEG encoder: docs/VIRTUAL-HARDWARE.md.
#
#   KDIR=/lib/modules/.../build	the kernel to build it for (default: the lab's)

lab-m2m-client := $(O)/tests/lab/m2m-client
lab-hostile := $(O)/tests/lab/vjpeg-hostile
m2m-sources := $(wildcard tests/lab/m2m-*.c)
vjpeg-cases := $(patsubst tests/lab/cases/%.sh,%,$(wildcard tests/lab/cases/vjpeg-*.sh))

# Static, because the dynamic linker takes a tenth of a second in User-Mode Linux.
$(lab-m2m-client): $(m2m-sources) $(wildcard tests/lab/m2m-*.h)
	$(say) CC $(notdir $@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -O2 -D_GNU_SOURCE -o $@ -static $(m2m-sources) -ljpeg -lm

$(lab-hostile): tests/kmod/hostile.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -O2 -D_GNU_SOURCE -o $@ -static $<

kmod:			## build the virtual JPEG encoder for the lab's User-Mode Linux
	@tests/kmod/build $(or $(KDIR),uml)
kmod-vm:		## the same for Debian's own kernel 6.12
	@tests/kmod/build vm-6.12

# Where a package cannot be fetched (77), the cases are skipped.
check-kmod: $(lab-m2m-client) $(lab-hostile)	## the virtual JPEG encoder by itself, on three kernels
	@for guest in uml uml-debug vm-6.12; do \
		tests/kmod/build $$guest >/dev/null || [ $$? = 77 ] || exit 1; done
	@tests/lab/run --build $(O) --guest uml --guest uml-debug --guest vm-6.12 $(LAB_ARGS) \
		$(or $(CASES),$(vjpeg-cases))
.PHONY: kmod kmod-vm check-kmod

# All cases run there, so the module must be built.
check-lab lab-soak: kmod-for-lab $(lab-m2m-client) $(lab-hostile)
kmod-for-lab:
	@tests/kmod/build uml >/dev/null || [ $$? = 77 ]
.PHONY: kmod-for-lab
