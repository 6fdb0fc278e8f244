/* SPDX-License-Identifier: MIT */
/*
 * A copy of a frame in ordinary memory, for a reader that keeps a frame longer than the driver can
 * spare its buffer. The copy is a frame itself, with the same facts and format, so what reads
 * captured frames reads copies: its buffer is mapped and has no descriptor. Its last unref frees
 * it.
 */
#ifndef GLINT_CAPTURE_COPY_H
#define GLINT_CAPTURE_COPY_H

#include <stddef.h>

struct glint_frame;

/* How many bytes a copy of @frame takes. */
size_t glint_frame_copy_size(const struct glint_frame *frame);

/*
 * Map @src and allocate a copy without content. Loop thread. The caller owns the one reference
 * of *@out, and keeps @src until glint_frame_copy_run() has returned. -ENOMEM; -EFAULT: the
 * memory of @src cannot be read by the CPU.
 */
int glint_frame_copy_begin(struct glint_frame *src, struct glint_frame **out);

/*
 * Copy the content. Any thread, so that uncached memory, which takes 10 ms and more, does not
 * hold up the loop. A negative errno: the buffer cannot be read.
 */
int glint_frame_copy_run(struct glint_frame *copy, const struct glint_frame *src);
#endif
