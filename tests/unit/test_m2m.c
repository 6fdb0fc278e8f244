/* SPDX-License-Identifier: MIT */
/* The M2M backend of the encoder: frames in, packets out, and failures. */
#include <errno.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../fake/m2m.h"
#include "base/thread.h"
#include "core/packet.h"
#include "encode/encoder.h"
#include "encode/m2m/internal.h"
#include "encode/m2m/mailbox.h"
#include "encode/m2m/watchdog.h"
#include "jpeg/header.h"
#include "jpeg/inspect.h"
#include "loop_rig.h"
#include "random.h"
#include "report_rig.h"
#include "v4l2/format.h"

#define NEEDS_CPU_ENCODER()                                                                        \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_ENCODE_CPU))                                                \
			GLINT_SKIP("built without the CPU encoder");                               \
	} while (0)

#define WIDTH  64u
#define HEIGHT 48u
#define SCAN   1024 /* bytes of entropy-coded data: enough for each size here */
#define SLOTS  4

/* --- A stream of frames in memfds ------------------------------------------------------ */

struct slot {
	struct glint_frame frame;
	unsigned released;
	enum glint_outcome outcome;
};

static void slot_release(struct glint_frame *frame)
{
	struct slot *slot = container_of(frame, struct slot, frame);

	slot->released++;
	slot->outcome = frame->outcome;
}

static const struct glint_frame_ops slot_ops = { .release = slot_release };

struct rig {
	struct fake_m2m fake;
	struct glint_loop *loop;
	struct glint_fanout source;
	struct glint_encoder *encoder;
	struct glint_sink sink;
	struct glint_format format;
	struct glint_dmabuf bufs[SLOTS];
	struct slot slots[SLOTS];
	uint8_t jpeg[GLINT_JPEG_HEADER_MAX + SCAN + 16]; /* what the fake makes */
	size_t jpeg_size;

	uint64_t stamp_ns;    /* of the last frame */
	uint64_t interval_ns; /* to the next one */
	unsigned pushed;
	uint32_t seqs[16];
	size_t size;
	bool whole;    /* the last picture was a JPEG of the right size */
	unsigned keep; /* how many packets to keep */
	struct glint_packet *kept[8];
	unsigned n_kept;
};

static bool on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct rig *r = container_of(sink, struct rig, sink);
	struct glint_jpeg_info info;
	uint8_t *bytes = malloc(packet->size);
	size_t at = 0;

	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(bytes + at, packet->parts[i].iov_base, packet->parts[i].iov_len);
		at += packet->parts[i].iov_len;
	}
	r->whole = glint_jpeg_inspect(bytes, at, &info) == 0 && info.size == packet->size &&
		   info.width == WIDTH && info.height == HEIGHT && packet->info.width == WIDTH;
	free(bytes);
	r->size = packet->size;
	r->seqs[r->pushed++ % 16] = packet->info.seq;
	if (r->n_kept < r->keep)
		r->kept[r->n_kept++] = glint_packet_ref(packet);
	return true;
}

static void make_jpeg(struct rig *r, uint32_t width, uint32_t height)
{
	/* A frame header holds 1 to 65535, also where the driver's size is nonsense. */
	struct glint_jpeg_params params = { .width = MIN(MAX(width, 1u), UINT16_MAX + 0u),
					    .height = MIN(MAX(height, 1u), UINT16_MAX + 0u),
					    .sampling = GLINT_SAMPLING_420 };

	memset(params.quant, 1, sizeof(params.quant));
	r->jpeg_size = glint_jpeg_write_header(r->jpeg, &params);
	memset(r->jpeg + r->jpeg_size, 0x12, SCAN);
	memcpy(r->jpeg + r->jpeg_size + SCAN, "\xff\xd9", 2);
	r->jpeg_size += SCAN + 2;
	r->fake.jpeg = r->jpeg;
	r->fake.jpeg_size = r->jpeg_size;
}

static void make_slots(struct rig *r, uint64_t stream)
{
	r->format = (struct glint_format){ .info = glint_format_find(V4L2_PIX_FMT_YUYV),
					   .fourcc = V4L2_PIX_FMT_YUYV,
					   .width = WIDTH,
					   .height = HEIGHT,
					   .n_planes = 1,
					   .stride = { WIDTH * 2 },
					   .size = { WIDTH * 2 * HEIGHT } };
	for (unsigned i = 0; i < SLOTS; i++) {
		glint_dmabuf_init(&r->bufs[i]);
		r->bufs[i].memory = GLINT_MEMORY_V4L2;
		r->bufs[i].n_planes = 1;
		r->bufs[i].planes[0].size = r->format.size[0];
		r->bufs[i].planes[0].fd = memfd_create("slot", MFD_CLOEXEC);
		(void)!ftruncate(r->bufs[i].planes[0].fd, (off_t)r->format.size[0]);
		r->slots[i].frame = (struct glint_frame){
			.ops = &slot_ops,
			.buf = &r->bufs[i],
			.format = &r->format,
			.slot = i,
			.n_slots = SLOTS,
			.info = { .stream = stream, .live = true, .width = WIDTH, .height = HEIGHT },
		};
	}
}

