/* SPDX-License-Identifier: MIT */
/* Judges a JPEG against libjpeg-turbo's JPEG of the same picture. */
#ifndef LAB_M2M_JUDGE_H
#define LAB_M2M_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verdict {
	bool whole; /* decodes without a warning of libjpeg */
	unsigned width, height;
	char sampling[8]; /* 4:2:0, 4:2:2, 4:4:4, grey */
	double psnr;	  /* dB, over all components; of a whole JPEG of the right size */
	double reference; /* the PSNR of libjpeg's JPEG with the same tables and sampling */
};

/* @pixels is the expected picture: @width * @height * 3 bytes of Y, Cb, Cr. */
struct verdict judge_jpeg(const uint8_t *data, size_t size, const uint8_t *pixels, unsigned width,
			  unsigned height);
#endif
