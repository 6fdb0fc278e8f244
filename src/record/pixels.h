/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a frame without the padding of its lines and planes, as a player expects them. Any
 * thread; pure but for the reading of the frame's memory.
 */
#ifndef GLINT_RECORD_PIXELS_H
#define GLINT_RECORD_PIXELS_H

#include <stddef.h>
#include <stdint.h>

struct glint_frame;
struct glint_packet;

/* The fourcc of the bytes: that of the frame, or that of the same planes in one piece. */
uint32_t glint_record_fourcc(const struct glint_frame *frame);

/* How many bytes the copy has; 0: the frame cannot be read. */
size_t glint_record_size(const struct glint_frame *frame);

/*
 * Copy the frame's bytes to @out, around the caches, which the copy would only fill. A negative
 * errno: the buffer cannot be read.
 */
int glint_record_copy(struct glint_frame *frame, uint8_t *out);

/* Copy all parts of the packet. */
void glint_record_copy_packet(const struct glint_packet *packet, uint8_t *out);
#endif
