/* SPDX-License-Identifier: MIT */
/*
 * A set of EDIDs that tests need: each makes a source send one mode, beside small ones that
 * firmware needs. Their bytes are built here, so what they say and their check sums are right by
 * construction. Pure.
 */
#ifndef GLINT_V4L2_EDID_SET_H
#define GLINT_V4L2_EDID_SET_H

#include <stddef.h>
#include <stdint.h>

#include "v4l2/edid.h"

#define GLINT_EDID_SET_SIZE (2 * GLINT_EDID_BLOCK)

/* The end of a name for the same EDID with audio: "1080p60-audio". */
#define GLINT_EDID_SET_AUDIO "-audio"

/* The names in their order, without GLINT_EDID_SET_AUDIO; NULL past the end. */
const char *glint_edid_set_name(unsigned index);

/* Build the EDID @name, in any case. -ENOENT: there is none of that name. */
int glint_edid_set_build(const char *name, uint8_t edid[static GLINT_EDID_SET_SIZE]);
#endif
