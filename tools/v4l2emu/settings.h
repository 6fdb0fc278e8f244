/* SPDX-License-Identifier: MIT */
/* The device's properties, from the environment. */
#ifndef V4L2EMU_SETTINGS_H
#define V4L2EMU_SETTINGS_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>

#include "scene.h"

#define EMU_SCREEN EMU_SCENES /* the picture of screen.c; others are those of scene.c */

enum emu_change {
	EMU_CHANGE_BOX,	  /* a box and the stamp, with each frame */
	EMU_CHANGE_ALL,	  /* each buffer shows the screen shifted by another distance, too; not
			     with the formats of pack.c */
	EMU_CHANGE_BLINK, /* a cursor and the stamp, twice a second */
};

struct emu_settings {
	uint32_t fourcc, width, height;
	struct v4l2_fract interval; /* seconds between frames */
	enum emu_scene scene;
	enum emu_change change;
	bool users;		/* V4L2_MEMORY_USERPTR works, too */
	bool limited;		/* the range that the device declares; the values are the same */
	unsigned control_ms;	/* what a change of the slow control takes */
	const char *stats_path; /* NULL: none */
	const char *no_signal_path; /* no signal while this file exists; NULL: always a signal */
};

/* A wrong value ends the program with a message: a measurement with another value would mislead. */
void emu_settings_read(struct emu_settings *settings);
#endif