static void free_slots(struct rig *r)
{
	for (unsigned i = 0; i < SLOTS; i++)
		glint_dmabuf_fini(&r->bufs[i]);
}

/* The test prepares the fake before rig_open(). */
static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	fake_m2m_init(&r->fake);
	r->fake.path = "/dev/video1";
	r->fake.automatic = true;
	r->stamp_ns = glint_now_ns() / 2;
	r->interval_ns = 190 * GLINT_NSEC_PER_MSEC; /* so no busy host makes a job late */
	make_jpeg(r, WIDTH, HEIGHT);
	make_slots(r, 1);
}

static bool keep_range; /* of --range keep */

static void rig_open(struct rig *r, enum glint_encoder_choice choice)
{
	struct glint_encoder_config config = {
		.choice = choice,
		.m2m_access = &r->fake.access,
		.quality = 90,
		.keep_range = keep_range,
		.workers = 1,
		.packets = 3,
	};

	glint_fanout_init(&r->source, NULL);
	CU_ASSERT_EQUAL_FATAL(rig_loop_create(&r->loop), 0);
	CU_ASSERT_EQUAL_FATAL(glint_encoder_create(&r->encoder, r->loop, &r->source, &config), 0);
	r->sink.codec = GLINT_CODEC_JPEG;
	r->sink.push_packet = on_packet;
	glint_list_init(&r->sink.link);
	glint_fanout_attach(glint_encoder_packets(r->encoder), &r->sink);
}

#define RIG_OPEN(r, choice)                                                                        \
	do {                                                                                       \
		if (glint_test_loop() && strcmp(glint_test_loop(), "uring") == 0) {                \
			struct glint_loop *probe_ = NULL;                                          \
                                                                                                   \
			RIG_LOOP(probe_);                                                          \
			glint_loop_destroy(probe_);                                                \
		}                                                                                  \
		rig_open(r, choice);                                                               \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_fanout_detach(glint_encoder_packets(r->encoder), &r->sink);
	for (unsigned i = 0; i < r->n_kept; i++)
		glint_packet_unref(r->kept[i]);
	CU_ASSERT(glint_encoder_destroy(r->encoder));
	for (unsigned i = 0; i < SLOTS; i++)
		CU_ASSERT_EQUAL(r->slots[i].frame.refs, 0);
	glint_loop_destroy(r->loop);
	free_slots(r);
	fake_m2m_fini(&r->fake);
}

static void rig_push(struct rig *r, unsigned slot, uint32_t seq)
{
	struct glint_frame *frame = &r->slots[slot].frame;

	r->stamp_ns += r->interval_ns;
	glint_frame_begin(frame, seq);
	frame->info.capture_ns = frame->info.complete_ns = frame->info.dequeue_ns = r->stamp_ns;
	glint_fanout_push_frame(&r->source, frame);
	glint_frame_unref(frame);
}

#define TOLD(type, r, member) REPORTED(type, encoder, (r)->encoder, "encoder." member)

/* Whole frames that were copied, of all that were encoded. */
static int64_t m2m_copies(struct rig *r)
{
	return (int64_t)(glint_encoder_copies_per_frame(r->encoder) *
				 (double)TOLD(int, r, "encoded") +
			 0.5);
}

/* Pushes one frame, and waits for its picture. */
static void rig_frame(struct rig *r, unsigned slot, uint32_t seq)
{
	unsigned before = r->pushed;

	rig_push(r, slot, seq);
	RIG_RUN_UNTIL(r->loop, r->pushed > before && r->slots[slot].frame.refs == 0);
}

static struct glint_m2m_backend *rig_m2m(struct rig *r)
{
	return container_of(glint_encoder_downstream(r->encoder), struct glint_m2m_backend,
			    downstream);
}

/* The device's task for the frame of @slot. NULL: the device does not have the frame. */
static struct glint_m2m_task *rig_task(struct rig *r, unsigned slot)
{
	struct glint_m2m_backend *m2m = rig_m2m(r);

	for (unsigned i = 0; i < GLINT_M2M_DEPTH; i++)
		if (m2m->tasks[i].src == &r->slots[slot].frame)
			return &m2m->tasks[i];
	return NULL;
}

#define HOUR_NS (3600 * GLINT_NSEC_PER_SEC)

/* One frame, which is not late before an hour has passed: the host may be busy. */
static void rig_frame_in_time(struct rig *r, unsigned slot, uint32_t seq)
{
	unsigned before = r->pushed;
	struct glint_m2m_task *task;

	rig_push(r, slot, seq);
	task = rig_task(r, slot);
	if (task)
		task->due_ns = task->limit_ns = HOUR_NS;
	RIG_RUN_UNTIL(r->loop, r->pushed > before && r->slots[slot].frame.refs == 0);
}

