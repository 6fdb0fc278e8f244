/* SPDX-License-Identifier: MIT */
/* The four characters of a pixel format's code. */
#ifndef GLINT_BASE_FOURCC_H
#define GLINT_BASE_FOURCC_H

#include <stdint.h>

/* Write "YUYV" or "NM12" into @text, with '?' for unprintable bytes; return @text. */
const char *glint_fourcc_text(uint32_t fourcc, char text[static 5]);
#endif
