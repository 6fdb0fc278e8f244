/* SPDX-License-Identifier: MIT */
/* The M2M encoder behind the encoder: frames in, pictures out, and what happens when it fails. */
#include <errno.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../fake/m2m.h"
#include "base/thread.h"
#include "core/picture.h"
#include "encode/encoder.h"
#include "encode/m2m/watchdog.h"
#include "encode/m2m/mailbox.h"
#include "jpeg/header.h"
#include "jpeg/inspect.h"
#include "loop_rig.h"
#include "random.h"
#include "v4l2/format.h"

#define NEEDS_CPU_ENCODER()                                                                       \
	do {                                                                                      \
		if (!IS_ENABLED(CONFIG_ENCODE_CPU))                                               \
			GLINT_SKIP("built without the CPU encoder");                              \
	} while (0)

#define WIDTH  64u
#define HEIGHT 48u
#define SCAN   1024	/* bytes of entropy-coded data: enough for each size here */
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
	uint8_t jpeg[GLINT_JPEG_HEADER_MAX + SCAN + 16];	/* what the fake makes */
	size_t jpeg_size;

	uint64_t stamp_ns;	/* of the last frame */
	uint64_t interval_ns;	/* to the next one */
	unsigned pushed;
	uint32_t seqs[16];
	size_t size;
	bool whole;		/* the last picture was a JPEG of the right size */
	unsigned keep;		/* so many are kept */
	struct glint_picture *kept[8];
	unsigned n_kept;
};

static bool on_picture(struct glint_sink *sink, struct glint_frame *frame)
{
	struct rig *r = container_of(sink, struct rig, sink);
	struct glint_picture *picture = glint_picture_of(frame);
	struct glint_jpeg_info info;
	uint8_t *bytes = malloc(picture->size);
	size_t at = 0;

	for (unsigned i = 0; i < picture->n_parts; i++) {
		memcpy(bytes + at, picture->parts[i].iov_base, picture->parts[i].iov_len);
		at += picture->parts[i].iov_len;
	}
	r->whole = glint_jpeg_inspect(bytes, at, &info) == 0 && info.size == picture->size &&
		   info.width == WIDTH && info.height == HEIGHT && picture->width == WIDTH;
	free(bytes);
	r->size = picture->size;
	r->seqs[r->pushed++ % 16] = frame->seq;
	if (r->n_kept < r->keep)
		r->kept[r->n_kept++] = glint_picture_ref(picture);
	return true;
}

static void make_jpeg(struct rig *r, uint32_t width, uint32_t height)
{
	struct glint_jpeg_params params = { .width = width,
					    .height = height,
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
					   .fourcc = V4L2_PIX_FMT_YUYV, .width = WIDTH,
					   .height = HEIGHT, .n_planes = 1,
					   .stride = { WIDTH * 2 },
					   .size = { WIDTH * 2 * HEIGHT } };
	for (unsigned i = 0; i < SLOTS; i++) {
		glint_dmabuf_init(&r->bufs[i]);
		r->bufs[i].memory = GLINT_MEMORY_V4L2;
		r->bufs[i].n_planes = 1;
		r->bufs[i].planes[0].size = r->format.size[0];
		r->bufs[i].planes[0].fd = memfd_create("slot", MFD_CLOEXEC);
		(void)!ftruncate(r->bufs[i].planes[0].fd, (off_t)r->format.size[0]);
		r->slots[i].frame = (struct glint_frame){ .ops = &slot_ops, .buf = &r->bufs[i],
							  .format = &r->format, .slot = i,
							  .n_slots = SLOTS, .stream = stream };
	}
}

static void free_slots(struct rig *r)
{
	for (unsigned i = 0; i < SLOTS; i++)
		glint_dmabuf_fini(&r->bufs[i]);
}

/* The fake is prepared by the test before rig_open(). */
static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	fake_m2m_init(&r->fake);
	r->fake.path = "/dev/video1";
	r->fake.automatic = true;
	r->stamp_ns = glint_now_ns() / 2;
	r->interval_ns = 190 * GLINT_NSEC_PER_MSEC;	/* so no busy host makes a job late */
	make_jpeg(r, WIDTH, HEIGHT);
	make_slots(r, 1);
}

static bool keep_range;	/* of --range keep */

