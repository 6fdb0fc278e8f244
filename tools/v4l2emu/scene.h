/* SPDX-License-Identifier: MIT */
/* Three reproducible pictures, of which an encoder's cost is known. */
#ifndef V4L2EMU_SCENE_H
#define V4L2EMU_SCENE_H

#include <stdint.h>

enum emu_scene {
	EMU_BUSY,  /* a desktop of which three eighths are text-like noise, the rest is flat */
	EMU_PHOTO, /* a gradient with noise of sigma 6.4 in luma and 4 in chroma */
	EMU_UI,	   /* panels, title bars, lines of text */
	EMU_SCENES
};

extern const char *const emu_scene_names[EMU_SCENES];

/* A pixel as Y, Cb, Cr in limited range. */
void emu_scene_pixel(enum emu_scene scene, uint32_t x, uint32_t y, uint8_t out[3]);

/* YUYV, without padding. */
void emu_scene_yuyv(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out);

/* NV12, without padding. */
void emu_scene_nv12(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out);

/* R, G, B in full range, without padding. */
void emu_scene_rgb24(enum emu_scene scene, uint32_t width, uint32_t height, uint8_t *out);
#endif
