/* SPDX-License-Identifier: MIT */
/* A frame in memory with the emulated device's screen, the same on every machine. */
#ifndef GLINT_BENCH_STAGE_FRAME_H
#define GLINT_BENCH_STAGE_FRAME_H

#include "core/frame.h"
#include "mem/dmabuf.h"
#include "v4l2/format.h"

struct stage_frame {
	struct glint_frame frame;
	struct glint_format format;
	struct glint_dmabuf buf;
	struct glint_view view;
};

/* Ends the program when memory is short. */
void stage_frame_init(struct stage_frame *frame, uint32_t fourcc, uint32_t width, uint32_t height);
void stage_frame_fini(struct stage_frame *frame);

/* Begins a new lease, as if the frame had just been dequeued. */
void stage_frame_begin(struct stage_frame *frame, uint32_t seq);
#endif
