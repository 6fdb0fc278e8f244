/* SPDX-License-Identifier: MIT */
/*
 * Reads the emulated device's stamp of a JPEG, from its comment or from its picture, of which only
 * the first lines are decoded. Many clients receive the same picture: it is decoded once and then
 * recognised by a hash of its bytes.
 */
#ifndef GLINT_BENCH_PICTURE_STAMP_H
#define GLINT_BENCH_PICTURE_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pattern/stamp.h"

struct picture_stamp {
	struct glint_stamp stamp;
	bool is_new; /* not one of the remembered pictures */
};

/* -EBADMSG: no stamp, or a damaged one. */
int picture_stamp_read(const uint8_t *jpeg, size_t size, struct picture_stamp *out);
#endif