static void rig_open(struct rig *r, enum glint_encoder_choice choice)
{
	struct glint_encoder_config config = {
		.choice = choice,
		.m2m_access = &r->fake.access,
		.quality = 90,
		.keep_range = keep_range,
		.workers = 1,
		.pictures = 3,
	};

	glint_fanout_init(&r->source, NULL);
	CU_ASSERT_EQUAL_FATAL(rig_loop_create(&r->loop), 0);
	CU_ASSERT_EQUAL_FATAL(glint_encoder_create(&r->encoder, r->loop, &r->source, &config), 0);
	r->sink.push = on_picture;
	glint_list_init(&r->sink.link);
	glint_fanout_attach(glint_encoder_pictures(r->encoder), &r->sink);
}

#define RIG_OPEN(r, choice)                                                                       \
	do {                                                                                      \
		if (glint_test_loop() && strcmp(glint_test_loop(), "uring") == 0) {               \
			struct glint_loop *probe_ = NULL;                                         \
                                                                                                  \
			RIG_LOOP(probe_);                                                         \
			glint_loop_destroy(probe_);                                               \
		}                                                                                 \
		rig_open(r, choice);                                                              \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_fanout_detach(glint_encoder_pictures(r->encoder), &r->sink);
	for (unsigned i = 0; i < r->n_kept; i++)
		glint_picture_unref(r->kept[i]);
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
	glint_frame_begin(frame, seq, r->stamp_ns);
	frame->complete_ns = frame->dequeue_ns = frame->capture_ns;
	glint_fanout_push(&r->source, frame);
	glint_frame_unref(frame);
}

static struct glint_encoder_status rig_status(struct rig *r)
{
	struct glint_encoder_status status;

	glint_encoder_status(r->encoder, &status);
	return status;
}

/* One frame, and its picture. */
static void rig_frame(struct rig *r, unsigned slot, uint32_t seq)
{
	unsigned before = r->pushed;

	rig_push(r, slot, seq);
	RIG_RUN_UNTIL(r->loop, r->pushed > before && r->slots[slot].frame.refs == 0);
}

/* From now on a job ends when the test says so. */
static void rig_slow_down(struct rig *r)
{
	fake_m2m_lock(&r->fake);
	r->fake.automatic = false;
	fake_m2m_unlock(&r->fake);
}

#define IS_STATE(r, name) (strcmp(rig_status(r).m2m.state, name) == 0)

/* --- Nonsense ------------------------------------------------------------------------------- */

static struct random lying;	/* under the fake's lock */
static unsigned lies;

/* Pointers are ours, descriptors the kernel's, and so is how long a mapping may be. */
static void lie_at_random(struct fake_m2m *fake, unsigned long request, void *arg)
{
	(void)fake;
	lies += request != VIDIOC_EXPBUF && request != VIDIOC_QUERYBUF &&
		random_spoil(&lying, 40, request, arg);
}

static void test_no_encoder_is_too_strange(void)
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

/* --- What it does -------------------------------------------------------------------------- */

static void test_the_first_frame_is_its_own_and_nothing_is_copied(void)
{
	struct rig r;

	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 2, 7);
	CU_ASSERT_EQUAL(r.seqs[0], 7);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(r.slots[2].outcome, GLINT_OUTCOME_DELIVERED);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.state, "ok");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.memory, "import");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.path, "/dev/video1");
	CU_ASSERT_EQUAL(rig_status(&r).copies, 0);
	CU_ASSERT_PTR_NULL(r.bufs[2].planes[0].map);	/* no pixel was ever in reach */
	rig_close(&r);
}

static void test_a_buffer_keeps_its_place(void)
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
	CU_ASSERT_EQUAL(rig_status(&r).m2m.probes, 1);
	rig_close(&r);
}

static void test_both_qualities_are_told(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.quality_min = 0;
	r.fake.quality_max = 3;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_EQUAL(rig_status(&r).quality, 90);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.driver_quality, 3);
	CU_ASSERT_EQUAL(r.fake.quality, 3);
	rig_close(&r);
}

static void test_two_frames_are_in_it_and_the_newest_waits(void)
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
	CU_ASSERT_EQUAL(r.slots[2].released, 1);	/* 3 is late */
	CU_ASSERT_EQUAL(r.slots[2].outcome, GLINT_OUTCOME_SKIPPED);
	fake_m2m_lock(&r.fake);
	r.fake.automatic = true;
	fake_m2m_unlock(&r.fake);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
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
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 0);
	rig_close(&r);
}