/* One frame, which is late at once, but no failure before an hour has passed. */
static void rig_push_late(struct rig *r, unsigned slot, uint32_t seq)
{
	struct glint_m2m_task *task;

	rig_push(r, slot, seq);
	task = rig_task(r, slot);
	CU_ASSERT_PTR_NOT_NULL_FATAL(task);
	task->due_ns = 0;
	task->limit_ns = HOUR_NS;
	glint_m2m_watch(rig_m2m(r));
}

/* Jobs end when the test ends them. */
static void rig_slow_down(struct rig *r)
{
	fake_m2m_lock(&r->fake);
	r->fake.automatic = false;
	fake_m2m_unlock(&r->fake);
}

#define IS_STATE(r, name) (strcmp(TOLD(text, r, "state"), name) == 0)

/* --- Nonsense ------------------------------------------------------------------------------- */

static struct random lying; /* under the fake's lock */
static unsigned lies;

/* Change no pointers, no descriptors of the kernel, and no length of a mapping. */
static void lie_at_random(struct fake_m2m *fake, unsigned long request, void *arg)
{
	(void)fake;
	lies += request != VIDIOC_EXPBUF && request != VIDIOC_QUERYBUF &&
		random_spoil(&lying, 40, request, arg);
}

static void test_nonsense_from_an_encoder_is_survived(void)
{
	struct random chance;
	struct rig r;

	NEEDS_CPU_ENCODER();
	chance = lying = random_begin();
	for (unsigned device = 0; device < 200; device++) {
		rig_init(&r);
		r.interval_ns = 5 * GLINT_NSEC_PER_MSEC;
		r.fake.lie = lie_at_random;
		r.fake.imports = random_below(&chance, 4) != 0;
		if (random_below(&chance, 6) == 0)
			make_jpeg(&r, random_number(&chance), HEIGHT);
		RIG_OPEN(&r, GLINT_ENCODER_AUTO);
		for (unsigned i = 0; i < 12; i++) {
			rig_frame(&r, i % SLOTS, i);
			CU_ASSERT(r.whole);
		}
		rig_close(&r);
		CU_ASSERT_EQUAL(r.fake.opens, r.fake.closes);
	}
	CU_ASSERT(lies > 200);
}

/* --- What works -------------------------------------------------------------------------- */

static void test_the_encoder_gets_the_first_frame_and_nothing_is_copied(void)
{
	struct rig r;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 2, 7);
	CU_ASSERT_EQUAL(r.seqs[0], 7);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(r.slots[2].outcome, GLINT_OUTCOME_DELIVERED);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "state"), "ok");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "memory"), "import");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "device"), "/dev/video1");
	CU_ASSERT_EQUAL(m2m_copies(&r), 0);
	CU_ASSERT_PTR_NULL(r.bufs[2].planes[0].map); /* never mapped */
	rig_close(&r);
}

static void test_a_buffer_keeps_its_index(void)
{
	struct rig r;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	for (uint32_t i = 0; i < 12; i++)
		rig_frame(&r, i % SLOTS, i);
	for (unsigned i = 0; i < SLOTS; i++)
		CU_ASSERT_EQUAL(r.fake.raw.imported[i], r.bufs[i].planes[0].fd);
	CU_ASSERT_EQUAL(r.fake.raw.n, SLOTS);
	CU_ASSERT_EQUAL(r.pushed, 12);
	CU_ASSERT_EQUAL(TOLD(int, &r, "probes"), 1);
	rig_close(&r);
}

static void test_both_qualities_are_reported(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.quality_min = 0;
	r.fake.quality_max = 3;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_EQUAL(TOLD(int, &r, "quality"), 90);
	CU_ASSERT_EQUAL(TOLD(int, &r, "driver_quality"), 3);
	CU_ASSERT_EQUAL(r.fake.quality, 3);
	rig_close(&r);
}

static void test_the_encoder_has_two_frames_and_the_newest_waits(void)
{
	struct rig r;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_slow_down(&r);
	rig_push(&r, 0, 1);
	rig_push(&r, 1, 2);
	fake_m2m_wait_jobs(&r.fake, 2);
	rig_push(&r, 2, 3);
	rig_push(&r, 3, 4);
	CU_ASSERT_EQUAL(r.slots[2].released, 1); /* 3 is late */
	CU_ASSERT_EQUAL(r.slots[2].outcome, GLINT_OUTCOME_SKIPPED);
	fake_m2m_wait_jobs(&r.fake, 1);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	fake_m2m_lock(&r.fake);
	r.fake.automatic = true;
	fake_m2m_unlock(&r.fake);
	RIG_RUN_UNTIL(r.loop, r.pushed == 4);
	CU_ASSERT_EQUAL(r.seqs[1], 1);
	CU_ASSERT_EQUAL(r.seqs[2], 2);
	CU_ASSERT_EQUAL(r.seqs[3], 4);
	rig_close(&r);
}

static void test_padding_behind_the_jpeg_is_cut(void)
{
	uint8_t padded[2048] = { 0 };
	struct rig r;

	rig_init(&r);
	memcpy(padded, r.jpeg, r.jpeg_size);
	r.fake.jpeg = padded;
	r.fake.jpeg_size = sizeof(padded);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(r.size, r.jpeg_size);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 0);
	rig_close(&r);
}

