/* SPDX-License-Identifier: MIT */
/*
 * libjpeg-turbo, as far as slices need it: a compressor that turns MCU rows into
 * entropy-coded data and nothing else. One for each worker; it stays ready.
 */
#ifndef GLINT_ENCODE_TURBO_H
#define GLINT_ENCODE_TURBO_H

#include <stdint.h>

#include "jpeg/header.h"

struct glint_bytes;
struct glint_rows;
struct glint_turbo;
struct glint_view;

/* -ENOMEM; nothing is owned then. */
int glint_turbo_create(struct glint_turbo **out);
void glint_turbo_destroy(struct glint_turbo *turbo); /* NULL is fine */

/* To be called before the first slice, and when one of these changes. -ENOMEM. */
int glint_turbo_configure(struct glint_turbo *turbo, unsigned quality,
			  enum glint_sampling sampling);

/* The quantisation tables that @turbo is configured with, zigzag order. */
void glint_turbo_quant(const struct glint_turbo *turbo, uint8_t quant[2][64]);

/*
 * Encode the picture's MCU rows @first .. @first + @count - 1 into @out, which is
 * emptied before: from @out->begin lies the scan's data, and a marker of two bytes
 * (EOI) ends it. -ENOMEM, -EIO (libjpeg refused: a bug, or memory).
 */
int glint_turbo_slice(struct glint_turbo *turbo, struct glint_rows *rows,
		      const struct glint_view *view, uint32_t first, uint32_t count,
		      struct glint_bytes *out);
#endif