static void test_readers_that_keep_pictures_do_not_starve_it(void)
{
	struct rig r;

	rig_init(&r);
	r.keep = 7;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	for (uint32_t i = 0; i < 9; i++) {
		rig_push(&r, i % SLOTS, i);
		RIG_RUN_UNTIL(r.loop, r.slots[i % SLOTS].frame.refs == 0);
	}
	/* Four in the encoder's memory, three in ours; then there is none to be had. */
	CU_ASSERT_EQUAL(r.n_kept, 7);
	CU_ASSERT_EQUAL(r.pushed, 7);
	CU_ASSERT_EQUAL(rig_status(&r).pictures_held, 7);
	CU_ASSERT_EQUAL(r.slots[0].outcome, GLINT_OUTCOME_SKIPPED);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 0);
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
		r.slots[i].frame.stream = 2;
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.probes, 2);
	CU_ASSERT_EQUAL(memcmp(r.kept[0]->parts[0].iov_base, r.jpeg, r.jpeg_size), 0);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 0);
	rig_close(&r);
}

/* --- What it cannot do ------------------------------------------------------------------------ */

static void test_without_dmabuf_there_is_one_copy(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.imports = false;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_frame(&r, 1, 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.memory, "copy");
	CU_ASSERT_EQUAL(rig_status(&r).copies, 2);
	rig_close(&r);
}

static void test_memory_that_is_refused_is_copied(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.attach_err = -EFAULT;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.memory, "copy");
	CU_ASSERT_EQUAL(rig_status(&r).copies, 1);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 0);
	rig_close(&r);
}

static void test_without_an_encoder_the_cpu_has_every_frame(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.fake.jpeg_fourcc = 0;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_frame(&r, 1, 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.state, "absent");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.reason, "there is no encoder");
	CU_ASSERT_EQUAL(rig_status(&r).m2m.probes, 1);
	CU_ASSERT(r.whole);
	rig_close(&r);
}

static void test_another_stream_is_another_chance(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.fake.formats[0] = r.fake.formats[1] = V4L2_PIX_FMT_NV12;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.reason, "does not take the format");
	RIG_RUN_UNTIL(r.loop, rig_status(&r).m2m.leased == 0);
	rig_settle(r.loop);
	fake_m2m_lock(&r.fake);
	r.fake.formats[0] = V4L2_PIX_FMT_YUYV;
	fake_m2m_unlock(&r.fake);
	for (unsigned i = 0; i < SLOTS; i++)
		r.slots[i].frame.stream = 2;
	for (uint32_t i = 1; !IS_STATE(&r, "ok"); i++)
		rig_frame(&r, i % SLOTS, i);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.reason, "");
	rig_close(&r);
}

static void test_wrong_colours_are_for_who_asks_for_them(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.state, "absent");
	CU_ASSERT(strstr(rig_status(&r).m2m.reason, "colours") != NULL);
	rig_close(&r);

	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	RIG_OPEN(&r, GLINT_ENCODER_M2M);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_close(&r);
}

static void test_values_that_are_to_be_kept_are_right_for_it(void)
{
	struct rig r;

	rig_init(&r);
	r.format.range = GLINT_RANGE_LIMITED;
	keep_range = true;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	keep_range = false;
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_close(&r);
}

/* --- What goes wrong --------------------------------------------------------------------------- */

/* It works, then @break_it happens; the very frame after that must come all the same. */
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
	CU_ASSERT_STRING_EQUAL(rig_status(r).name, "cpu");
	CU_ASSERT_STRING_EQUAL(rig_status(r).m2m.state, "quarantined");
	CU_ASSERT_EQUAL(rig_status(r).m2m.faults, 1);
	RIG_RUN_UNTIL(r->loop, rig_status(r).m2m.leased == 0);
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

static void test_the_frame_that_fails_is_the_cpus(void)
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

static void test_it_is_used_again_after_a_trial_that_nobody_sees(void)
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
	/* The pause is a second; frames go on meanwhile. */
	for (; !IS_STATE(&r, "ok"); seq++)
		rig_frame(&r, seq % SLOTS, seq);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.probes, 2);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 1);
	CU_ASSERT_EQUAL(rig_status(&r).encoded, r.pushed);
	CU_ASSERT_EQUAL(r.pushed, seq);	/* each once, although the trial's was in both */
	rig_frame(&r, seq % SLOTS, seq);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_close(&r);
}

static void test_a_buffer_that_is_not_taken_back_is_a_fault(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.keep = 1;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	fake_m2m_fail_once(&r.fake, VIDIOC_QBUF, -EIO);
	r.kept[--r.n_kept] = glint_picture_unref(r.kept[0]);
	r.keep = 0;
	fake_m2m_wait_failed(&r.fake);
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	RIG_RUN_UNTIL(r.loop, rig_status(&r).m2m.leased == 0);
	rig_close(&r);
}