static void test_readers_that_keep_pictures_do_not_starve_the_encoder(void)
{
	struct rig r;

	rig_init(&r);
	r.keep = 7;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	for (uint32_t i = 0; i < 9; i++) {
		rig_push(&r, i % SLOTS, i);
		RIG_RUN_UNTIL(r.loop, r.slots[i % SLOTS].frame.refs == 0);
	}
	/* Four packets in the encoder's memory, three in the pool's; then none is left. */
	CU_ASSERT_EQUAL(r.n_kept, 7);
	CU_ASSERT_EQUAL(r.pushed, 7);
	CU_ASSERT_EQUAL(TOLD(int, &r, "pictures_held"), 7);
	CU_ASSERT_EQUAL(r.slots[0].outcome, GLINT_OUTCOME_SKIPPED);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 0);
	rig_close(&r);
}

static void test_a_kept_picture_outlives_the_session(void)
{
	struct rig r;

	rig_init(&r);
	r.keep = 1;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	for (unsigned i = 0; i < SLOTS; i++)
		r.slots[i].frame.info.stream = 2;
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(TOLD(int, &r, "probes"), 2);
	CU_ASSERT_EQUAL(memcmp(r.kept[0]->parts[0].iov_base, r.jpeg, r.jpeg_size), 0);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 0);
	rig_close(&r);
}

/* --- Limits of encoders ---------------------------------------------------------------------- */

static void test_without_dmabuf_there_is_one_copy(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.imports = false;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_frame(&r, 1, 1);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "memory"), "copy");
	CU_ASSERT_EQUAL(m2m_copies(&r), 2);
	rig_close(&r);
}

static void test_memory_that_is_refused_is_copied(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.attach_err = -EFAULT;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "memory"), "copy");
	CU_ASSERT_EQUAL(m2m_copies(&r), 1);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 0);
	rig_close(&r);
}

static void test_without_an_encoder_the_cpu_encodes_every_frame(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.fake.jpeg_fourcc = 0;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_frame(&r, 1, 1);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "state"), "absent");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "reason"), "there is no encoder");
	CU_ASSERT_EQUAL(TOLD(int, &r, "probes"), 1);
	CU_ASSERT(r.whole);
	rig_close(&r);
}

static void test_a_new_stream_tries_the_encoder_again(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.fake.formats[0] = r.fake.formats[1] = V4L2_PIX_FMT_NV12;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "reason"), "does not take the format");
	RIG_RUN_UNTIL(r.loop, TOLD(int, &r, "leased") == 0);
	rig_settle(r.loop);
	fake_m2m_lock(&r.fake);
	r.fake.formats[0] = V4L2_PIX_FMT_YUYV;
	fake_m2m_unlock(&r.fake);
	for (unsigned i = 0; i < SLOTS; i++)
		r.slots[i].frame.info.stream = 2;
	for (uint32_t i = 1; !IS_STATE(&r, "ok"); i++)
		rig_frame(&r, i % SLOTS, i);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "reason"), "");
	rig_close(&r);
}

static void test_wrong_colours_need_an_explicit_request(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "state"), "absent");
	CU_ASSERT(strstr(TOLD(text, &r, "reason"), "colours") != NULL);
	rig_close(&r);

	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	RIG_OPEN(&r, GLINT_ENCODER_M2M);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_close(&r);
}

static void test_with_keep_range_any_colours_suit_the_encoder(void)
{
	struct rig r;

	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	keep_range = true;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	keep_range = false;
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_close(&r);
}

/* --- Failures --------------------------------------------------------------------------- */

/* After a good frame, calls @break_it; the next frame must arrive nevertheless. */
static void rig_break(struct rig *r, void (*break_it)(struct rig *r))
{
	rig_init(r);
	rig_open(r, GLINT_ENCODER_AUTO);
	rig_frame(r, 0, 0);
	fake_m2m_lock(&r->fake);
	break_it(r);
	fake_m2m_unlock(&r->fake);
	rig_frame(r, 1, 1);
	CU_ASSERT(r->whole);
	CU_ASSERT_EQUAL(r->seqs[1], 1);
	CU_ASSERT_EQUAL(r->slots[1].outcome, GLINT_OUTCOME_DELIVERED);
	CU_ASSERT_STRING_EQUAL(TOLD(text, r, "name"), "cpu");
	CU_ASSERT_STRING_EQUAL(TOLD(text, r, "state"), "quarantined");
	CU_ASSERT_EQUAL(TOLD(int, r, "faults"), 1);
	RIG_RUN_UNTIL(r->loop, TOLD(int, r, "leased") == 0);
}

static void break_with_error_flag(struct rig *r)
{
	r->fake.done_flags = V4L2_BUF_FLAG_ERROR;
}

static void break_by_half_a_jpeg(struct rig *r)
{
	r->fake.jpeg_size /= 2;
}

