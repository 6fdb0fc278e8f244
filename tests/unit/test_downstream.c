/* SPDX-License-Identifier: MIT */
/* How a capture follows its downstream encoder: format, layout, and memory. */
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../fake/v4l2.h"
#include "base/macros.h"
#include "capture/pool.h"
#include "capture/source.h"
#include "harness.h"
#include "v4l2/downstream.h"

struct rig {
	struct fake_v4l2 fake;
	struct glint_capture_config config;
	struct glint_source source;
	struct glint_downstream downstream;
	/* The encoder's answers. */
	unsigned n_formats;
	uint32_t formats[4];
	int layout_err;
	uint32_t stride, size; /* 0: as they are */
	unsigned readable;     /* a bit for each enum glint_memory */
	int lend_err;
	/* The requests that were made. */
	unsigned reads, lends;
	uint32_t width, height;
};

static struct rig *rig_of(struct glint_downstream *downstream)
{
	return container_of(downstream, struct rig, downstream);
}

static int say_formats(struct glint_downstream *downstream, uint32_t width, uint32_t height,
		       uint32_t fourccs[static GLINT_DOWNSTREAM_FORMATS_MAX])
{
	struct rig *r = rig_of(downstream);

	r->width = width;
	r->height = height;
	memcpy(fourccs, r->formats, sizeof(r->formats));
	return (int)r->n_formats;
}

static int say_layout(struct glint_downstream *downstream, const struct glint_format *have,
		      struct glint_format *need)
{
	struct rig *r = rig_of(downstream);

	*need = *have;
	if (r->stride)
		need->stride[0] = r->stride;
	if (r->size)
		need->size[0] = r->size;
	return r->layout_err;
}

static int say_reads(struct glint_downstream *downstream, const struct glint_format *format,
		     const struct glint_dmabuf *buf)
{
	struct rig *r = rig_of(downstream);

	(void)format;
	r->reads++;
	return r->readable & 1u << buf->memory ? 0 : -EFAULT;
}

static int lend(struct glint_downstream *downstream, const struct glint_format *format, unsigned n,
		struct glint_dmabuf *bufs)
{
	struct rig *r = rig_of(downstream);

	r->lends++;
	for (unsigned i = 0; i < n && r->lend_err == 0; i++) {
		glint_dmabuf_init(&bufs[i]);
		bufs[i].memory = GLINT_MEMORY_ENCODER;
		bufs[i].n_planes = 1;
		bufs[i].planes[0].size = format->size[0];
		bufs[i].planes[0].fd = memfd_create("lent", MFD_CLOEXEC);
		(void)!ftruncate(bufs[i].planes[0].fd, format->size[0]);
	}
	return r->lend_err;
}

static const struct glint_downstream_ops downstream_ops = {
	.formats = say_formats,
	.layout = say_layout,
	.reads = say_reads,
	.lend = lend,
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	fake_v4l2_init(&r->fake);
	r->fake.imports = true;
	r->fake.n_formats = 2;
	r->fake.formats[0] = (struct fake_format){
		.fourcc = V4L2_PIX_FMT_YUYV, .width = 64, .height = 48, .fps = 30
	};
	r->fake.formats[1] = (struct fake_format){
		.fourcc = V4L2_PIX_FMT_NV12, .width = 64, .height = 48, .fps = 30
	};
	r->config = (struct glint_capture_config){ .device = "/dev/video0",
						   .width = 64,
						   .height = 48,
						   .buffers = 3,
						   .raw_formats = true };
	r->downstream.ops = &downstream_ops;
	r->n_formats = 2;
	r->formats[0] = V4L2_PIX_FMT_YUYV;
	r->formats[1] = V4L2_PIX_FMT_NV12;
	r->readable = ~0u;
	r->source.config = &r->config;
	r->source.access = &r->fake.access;
	r->source.downstream = &r->downstream;
	glint_vdev_init(&r->source.vdev);
}

static void rig_start(struct rig *r)
{
	CU_ASSERT_EQUAL_FATAL(glint_source_start(&r->source), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->source.pool);
	CU_ASSERT(r->fake.streaming);
}

static enum glint_memory rig_memory(const struct rig *r)
{
	return r->source.pool->buffers[0].memory;
}

static void rig_close(struct rig *r)
{
	glint_source_stop(&r->source, true);
	glint_pool_retire(r->source.pool);
	fake_v4l2_fini(&r->fake);
}

/* --- Formats ----------------------------------------------------------------------------- */