static void lie_about_the_output(struct fake_m2m *fake, unsigned long request, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	if (request == VIDIOC_DQBUF && fake->jobs > 1 && !V4L2_TYPE_IS_OUTPUT(buffer->type))
		buffer->index = 0;
}

static void test_a_picture_is_not_replaced_while_a_reader_has_it(void)
{
	struct rig r;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	r.keep = 1;
	r.fake.lie = lie_about_the_output;
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_frame(&r, 1, 1);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	CU_ASSERT_EQUAL(memcmp(r.kept[0]->parts[0].iov_base, r.jpeg, r.jpeg_size), 0);
	rig_close(&r);
}

static void test_a_call_that_hangs_keeps_its_frame_and_stops_nothing(void)
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
	CU_ASSERT_EQUAL(r.slots[1].frame.refs, 1);	/* the device may still read it */
	CU_ASSERT_EQUAL(rig_status(&r).m2m.leased, 1);
	rig_frame(&r, 2, 2);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	RIG_RUN_UNTIL(r.loop, strstr(rig_status(&r).m2m.reason, "does not return"));

	fake_m2m_release(&r.fake);
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
	rig_close(&r);
}

static void test_a_late_frame_is_the_cpus_and_no_failure(void)
{
	struct rig r;
	unsigned before;

	NEEDS_CPU_ENCODER();
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 99);
	rig_frame(&r, 0, 100);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_slow_down(&r);
	before = r.pushed;
	rig_push(&r, 1, 101);
	RIG_RUN_UNTIL(r.loop, r.pushed == before + 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	CU_ASSERT_EQUAL(r.seqs[before % 16], 101);
	CU_ASSERT(r.whole);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.late, 1);
	CU_ASSERT_EQUAL(r.slots[1].frame.refs, 1);	/* the device may still read it */

	/* The next one does not stand behind it. */
	rig_frame(&r, 2, 102);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "cpu");
	CU_ASSERT_EQUAL(rig_status(&r).m2m.late, 1);

	fake_m2m_lock(&r.fake);
	r.fake.automatic = true;
	fake_m2m_unlock(&r.fake);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
	CU_ASSERT_EQUAL(r.pushed, before + 2);	/* each frame once */
	CU_ASSERT_STRING_EQUAL(rig_status(&r).m2m.state, "ok");
	CU_ASSERT_EQUAL(rig_status(&r).m2m.faults, 0);
	rig_frame(&r, 3, 103);
	CU_ASSERT_STRING_EQUAL(rig_status(&r).name, "m2m");
	rig_close(&r);
}

static void test_a_late_frame_that_nobody_else_takes_is_waited_for(void)
{
	struct rig r;
	unsigned before;

	if (IS_ENABLED(CONFIG_ENCODE_CPU))
		GLINT_SKIP("built with the CPU encoder, which takes it");
	rig_init(&r);
	RIG_OPEN(&r, GLINT_ENCODER_AUTO);
	rig_frame(&r, 0, 0);
	rig_slow_down(&r);
	before = r.pushed;
	rig_push(&r, 1, 1);
	fake_m2m_wait_jobs(&r.fake, 1);
	usleep(160000);		/* it is due now, and has not failed yet */
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(r.pushed, before);
	CU_ASSERT_EQUAL(rig_status(&r).m2m.late, 0);
	CU_ASSERT(fake_m2m_finish(&r.fake, r.jpeg, r.jpeg_size, 0));
	RIG_RUN_UNTIL(r.loop, r.slots[1].frame.refs == 0);
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
	/* The first fails, and the second with it: the CPU does both. */
	CU_ASSERT(fake_m2m_finish(&r.fake, NULL, 0, V4L2_BUF_FLAG_ERROR));
	RIG_RUN_UNTIL(r.loop, r.pushed == 3);
	CU_ASSERT_EQUAL(r.seqs[1], 1);
	CU_ASSERT_EQUAL(r.seqs[2], 2);
	RIG_RUN_UNTIL(r.loop, rig_status(&r).m2m.leased == 0);
	rig_close(&r);
}

/* --- Questions ------------------------------------------------------------------------------------- */

/* Somebody with a request, and much patience. */
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
	struct glint_v4l2_access *access;
};

static void *answering_main(void *arg)
{
	struct answering *answering = arg;

	glint_m2m_mailbox_answer(answering->mailbox, answering->access);
	return NULL;
}

static void test_who_waits_for_an_answer_is_told_when_none_will_come(void)
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

static void test_who_is_being_answered_is_told_too(void)
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
	answering = (struct answering){ &requester.mailbox, &fake.access };
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

