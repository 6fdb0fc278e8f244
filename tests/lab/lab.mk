# SPDX-License-Identifier: MIT
#
# The lab: real kernel drivers on a machine without video hardware. See the comments at the top of
# tests/lab/kernel, guest and run.
#
#   CASES="webcam hdmi"	only these cases
#   GUESTS="vm-6.12"	only this kernel of Debian's, for check-vm
#   LAB_ARGS="--loop epoll"	more for tests/lab/run

GUESTS ?= vm-6.12 vm-6.1

lab-picture := $(O)/tests/lab/picture

# Static, because dynamic linking at the start takes a quarter of a second in UML.
$(lab-picture): tests/lab/picture.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -O2 -D_GNU_SOURCE -static -o $@ $< -ljpeg

lab-camera := $(O)/tests/lab/uvc-camera

$(lab-camera): $(wildcard tests/lab/uvc/*.c) tests/lab/uvc/camera.h
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -O2 -D_GNU_SOURCE -static -o $@ $(filter %.c,$^) -ljpeg

lab-kernel:		## build the lab's User-Mode Linux kernel, into the cache
	@tests/lab/kernel uml
lab-kernel-debug:	## the same with lockdep, kmemleak and more
	@tests/lab/kernel uml-debug

check-lab: all $(lab-picture) $(lab-camera)	## the service on real drivers, in User-Mode Linux
	@tests/lab/run --build $(O) $(LAB_ARGS) $(CASES)
lab-soak: all $(lab-picture) $(lab-camera)	## half an hour of faults at full rate, on both loops; SOAK_SECONDS
	@tests/lab/run --build $(O) --env SOAK_SECONDS=$(or $(SOAK_SECONDS),1800) \
		--timeout $(shell expr $(or $(SOAK_SECONDS),1800) + 1500) $(LAB_ARGS) m2m-soak
check-vm: all $(lab-picture) $(lab-camera) $(O)/tests/unit/test_downstream	## the same on Debian's own kernels 6.12 and 6.1, in QEMU
	@tests/lab/run --build $(O) $(addprefix --guest ,$(GUESTS)) --loop uring $(LAB_ARGS) \
		$(or $(CASES),rig webcam hdmi unplug memory)
lab: all			## a shell in a User-Mode Linux guest with vivid
	@echo 'In the guest: $(abspath $(O))/glintd -d /dev/video0 -r 1280x720 --unix /run/glint.sock &'
	@echo 'and then:     curl --unix-socket /run/glint.sock http://glint/state; v4l2-ctl -L; exit'
	@tests/lab/guest uml
.PHONY: lab-kernel lab-kernel-debug check-lab lab-soak check-vm lab
