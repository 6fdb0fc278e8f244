/* SPDX-License-Identifier: MIT */
/* What the device is, from the environment. */
#ifndef V4L2EMU_SETTINGS_H
#define V4L2EMU_SETTINGS_H

#include <linux/videodev2.h>
#include <stdint.h>

struct emu_settings {
	uint32_t fourcc, width, height;
	struct v4l2_fract interval;	/* seconds from frame to frame */
	const char *stats_path;		/* NULL: none */
	const char *no_signal_path;	/* no signal while this file exists; NULL: always a signal */
};

/* A value that makes no sense ends the program with a message: nobody wants that measurement. */
void emu_settings_read(struct emu_settings *settings);
#endif