static void test_the_encoders_formats_come_before_cheaper_ones(void)
{
	struct rig r;

	rig_init(&r);
	rig_start(&r);
	CU_ASSERT_EQUAL(r.source.vdev.format.fourcc, V4L2_PIX_FMT_NV12); /* the CPU's choice */
	CU_ASSERT_EQUAL(r.width, 64);
	CU_ASSERT_EQUAL(r.height, 48);
	rig_close(&r);

	rig_init(&r);
	r.n_formats = 1;
	rig_start(&r);
	CU_ASSERT_EQUAL(r.source.vdev.format.fourcc, V4L2_PIX_FMT_YUYV);
	rig_close(&r);
}

static void test_without_an_encoder_nothing_changes(void)
{
	struct rig r;

	rig_init(&r);
	r.n_formats = 0;
	r.layout_err = -EMEDIUMTYPE;
	r.readable = 0;
	rig_start(&r);
	CU_ASSERT_EQUAL(r.source.vdev.format.fourcc, V4L2_PIX_FMT_NV12);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(r.reads + r.lends, 0);
	rig_close(&r);
}

static void test_an_encoder_that_does_not_answer_is_not_asked_again(void)
{
	struct rig r;

	rig_init(&r);
	r.layout_err = -ETIMEDOUT;
	rig_start(&r);
	CU_ASSERT_EQUAL(r.reads, 0);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_V4L2);
	rig_close(&r);
}

/* --- Memory --------------------------------------------------------------------------------- */

static void test_the_drivers_memory_is_kept_where_the_encoder_reads_it(void)
{
	struct rig r;

	rig_init(&r);
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(r.reads, 1);
	CU_ASSERT_EQUAL(r.lends, 0);
	rig_close(&r);
}

static void test_otherwise_the_driver_writes_to_the_encoders_memory(void)
{
	struct rig r;

	rig_init(&r);
	r.readable = 1u << GLINT_MEMORY_ENCODER;
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_ENCODER);
	CU_ASSERT_EQUAL(r.fake.memory, V4L2_MEMORY_DMABUF);
	CU_ASSERT_EQUAL(r.source.pool->n, 3);
	CU_ASSERT_EQUAL(r.fake.queued, 7);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(r.fake.buffers[i].imported, r.source.pool->buffers[i].planes[0].fd);
	CU_ASSERT_PTR_NULL(r.source.pool->buffers[0].planes[0].map);
	rig_close(&r);
}

static void test_an_imported_buffer_keeps_its_index(void)
{
	struct fake_frame frame = { .seq = 5 };
	struct glint_pool_owner owner = { 0 }; /* not called: no frame is released */
	struct glint_frame *leased;
	struct glint_vbuf vbuf;
	struct rig r;

	rig_init(&r);
	r.readable = 1u << GLINT_MEMORY_ENCODER;
	rig_start(&r);
	CU_ASSERT_EQUAL(fake_v4l2_complete(&r.fake, 1, &frame), 1);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&r.source.vdev, &vbuf), 0);
	r.source.pool->owner = &owner;
	r.source.pool->live = true;
	leased = glint_pool_begin(r.source.pool, &vbuf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(leased);
	CU_ASSERT_EQUAL(leased->slot, 1);
	CU_ASSERT_EQUAL(leased->n_slots, 3);
	CU_ASSERT_PTR_EQUAL(leased->buf - leased->slot, r.source.pool->buffers);
	r.fake.buffers[1].imported = -1;
	CU_ASSERT_EQUAL(glint_vdev_qbuf(&r.source.vdev, 1), 0);
	CU_ASSERT_EQUAL(r.fake.buffers[1].imported, leased->buf->planes[0].fd);
	leased->refs = 0; /* no loop runs here to release the frame */
	r.source.pool->leased = 0;
	rig_close(&r);
}

static void test_jpegs_in_imported_memory_stay_mapped(void)
{
	struct fake_frame frame = { .seq = 5 };
	struct glint_pool_owner owner = { 0 }; /* not called: no frame is released */
	struct glint_dmabuf bufs[2];
	struct glint_frame *leased;
	struct glint_vbuf vbuf;
	struct rig r;

	rig_init(&r);
	r.fake.n_formats = 1;
	r.fake.formats[0].fourcc = V4L2_PIX_FMT_MJPEG;
	r.n_formats = 0;
	rig_start(&r);
	glint_source_stop(&r.source, false);
	glint_pool_retire(r.source.pool);
	CU_ASSERT_EQUAL_FATAL(lend(&r.downstream, &r.source.vdev.format, 2, bufs), 0);
	bufs[0].memory = bufs[1].memory = GLINT_MEMORY_UDMABUF;
	CU_ASSERT_EQUAL_FATAL(glint_pool_import(&r.source.pool, &r.source.vdev, bufs, 2, 2), 0);
	CU_ASSERT_PTR_NOT_NULL(r.source.pool->buffers[1].planes[0].map);
	CU_ASSERT_EQUAL_FATAL(glint_pool_queue(r.source.pool), 0);
	CU_ASSERT_EQUAL(glint_vdev_stream(&r.source.vdev, true), 0);
	CU_ASSERT_EQUAL(fake_v4l2_complete(&r.fake, 0, &frame), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&r.source.vdev, &vbuf), 0);
	r.source.pool->owner = &owner;
	r.source.pool->live = true;
	leased = glint_pool_begin(r.source.pool, &vbuf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(leased);
	(void)glint_pool_is_filled(r.source.pool, leased); /* unmaps raw frames */
	CU_ASSERT_PTR_NOT_NULL(leased->buf->planes[0].map);
	CU_ASSERT_PTR_NOT_NULL(r.source.pool->buffers[1].planes[0].map);
	leased->refs = 0; /* no loop runs here to release the frame */
	r.source.pool->leased = 0;
	rig_close(&r);
}

