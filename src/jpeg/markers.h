/* SPDX-License-Identifier: MIT */
/* The second byte of each marker that glint knows (T.81, table B.1). */
#ifndef GLINT_JPEG_MARKERS_H
#define GLINT_JPEG_MARKERS_H

enum {
	M_SOF0 = 0xc0, /* baseline */
	M_SOF2 = 0xc2, /* progressive */
	M_DHT = 0xc4,
	M_SOF15 = 0xcf,
	M_RST0 = 0xd0,
	M_RST7 = 0xd7,
	M_SOI = 0xd8,
	M_EOI = 0xd9,
	M_SOS = 0xda,
	M_DQT = 0xdb,
	M_DRI = 0xdd,
	M_APP0 = 0xe0,
	M_APP15 = 0xef,
	M_COM = 0xfe,
};
#endif
