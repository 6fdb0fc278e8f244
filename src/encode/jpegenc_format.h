/* SPDX-License-Identifier: MIT */
/* Translates a frame's format for the encoder in cpu/, which uses no other type of glint. */
#ifndef GLINT_ENCODE_JPEGENC_FORMAT_H
#define GLINT_ENCODE_JPEGENC_FORMAT_H

#include "encode/cpu/jpegenc.h"
#include "jpeg/header.h"
#include "v4l2/format.h"

enum glint_jpegenc_matrix glint_jpegenc_matrix_of(enum glint_matrix matrix);

/*
 * False when @format has a layout that the encoder does not read. @swap_rgb, @keep_range:
 * as for glint_rows_init(). The quality and the engine are left to the caller.
 */
bool glint_jpegenc_describe(struct glint_jpegenc_config *config, const struct glint_format *format,
			    enum glint_sampling sampling, bool swap_rgb, bool keep_range);

/* The planes of @view, which shows a frame of that format. */
struct glint_jpegenc_source glint_jpegenc_source_of(const struct glint_view *view);
#endif
