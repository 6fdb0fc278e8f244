/* SPDX-License-Identifier: MIT */
/*
 * A 5x7 bitmap font (ASCII 32..126), for the test pattern and the picture that
 * says why there is no video. Pure.
 */
#ifndef GLINT_BASE_FONT_H
#define GLINT_BASE_FONT_H

#include <stdbool.h>

#define GLINT_FONT_WIDTH   5
#define GLINT_FONT_HEIGHT  7
#define GLINT_FONT_ADVANCE 6 /* cells from one character to the next */

/* Returns whether the cell (@x 0..4, @y 0..6) of @c is set. Unknown characters look like '?'. */
bool glint_font_cell(char c, unsigned x, unsigned y);
#endif