static void break_by_no_end(struct rig *r)
{
	r->fake.jpeg_size -= 2;
}

static void break_by_another_size(struct rig *r)
{
	make_jpeg(r, WIDTH / 2, HEIGHT / 2);
}

static void lie_about_the_length(struct fake_m2m *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_DQBUF)
		((struct v4l2_buffer *)arg)->m.planes[0].bytesused = 1u << 30;
}

static void break_by_a_length_that_cannot_be(struct rig *r)
{
	r->fake.lie = lie_about_the_length;
}

static void break_qbuf(struct rig *r)
{
	r->fake.fail_request = VIDIOC_QBUF;
	r->fake.fail_err = -EIO;
}

static void break_dqbuf(struct rig *r)
{
	r->fake.fail_request = VIDIOC_DQBUF;
	r->fake.fail_err = -EIO;
}

static void break_by_silence(struct rig *r)
{
	r->fake.automatic = false;
}

static void test_the_cpu_encodes_a_frame_that_fails(void)
{
	static void (*const breaks[])(struct rig *) = {
		break_with_error_flag,
		break_by_half_a_jpeg,
		break_by_no_end,
		break_by_another_size,
		break_by_a_length_that_cannot_be,
		break_qbuf,
		break_dqbuf,
		break_by_silence,
	};
	struct glint_loop *loop = NULL;
	struct rig r;

	NEEDS_CPU_ENCODER();
	RIG_LOOP(loop);
	glint_loop_destroy(loop);
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		rig_break(&r, breaks[i]);
		rig_close(&r);
	}
}

static void break_by_unplugging(struct rig *r)
{
	r->fake.unplugged = true;
}

static void test_an_unplugged_encoder_is_not_waited_for(void)
{
	struct glint_loop *loop = NULL;
	struct rig r;

	NEEDS_CPU_ENCODER();
	RIG_LOOP(loop);
	glint_loop_destroy(loop);
	rig_break(&r, break_by_unplugging);
	rig_close(&r);
}

static void test_the_encoder_is_used_again_after_a_trial_without_a_picture(void)
{
	struct rig r;
	uint32_t seq = 1;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	fake_m2m_lock(&r.fake);
	r.fake.done_flags = V4L2_BUF_FLAG_ERROR;
	fake_m2m_unlock(&r.fake);
	rig_frame(&r, 1, seq++);
	fake_m2m_lock(&r.fake);
	r.fake.done_flags = 0;
	fake_m2m_unlock(&r.fake);
	/* The pause is a second; frames continue meanwhile. */
	for (; !IS_STATE(&r, "ok"); seq++)
		rig_frame(&r, seq % SLOTS, seq);
	CU_ASSERT_EQUAL(TOLD(int, &r, "probes"), 2);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 1);
	CU_ASSERT_EQUAL(TOLD(int, &r, "encoded"), r.pushed);
	CU_ASSERT_EQUAL(r.pushed, seq); /* each once, although two backends had the trial's frame */
	rig_frame(&r, seq % SLOTS, seq);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_close(&r);
}

static void test_a_refused_buffer_is_a_fault(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.keep = 1;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	fake_m2m_fail_once(&r.fake, VIDIOC_QBUF, -EIO);
	r.kept[--r.n_kept] = glint_packet_unref(r.kept[0]);
	r.keep = 0;
	fake_m2m_wait_failed(&r.fake);
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 1);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	RIG_RUN_UNTIL(r.loop, TOLD(int, &r, "leased") == 0);
	rig_close(&r);
}

static void lie_about_the_output(struct fake_m2m *fake, unsigned long request, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	if (request == VIDIOC_DQBUF && fake->jobs > 1 && !V4L2_TYPE_IS_OUTPUT(buffer->type))
		buffer->index = 0;
}

static void test_a_picture_is_not_overwritten_while_a_reader_has_it(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.keep = 1;
	r.fake.lie = lie_about_the_output;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 1);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	CU_ASSERT_EQUAL(memcmp(r.kept[0]->parts[0].iov_base, r.jpeg, r.jpeg_size), 0);
	rig_close(&r);
}

static void test_a_call_that_hangs_keeps_its_frame_and_blocks_nothing(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	fake_m2m_lock(&r.fake);
	r.fake.hang_request = VIDIOC_QBUF;
	fake_m2m_unlock(&r.fake);
	rig_push(&r, 1, 1);
	fake_m2m_wait_hanging(&r.fake);
	RIG_RUN_UNTIL(r.loop, r.pushed == 2);
	CU_ASSERT_EQUAL(r.seqs[1], 1);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(r.slots[1].frame.refs, 1); /* the device may still read it */
	CU_ASSERT_EQUAL(TOLD(int, &r, "leased"), 1);
	rig_frame(&r, 2, 2);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	RIG_RUN_UNTIL(r.loop, strstr(TOLD(text, &r, "reason"), "does not return"));

	fake_m2m_release(&r.fake);
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
	rig_close(&r);
}

