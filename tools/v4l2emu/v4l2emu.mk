# SPDX-License-Identifier: MIT
#
# libv4l2emu.so: a capture device for any program, at native speed.
#
#   V4L2EMU_SIZE=1280x720 LD_PRELOAD=build/libv4l2emu.so v4l2-ctl -d /dev/video-emu0 --all
#
#   V4L2EMU_PATH	the node that it stands for (/dev/video-emu0)
#   V4L2EMU_SIZE	1920x1080
#   V4L2EMU_FPS		60; 59.94 is 60000/1001
#   V4L2EMU_FORMAT	YUYV; or UYVY, NV12, RGB24, MJPEG, and those of tools/v4l2emu/pack.c
#   V4L2EMU_RANGE	full; or limited
#   V4L2EMU_SCENE	screen; or busy, photo, ui
#   V4L2EMU_CHANGE	box: a box moves; or all, blink (tools/v4l2emu/settings.h)
#   V4L2EMU_CONTROL_MS	0: how long a change of its slow control takes (controls.c)
#   V4L2EMU_STATS	a file for the counts of tools/v4l2emu/stats.h
#   V4L2EMU_NO_SIGNAL	a path: there is no signal while a file exists there

v4l2emu := $(O)/libv4l2emu.so
v4l2emu-objs := $(v4l2emu-y:%=$(O)/tools/v4l2emu/%)
v4l2emu-shared := $(v4l2emu-shared-y:%=$(O)/tools/pic/%)

# A sanitizer must be the first to be loaded, so it cannot come with a preloaded library.
$(v4l2emu-objs) $(v4l2emu-shared): private CFLAGS_ALL := $(filter-out $(sanitizers),$(CFLAGS_ALL))
$(v4l2emu): private LDFLAGS_ALL := $(filter-out $(sanitizers),$(LDFLAGS_ALL))
$(v4l2emu-objs) $(v4l2emu-shared): pic := -fPIC -fvisibility=hidden
tools-objs += $(v4l2emu-objs)

# What the service has as well, once more: its own objects are for programs only.
$(O)/tools/pic/%.o: %.c $(autoconf-h) $(flags-file)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(pic) -MMD -MP -c -o $@ $<

$(v4l2emu): $(v4l2emu-objs) $(v4l2emu-shared)
	$(say) LD $@
	$(Q)$(CC) -shared $(LDFLAGS_ALL) -Wl,-z,defs -o $@ $^ -ljpeg -lm -ldl

all unit-tests: $(v4l2emu)

-include $(patsubst %.o,%.d,$(v4l2emu-objs) $(v4l2emu-shared))
