/* SPDX-License-Identifier: MIT */
/* The Kbuild file compiles this one for AVX2; pixels.c asks the processor first. */
#include "pixels/lines.c" /* NOLINT(bugprone-suspicious-include) */
