/* SPDX-License-Identifier: MIT */
/* What is a JPEG worth? libjpeg-turbo's own of the same picture is the measure. */
#ifndef LAB_M2M_JUDGE_H
#define LAB_M2M_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verdict {
	bool whole;		/* decodes, and libjpeg has nothing to complain about */
	unsigned width, height;
	char sampling[8];	/* 4:2:0, 4:2:2, 4:4:4, grey */
	double psnr;		/* dB, over all components; of a whole JPEG of the right size */
	double reference;	/* the same of libjpeg's, with this JPEG's tables and sampling */
};

/* @pixels is what it should show: @width * @height * 3 bytes of Y, Cb, Cr. */
struct verdict judge_jpeg(const uint8_t *data, size_t size, const uint8_t *pixels, unsigned width,
			  unsigned height);
#endif
