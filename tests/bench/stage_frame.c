/* SPDX-License-Identifier: MIT */
#include "stage_frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mem/udmabuf.h"
#include "v4l2emu/picture.h"

static void frame_release(struct glint_frame *frame)
{
	(void)frame;
}

void stage_frame_init(struct stage_frame *f, uint32_t fourcc, uint32_t width, uint32_t height)
{
	static const struct glint_frame_ops ops = { .release = frame_release };
	struct glint_canvas canvas = { fourcc, width, height, NULL };
	size_t size = glint_canvas_size(fourcc, width, height);

	*f = (struct stage_frame){
		.frame = { .ops = &ops, .buf = &f->buf, .format = &f->format },
		.format = { .info = glint_format_find(fourcc),
			    .fourcc = fourcc,
			    .width = width,
			    .height = height,
			    .n_planes = 1,
			    .stride = { glint_canvas_stride(fourcc, width) },
			    .size = { (uint32_t)size } },
	};
	glint_dmabuf_init(&f->buf);
	if (glint_udmabuf_add_plane(&f->buf, size) < 0 ||
	    (canvas.base = f->buf.planes[0].map, glint_format_view(&f->format, &f->buf, &f->view)) <
		    0) {
		fprintf(stderr, "no frame of %ux%u\n", width, height);
		exit(2);
	}
	emu_screen_draw(&canvas);
}

void stage_frame_fini(struct stage_frame *f)
{
	glint_dmabuf_fini(&f->buf);
}

void stage_frame_begin(struct stage_frame *f, uint32_t seq)
{
	glint_frame_begin(&f->frame, seq);
	f->frame.info.width = f->format.width;
	f->frame.info.height = f->format.height;
	f->frame.info.capture_ns = glint_now_ns();
	f->frame.info.complete_ns = f->frame.info.dequeue_ns = f->frame.info.capture_ns;
}