static void test_the_cpu_encodes_a_late_frame_which_is_no_failure(void)
{
	struct rig r;
	unsigned before;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame_in_time(&r, 0, 99);
	rig_frame_in_time(&r, 0, 100);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_slow_down(&r);
	before = r.pushed;
	rig_push_late(&r, 1, 101);
	RIG_RUN_UNTIL(r.loop, r.pushed == before + 1);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	CU_ASSERT_EQUAL(r.seqs[before % 16], 101);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(TOLD(int, &r, "late"), 1);
	CU_ASSERT_EQUAL(r.slots[1].frame.refs, 1); /* the device may still read it */

	/* The next frame does not wait for it. */
	rig_frame(&r, 2, 102);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "cpu");
	CU_ASSERT_EQUAL(TOLD(int, &r, "late"), 1);

	fake_m2m_wait_jobs(&r.fake, 1);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	fake_m2m_lock(&r.fake);
	r.fake.automatic = true;
	fake_m2m_unlock(&r.fake);
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
	CU_ASSERT_EQUAL(r.pushed, before + 2); /* each frame once */
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "state"), "ok");
	CU_ASSERT_EQUAL(TOLD(int, &r, "faults"), 0);
	rig_frame_in_time(&r, 3, 103);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_close(&r);
}

static void test_a_late_frame_that_no_other_backend_takes_is_waited_for(void)
{
	struct rig r;
	unsigned before;

	if (IS_ENABLED(CONFIG_ENCODE_CPU))
		GLINT_SKIP("built with the CPU encoder, which takes it");
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame_in_time(&r, 0, 0);
	rig_slow_down(&r);
	before = r.pushed;
	rig_push_late(&r, 1, 1);
	fake_m2m_wait_jobs(&r.fake, 1);
	RIG_RUN_UNTIL(r.loop, rig_task(&r, 1)->alone); /* the watchdog has seen that it is late */
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(r.pushed, before);
	CU_ASSERT_EQUAL(TOLD(int, &r, "late"), 0);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
	rig_close(&r);
}

static void test_a_pause_before_a_job_is_no_reason_to_end_the_job(void)
{
	struct rig r;
	struct glint_m2m_task *task;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_M2M);
	rig_frame_in_time(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(TOLD(text, &r, "name"), "m2m");
	rig_slow_down(&r);
	rig_push(&r, 1, 1);
	task = rig_task(&r, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(task);
	task->due_ns = task->limit_ns = HOUR_NS;
	/* As if the last job had ended so long ago that the encoder would be idle. */
	rig_m2m(&r)->last_end_ns = glint_now_ns() - 10 * GLINT_NSEC_PER_SEC;
	glint_m2m_watch(rig_m2m(&r));
	rig_settle(r.loop);
	CU_ASSERT_STRING_EQUAL_FATAL(TOLD(text, &r, "state"), "ok");
	CU_ASSERT_EQUAL_FATAL(TOLD(int, &r, "faults"), 0);
	fake_m2m_wait_jobs(&r.fake, 1);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	RIG_RUN_UNTIL(r.loop, r.pushed == 2);
	rig_close(&r);
}

struct change {
	struct glint_prepare prepare;
	bool done;
	int err;
};

static void on_prepared(struct glint_prepare *prepare, int err)
{
	struct change *change = container_of(prepare, struct change, prepare);

	change->done = true;
	change->err = err;
}

static int32_t device_quality(struct rig *r)
{
	int32_t quality;

	fake_m2m_lock(&r->fake);
	quality = r->fake.quality;
	fake_m2m_unlock(&r->fake);
	return quality;
}

static void test_a_session_that_starts_during_a_change_gets_the_new_quality(void)
{
	struct change change = { .prepare.done = on_prepared };
	enum glint_holds holds = GLINT_HOLDS_NOW;
	struct glint_encoder_config wanted;
	struct rig r;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_M2M);
	rig_frame_in_time(&r, 0, 0);
	CU_ASSERT_EQUAL(device_quality(&r), 90);

	wanted = *rig_m2m(&r)->backend.config;
	wanted.quality = 35;
	CU_ASSERT_EQUAL_FATAL(glint_encoder_prepare(r.encoder, &wanted, &change.prepare, &holds),
			      -EINPROGRESS);
	/* The first frame of the next stream comes before the device has answered. */
	r.slots[1].frame.info.stream = 2;
	rig_push(&r, 1, 1);
	RIG_RUN_UNTIL(r.loop, change.done);
	CU_ASSERT_EQUAL(change.err, 0);
	glint_encoder_apply(r.encoder, &wanted);
	RIG_RUN_UNTIL(r.loop,
		      r.slots[1].frame.refs == 0 && rig_m2m(&r)->state != GLINT_M2M_STARTING);
	/*
	 * A change of the quality is the thread's last job, so it has been made when the loop
	 * knows.
	 */
	RIG_RUN_UNTIL(r.loop, !rig_m2m(&r)->tune_runs);
	CU_ASSERT_EQUAL(device_quality(&r), 35);
	rig_close(&r);
}

