/* SPDX-License-Identifier: MIT */
/* --drop-same-frames: a still screen need not be sent again and again. */
#ifndef GLINT_NET_SAME_H
#define GLINT_NET_SAME_H

#include <stdbool.h>

struct glint_picture;
struct glint_stream;

/* Whether @stream does without @picture, because the last one was equal. Counts it. */
bool glint_same_leaves_out(struct glint_stream *stream, const struct glint_picture *picture);
#endif
