/* SPDX-License-Identifier: MIT */
/*
 * Whose memory a stream's frames lie in: the capture driver's if the encoder can read it,
 * else what both can import: the encoder's, a dma-heap's, a display driver's, pages of ours. If
 * there is none, the driver's again, and the encoder gets copies.
 */
#ifndef GLINT_CAPTURE_MEMORY_H
#define GLINT_CAPTURE_MEMORY_H

struct glint_pool;
struct glint_source;

/*
 * Makes the pool of a stream, in *@out, and gives the driver all its buffers. On failure the
 * driver has none and nothing is owned. On the device's thread.
 */
int glint_memory_choose(struct glint_source *source, struct glint_pool **out);
#endif
