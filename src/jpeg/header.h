/* SPDX-License-Identifier: MIT */
/*
 * Write the header of a JPEG (ITU-T T.81, annex B). The header and the slices behind it are one
 * picture. Pure.
 */
#ifndef GLINT_JPEG_HEADER_H
#define GLINT_JPEG_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define GLINT_JPEG_HEADER_MAX 700 /* bytes of glint_jpeg_write_header() */
#define GLINT_JPEG_DHT_SIZE   432 /* bytes of the four standard Huffman tables */

enum glint_sampling {
	GLINT_SAMPLING_GREY,
	GLINT_SAMPLING_420,
	GLINT_SAMPLING_422,
	GLINT_SAMPLING_444
};

/* "grey", "4:2:0", "4:2:2", "4:4:4" */
const char *glint_sampling_name(enum glint_sampling sampling);

/* Pixels of an MCU. */
unsigned glint_sampling_mcu_width(enum glint_sampling sampling);
unsigned glint_sampling_mcu_height(enum glint_sampling sampling);

struct glint_jpeg_params {
	uint32_t width, height;
	enum glint_sampling sampling;
	uint16_t restart;     /* MCUs between restart markers; 0: none */
	uint8_t quant[2][64]; /* zigzag order: luma, chroma */
};

/* SOI, JFIF, DQT, SOF0, DHT, DRI, SOS. Returns the length. */
size_t glint_jpeg_write_header(uint8_t out[static GLINT_JPEG_HEADER_MAX],
			       const struct glint_jpeg_params *params);

/* The four standard tables (T.81 annex K.3), as DHT segments, constant. */
const uint8_t *glint_jpeg_standard_dht(void);
#endif
