/* SPDX-License-Identifier: MIT */
/* Our scale of quality over a driver's. Pure. */
#ifndef GLINT_ENCODE_M2M_QUALITY_H
#define GLINT_ENCODE_M2M_QUALITY_H

#include <stdint.h>

struct glint_codec_range;

/*
 * The driver's value for @quality, 1..100: 1 is its least, 100 its most, evenly between,
 * on a step of its own. More is better on every scale that there is, the four tables of
 * s5p-jpeg and rcar_jpu included, although the former's header names them the other way.
 */
int32_t glint_m2m_quality(unsigned quality, const struct glint_codec_range *range);
#endif