static void test_pictures_leave_in_the_order_of_their_frames(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_slow_down(&r);
	rig_push(&r, 0, 1);
	rig_push(&r, 1, 2);
	fake_m2m_wait_jobs(&r.fake, 2);
	/* The first job fails, and the second with it: the CPU encodes both. */
	CU_ASSERT(fake_m2m_finish(&r.fake, NULL, 0, V4L2_BUF_FLAG_ERROR));
	RIG_RUN_UNTIL(r.loop, r.pushed == 3);
	CU_ASSERT_EQUAL(r.seqs[1], 1);
	CU_ASSERT_EQUAL(r.seqs[2], 2);
	RIG_RUN_UNTIL(r.loop, TOLD(int, &r, "leased") == 0);
	rig_close(&r);
}

/* --- Requests -------------------------------------------------------------------------------- */

/* Posts a request, and waits for hours. */
struct requester {
	struct glint_m2m_mailbox mailbox;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct glint_m2m_request request;
	int put_err, wait_err;
};

static void *requester_main(void *arg)
{
	struct requester *requester = arg;

	requester->put_err = glint_m2m_mailbox_post(&requester->mailbox, &requester->request);
	if (requester->put_err == 0)
		requester->wait_err = glint_m2m_mailbox_wait(&requester->mailbox,
							     &requester->request,
							     glint_now_ns() + 3600ull * 1000000000);
	return NULL;
}

static void requester_start(struct requester *requester)
{
	*requester = (struct requester){ .request.kind = GLINT_M2M_REQUEST_FORMATS };
	pthread_mutex_init(&requester->lock, NULL);
	glint_thread_cond_init(&requester->changed);
	requester->mailbox.lock = &requester->lock;
	requester->mailbox.changed = &requester->changed;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&requester->thread, NULL, requester_main, requester),
			      0);
}

static void requester_end(struct requester *requester)
{
	pthread_join(requester->thread, NULL);
	pthread_cond_destroy(&requester->changed);
	pthread_mutex_destroy(&requester->lock);
}

static void requester_await(struct requester *requester, enum glint_m2m_request_state state)
{
	for (bool there = false; !there; usleep(1000)) {
		pthread_mutex_lock(&requester->lock);
		there = requester->mailbox.request.state == state;
		pthread_mutex_unlock(&requester->lock);
	}
}

/* The encoder's thread, in a driver that hangs. */
struct answering {
	struct glint_m2m_mailbox *mailbox;
	struct glint_m2m_negotiation negotiation;
};

static void *answering_main(void *arg)
{
	struct answering *answering = arg;

	glint_m2m_mailbox_answer(answering->mailbox, &answering->negotiation);
	glint_m2m_negotiation_fini(&answering->negotiation);
	return NULL;
}

static void test_closing_the_mailbox_ends_a_posted_request(void)
{
	struct glint_m2m_request another = { .kind = GLINT_M2M_REQUEST_FORMATS };
	struct requester requester;

	requester_start(&requester);
	requester_await(&requester, GLINT_M2M_REQUEST_POSTED);
	CU_ASSERT_EQUAL(glint_m2m_mailbox_post(&requester.mailbox, &another), -EBUSY);
	glint_m2m_mailbox_close(&requester.mailbox);
	pthread_join(requester.thread, NULL);
	CU_ASSERT_EQUAL(requester.wait_err, -EAGAIN);
	CU_ASSERT_EQUAL(glint_m2m_mailbox_post(&requester.mailbox, &another), -ECANCELED);

	CU_ASSERT_EQUAL_FATAL(pthread_create(&requester.thread, NULL, requester_main, &requester),
			      0);
	requester_end(&requester);
	CU_ASSERT_EQUAL(requester.put_err, -ECANCELED);
}

static void test_closing_the_mailbox_ends_a_taken_request(void)
{
	struct answering answering;
	struct requester requester;
	struct fake_m2m fake;
	pthread_t thread;

	fake_m2m_init(&fake);
	fake.path = "/dev/video1";
	fake.hang_request = VIDIOC_ENUM_FMT;
	requester_start(&requester);
	requester_await(&requester, GLINT_M2M_REQUEST_POSTED);
	answering.mailbox = &requester.mailbox;
	glint_m2m_negotiation_init(&answering.negotiation, &fake.access, NULL);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, answering_main, &answering), 0);
	fake_m2m_wait_hanging(&fake);
	glint_m2m_mailbox_close(&requester.mailbox);
	pthread_join(requester.thread, NULL);
	CU_ASSERT_EQUAL(requester.wait_err, -ETIMEDOUT);
	fake_m2m_release(&fake);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(requester.mailbox.request.state, GLINT_M2M_REQUEST_NONE);
	pthread_cond_destroy(&requester.changed);
	pthread_mutex_destroy(&requester.lock);
	fake_m2m_fini(&fake);
}

/* --- Limits ---------------------------------------------------------------------------------- */

#define MS 1000000ull