/* Let the encoder read only memory of this kind. False: this host has none. */
static bool rig_shares(struct rig *r, enum glint_memory memory)
{
	rig_init(r);
	r->readable = 1u << memory;
	rig_start(r);
	if (rig_memory(r) != memory) {
		CU_ASSERT_EQUAL(rig_memory(r), GLINT_MEMORY_V4L2);
		return false;
	}
	CU_ASSERT_EQUAL(r->lends, 1);
	CU_ASSERT_EQUAL(r->fake.memory, V4L2_MEMORY_DMABUF);
	/* Nothing maps frames, but for marks by which memory of udmabuf shows that it is filled. */
	CU_ASSERT_EQUAL(r->source.pool->buffers[0].planes[0].map != NULL,
			memory == GLINT_MEMORY_UDMABUF);
	CU_ASSERT(r->source.pool->buffers[0].planes[0].size >= r->source.vdev.format.size[0]);
	CU_ASSERT_EQUAL(glint_dmabuf_map(&r->source.pool->buffers[0]), 0);
	r->source.pool->buffers[0].planes[0].map[r->source.vdev.format.size[0] - 1] = 1;
	return true;
}

static void test_memory_of_a_dma_heap_is_the_next_best(void)
{
	struct rig r;
	bool shared = rig_shares(&r, GLINT_MEMORY_HEAP);

	rig_close(&r);
	if (!shared)
		GLINT_SKIP("no dma-heap may be used here");
}

static void test_memory_of_a_display_comes_after_heaps(void)
{
	struct rig r;
	bool shared = rig_shares(&r, GLINT_MEMORY_DUMB);

	rig_close(&r);
	if (!shared)
		GLINT_SKIP("no display device may be used here, or built without CONFIG_MEM_DRM");
}

static void test_memory_of_this_process_comes_last(void)
{
	struct rig r;
	bool shared = rig_shares(&r, GLINT_MEMORY_UDMABUF);

	rig_close(&r);
	if (!shared)
		GLINT_SKIP(
			"/dev/udmabuf may not be used here, or built without CONFIG_MEM_UDMABUF");
}

static void test_without_shared_memory_frames_are_copied(void)
{
	struct rig r;

	rig_init(&r);
	r.readable = 0;
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(r.fake.memory, V4L2_MEMORY_MMAP);
	CU_ASSERT_EQUAL(r.fake.queued, 7);
	rig_close(&r);
}

static void test_a_driver_that_imports_nothing_keeps_its_own(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.imports = false;
	r.readable = ~(1u << GLINT_MEMORY_V4L2);
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_memory(&r), GLINT_MEMORY_V4L2);
	CU_ASSERT_EQUAL(r.fake.memory, V4L2_MEMORY_MMAP);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("downstream",
	GLINT_TEST(test_the_encoders_formats_come_before_cheaper_ones),
	GLINT_TEST(test_without_an_encoder_nothing_changes),
	GLINT_TEST(test_an_encoder_that_does_not_answer_is_not_asked_again),
	GLINT_TEST(test_the_drivers_memory_is_kept_where_the_encoder_reads_it),
	GLINT_TEST(test_otherwise_the_driver_writes_to_the_encoders_memory),
	GLINT_TEST(test_an_imported_buffer_keeps_its_index),
	GLINT_TEST(test_jpegs_in_imported_memory_stay_mapped),
	GLINT_TEST(test_memory_of_a_dma_heap_is_the_next_best),
	GLINT_TEST(test_memory_of_a_display_comes_after_heaps),
	GLINT_TEST(test_memory_of_this_process_comes_last),
	GLINT_TEST(test_without_shared_memory_frames_are_copied),
	GLINT_TEST(test_a_driver_that_imports_nothing_keeps_its_own),
)
