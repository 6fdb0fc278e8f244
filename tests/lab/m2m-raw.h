/* SPDX-License-Identifier: MIT */
/*
 * Raw frames for m2m-client: the layout of each format, a picture drawn into a frame, and the
 * picture read back as full planes of Y, Cb and Cr. The picture depends on the frame's number
 * alone, so frames need not be kept for comparison.
 */
#ifndef LAB_M2M_RAW_H
#define LAB_M2M_RAW_H

#include <stdbool.h>
#include <stdint.h>

#define RAW_PLANES 3

enum raw_kind { RAW_PACKED, RAW_SEMIPLANAR, RAW_PLANAR, RAW_RGB };

struct raw_format {
	char name[5];
	enum raw_kind kind;
	unsigned planes;       /* of memory */
	unsigned components;   /* 1: luma only */
	unsigned step;	       /* bytes from one pixel to the next in the first plane */
	unsigned h_sub, v_sub; /* of the chroma */
	unsigned order[3];     /* RAW_PACKED, RAW_RGB: offsets; else: which chroma comes first */
};

/* Memory of one frame: borrowed. */
struct raw_frame {
	const struct raw_format *format;
	unsigned width, height; /* of the visible picture */
	unsigned lines;		/* of the first plane, padding included */
	unsigned stride;	/* of the first plane */
	uint8_t *plane[RAW_PLANES];
};

/* NULL: no such format. */
const struct raw_format *raw_format_named(const char *name);
uint32_t raw_format_fourcc(const struct raw_format *format);

void raw_draw(const struct raw_frame *frame, unsigned number);

/* Fills @pixels, width * height * 3 bytes of Y, Cb, Cr; chroma is repeated. */
void raw_read(const struct raw_frame *frame, uint8_t *pixels);
#endif