/* --- Limits ---------------------------------------------------------------------------------------- */

#define MS 1000000ull

static void test_a_job_may_take_a_frame_longer_than_it_does(void)
{
	struct glint_m2m_health health = { 0 };

	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health), 60 * MS);	/* nothing is known */
	CU_ASSERT(glint_m2m_health_due(&health) < 33 * MS);
	for (uint64_t i = 1; i < 50; i++)
		glint_m2m_health_frame(&health, i * 40 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_due(&health) / MS, 30);
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health) / MS, 80);
	glint_m2m_health_frame(&health, 50 * 40 * MS + 5000 * MS);	/* a pause is no rate */
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health) / MS, 80);
	for (unsigned i = 0; i < 50; i++)
		glint_m2m_health_good(&health, 80 * MS, 0);	/* a slow encoder is no broken one */
	CU_ASSERT_EQUAL((glint_m2m_health_due(&health) + MS / 2) / MS, 110);
	CU_ASSERT_EQUAL((glint_m2m_health_limit(&health) + MS / 2) / MS, 160);
	for (unsigned i = 0; i < 100; i++)
		glint_m2m_health_good(&health, 8000 * MS, 0);
	CU_ASSERT_EQUAL(glint_m2m_health_due(&health), 500 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_limit(&health), 500 * MS);
}

static void test_fast_frames_are_no_reason_for_haste(void)
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
		for (uint64_t k = 0; k < 60; k++)	/* good, but not for as long as it rested */
			glint_m2m_health_good(&health, MS, k * 16 * MS);
	}
}

static void test_what_has_worked_as_long_as_it_rested_is_forgiven(void)
{
	struct glint_m2m_health health = { 0 };

	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 1000 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 2000 * MS);
	for (uint64_t k = 0; k <= 20; k++)
		glint_m2m_health_good(&health, MS, 5000 * MS + k * 100 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 1000 * MS);
	/* A few jobs are no proof, however long they took to come. */
	for (uint64_t k = 0; k < 3; k++)
		glint_m2m_health_good(&health, MS, k * 60000 * MS);
	CU_ASSERT_EQUAL(glint_m2m_health_failed(&health), 2000 * MS);
}

GLINT_TESTS("m2m",
	GLINT_TEST(test_no_encoder_is_too_strange),
	GLINT_TEST(test_the_first_frame_is_its_own_and_nothing_is_copied),
	GLINT_TEST(test_a_buffer_keeps_its_place),
	GLINT_TEST(test_both_qualities_are_told),
	GLINT_TEST(test_two_frames_are_in_it_and_the_newest_waits),
	GLINT_TEST(test_padding_behind_the_jpeg_is_cut),
	GLINT_TEST(test_readers_that_keep_pictures_do_not_starve_it),
	GLINT_TEST(test_a_kept_picture_outlives_the_session),
	GLINT_TEST(test_without_dmabuf_there_is_one_copy),
	GLINT_TEST(test_memory_that_is_refused_is_copied),
	GLINT_TEST(test_without_an_encoder_the_cpu_has_every_frame),
	GLINT_TEST(test_another_stream_is_another_chance),
	GLINT_TEST(test_wrong_colours_are_for_who_asks_for_them),
	GLINT_TEST(test_values_that_are_to_be_kept_are_right_for_it),
	GLINT_TEST(test_the_frame_that_fails_is_the_cpus),
	GLINT_TEST(test_an_unplugged_encoder_is_not_waited_for),
	GLINT_TEST(test_it_is_used_again_after_a_trial_that_nobody_sees),
	GLINT_TEST(test_a_buffer_that_is_not_taken_back_is_a_fault),
	GLINT_TEST(test_a_picture_is_not_replaced_while_a_reader_has_it),
	GLINT_TEST(test_a_call_that_hangs_keeps_its_frame_and_stops_nothing),
	GLINT_TEST(test_a_late_frame_is_the_cpus_and_no_failure),
	GLINT_TEST(test_a_late_frame_that_nobody_else_takes_is_waited_for),
	GLINT_TEST(test_pictures_leave_in_the_order_of_their_frames),
	GLINT_TEST(test_who_waits_for_an_answer_is_told_when_none_will_come),
	GLINT_TEST(test_who_is_being_answered_is_told_too),
	GLINT_TEST(test_a_job_may_take_a_frame_longer_than_it_does),
	GLINT_TEST(test_fast_frames_are_no_reason_for_haste),
	GLINT_TEST(test_pauses_double_up_to_a_minute),
	GLINT_TEST(test_what_has_worked_as_long_as_it_rested_is_forgiven),
)
