/* SPDX-License-Identifier: MIT */
/*
 * The stamp of the emulated device in a JPEG: from its comment, or from its picture,
 * of which only the first lines are decoded. Many clients get the same picture; it is
 * looked into once and then known by its bytes.
 */
#ifndef GLINT_BENCH_PICTURE_STAMP_H
#define GLINT_BENCH_PICTURE_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pattern/stamp.h"

struct picture_stamp {
	struct glint_stamp stamp;
	bool is_new;		/* not among the last pictures */
};

/* -EBADMSG: there is none, or it is damaged. */
int picture_stamp_read(const uint8_t *jpeg, size_t size, struct picture_stamp *out);
#endif