static void test_a_job_may_take_a_frame_time_longer_than_usual(void)
{
	struct glint_m2m_health health = { 0 };

	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health), 60 * MS); /* nothing is known */
	CU_ASSERT(glint_m2m_health_due(&health) < 33 * MS);
	for (uint64_t i = 1; i < 50; i++)
		glint_m2m_health_frame(&health, i * 40 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_due(&health) / MS, 30);
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health) / MS, 80);
	glint_m2m_health_frame(&health,
			       50 * 40 * MS + 5000 * MS); /* a pause does not change the rate */
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health) / MS, 80);
	for (unsigned i = 0; i < 50; i++)
		glint_m2m_health_good(&health, 80 * MS, 0); /* a slow encoder has not failed */
	CU_ASSERT_EQUAL((glint_m2m_health_due(&health) + MS / 2) / MS, 110);
	CU_ASSERT_EQUAL((glint_m2m_health_limit(&health) + MS / 2) / MS, 160);
	for (unsigned i = 0; i < 100; i++)
		glint_m2m_health_good(&health, 8000 * MS, 0);
	CU_ASSERT_EQUAL(glint_m2m_health_due(&health), 500 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health), 500 * MS);
}

static void test_limits_have_a_minimum_for_fast_frames(void)
{
	struct glint_m2m_health health = { 0 };

	for (uint64_t i = 1; i < 50; i++)
		glint_m2m_health_frame(&health, i * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_due(&health), 8 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health), 60 * MS);
}

static void test_pauses_double_up_to_a_minute(void)
{
	static const unsigned seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct glint_m2m_health health = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
		CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), seconds[i] * 1000 * MS);
		for (uint64_t k = 0; k < 60;
		     k++) /* good jobs, but for a shorter time than the rest */
			glint_m2m_health_good(&health, MS, k * 16 * MS);
	}
}

static void test_a_failure_is_forgotten_after_as_much_work_as_rest(void)
{
	struct glint_m2m_health health = { 0 };

	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 1000 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 2000 * MS);
	for (uint64_t k = 0; k <= 20; k++)
		glint_m2m_health_good(&health, MS, 5000 * MS + k * 100 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 1000 * MS);
	/* A few jobs are not enough, however long they took. */
	for (uint64_t k = 0; k < 3; k++)
		glint_m2m_health_good(&health, MS, k * 60000 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 2000 * MS);
}

/* clang-format off */
GLINT_TESTS("m2m",
	GLINT_TEST(test_nonsense_from_an_encoder_is_survived),
	GLINT_TEST(test_the_encoder_gets_the_first_frame_and_nothing_is_copied),
	GLINT_TEST(test_a_buffer_keeps_its_index),
	GLINT_TEST(test_both_qualities_are_reported),
	GLINT_TEST(test_the_encoder_has_two_frames_and_the_newest_waits),
	GLINT_TEST(test_padding_behind_the_jpeg_is_cut),
	GLINT_TEST(test_readers_that_keep_pictures_do_not_starve_the_encoder),
	GLINT_TEST(test_a_kept_picture_outlives_the_session),
	GLINT_TEST(test_without_dmabuf_there_is_one_copy),
	GLINT_TEST(test_memory_that_is_refused_is_copied),
	GLINT_TEST(test_without_an_encoder_the_cpu_encodes_every_frame),
	GLINT_TEST(test_a_new_stream_tries_the_encoder_again),
	GLINT_TEST(test_wrong_colours_need_an_explicit_request),
	GLINT_TEST(test_with_keep_range_any_colours_suit_the_encoder),
	GLINT_TEST(test_the_cpu_encodes_a_frame_that_fails),
	GLINT_TEST(test_an_unplugged_encoder_is_not_waited_for),
	GLINT_TEST(test_the_encoder_is_used_again_after_a_trial_without_a_picture),
	GLINT_TEST(test_a_refused_buffer_is_a_fault),
	GLINT_TEST(test_a_picture_is_not_overwritten_while_a_reader_has_it),
	GLINT_TEST(test_a_call_that_hangs_keeps_its_frame_and_blocks_nothing),
	GLINT_TEST(test_the_cpu_encodes_a_late_frame_which_is_no_failure),
	GLINT_TEST(test_a_late_frame_that_no_other_backend_takes_is_waited_for),
	GLINT_TEST(test_a_pause_before_a_job_is_no_reason_to_end_the_job),
	GLINT_TEST(test_a_session_that_starts_during_a_change_gets_the_new_quality),
	GLINT_TEST(test_pictures_leave_in_the_order_of_their_frames),
	GLINT_TEST(test_closing_the_mailbox_ends_a_posted_request),
	GLINT_TEST(test_closing_the_mailbox_ends_a_taken_request),
	GLINT_TEST(test_a_job_may_take_a_frame_time_longer_than_usual),
	GLINT_TEST(test_limits_have_a_minimum_for_fast_frames),
	GLINT_TEST(test_pauses_double_up_to_a_minute),
	GLINT_TEST(test_a_failure_is_forgotten_after_as_much_work_as_rest),
)
