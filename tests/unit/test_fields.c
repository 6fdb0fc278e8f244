/* SPDX-License-Identifier: MIT */
/* Whole frames of separate fields, on hand-made buffers and on the scripted device. */
#include <stdlib.h>

#include "capture/fields.h"
#include "capture_rig.h"
#include "core/workers.h"

#define WIDTH  16u
#define HEIGHT 8u /* of a frame */

/* A buffer of the driver: NV12, so that there are components in half the height. */
struct buffer {
	struct glint_frame frame;
	struct glint_format format;
	struct glint_dmabuf buf;
	uint8_t bytes[WIDTH * HEIGHT * 3 / 2];
	unsigned releases;
};

struct maker {
	struct glint_loop *loop;
	struct glint_workers *workers;
	struct glint_fields *fields;
	struct glint_fields_owner owner;
	struct glint_frame *made;
	unsigned n_made, released;
	int err;
};

static void on_made(struct glint_fields_owner *owner, struct glint_frame *frame, int err)
{
	struct maker *maker = container_of(owner, struct maker, owner);

	maker->n_made++;
	maker->err = err;
	glint_frame_unref(maker->made);
	maker->made = frame;
}

static void on_released(struct glint_fields_owner *owner, const struct glint_frame *frame)
{
	(void)frame;
	container_of(owner, struct maker, owner)->released++;
}

static void buffer_release(struct glint_frame *frame)
{
	container_of(frame, struct buffer, frame)->releases++;
}

/* Each byte is @value plus its line; the lines of both components are numbered from 0. */
static void buffer_init(struct buffer *buffer, enum glint_field field, uint32_t height,
			uint8_t value)
{
	static const struct glint_frame_ops ops = { .release = buffer_release };

	*buffer = (struct buffer){ .format = { .info = glint_format_find(V4L2_PIX_FMT_NV12),
					       .fourcc = V4L2_PIX_FMT_NV12,
					       .width = WIDTH,
					       .height = height,
					       .n_planes = 1,
					       .stride = { WIDTH },
					       .size = { WIDTH * height * 3 / 2 },
					       .field = field } };
	glint_dmabuf_init(&buffer->buf);
	buffer->buf.n_planes = 1;
	buffer->buf.planes[0] = (struct glint_plane){ .fd = -1,
						      .map = buffer->bytes,
						      .size = WIDTH * height * 3 / 2 };
	for (uint32_t line = 0; line < height * 3 / 2; line++)
		memset(&buffer->bytes[(size_t)line * WIDTH],
		       value + (line < height ? line : line - height), WIDTH);
	buffer->frame.ops = &ops;
	buffer->frame.buf = &buffer->buf;
	buffer->frame.format = &buffer->format;
	glint_frame_begin(&buffer->frame, 0);
}

#define MAKER(maker, format, how)                                                                  \
	do {                                                                                       \
		memset(maker, 0, sizeof(*(maker)));                                                \
		(maker)->owner = (struct glint_fields_owner){ on_made, on_released };              \
		RIG_LOOP((maker)->loop);                                                           \
		CU_ASSERT_EQUAL_FATAL(                                                             \
			glint_workers_create(&(maker)->workers, (maker)->loop, "fields", 1), 0);   \
		CU_ASSERT_EQUAL_FATAL(glint_fields_create(&(maker)->fields, (maker)->workers,      \
							  format, how, &(maker)->owner),           \
				      0);                                                          \
	} while (0)

static void maker_close(struct maker *maker)
{
	maker->made = glint_frame_unref(maker->made);
	glint_fields_retire(maker->fields);
	CU_ASSERT_TRUE(glint_workers_destroy(maker->workers, glint_now_ns() + LONG));
	glint_loop_destroy(maker->loop);
}

/* Compare the luma lines, and those of the chroma, with @lines and the first half of @lines. */
static void expect_lines(const struct glint_frame *frame, const uint8_t luma[HEIGHT],
			 const uint8_t chroma[HEIGHT / 2])
{
	const uint8_t *bytes = frame->buf->planes[0].map;

	CU_ASSERT_EQUAL(frame->format->height, HEIGHT);
	CU_ASSERT_EQUAL(frame->format->size[0], WIDTH * HEIGHT * 3 / 2);
	for (uint32_t line = 0; line < HEIGHT * 3 / 2; line++)
		for (uint32_t x = 0; x < WIDTH; x++)
			CU_ASSERT_EQUAL(bytes[(size_t)line * WIDTH + x],
					line < HEIGHT ? luma[line] : chroma[line - HEIGHT]);
}

static void test_fields_of_two_buffers_are_woven(void)
{
	struct glint_frame_info info = { .seq = 7, .field_order = GLINT_FIELD_ORDER_TOP_FIRST };
	struct buffer top, bottom;
	struct maker maker;

	buffer_init(&top, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 100);
	buffer_init(&bottom, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 200);
	MAKER(&maker, &top.format, GLINT_DEINTERLACE_WEAVE);
	CU_ASSERT_TRUE(glint_fields_make(maker.fields, &top.frame, &bottom.frame, &info));
	glint_frame_unref(&top.frame);
	glint_frame_unref(&bottom.frame);
	CU_ASSERT_EQUAL(top.releases + bottom.releases, 0); /* they are being read */
	RIG_RUN_UNTIL(maker.loop, maker.n_made == 1);
	CU_ASSERT_EQUAL(maker.err, 0);
	CU_ASSERT_EQUAL(top.releases, 1);
	CU_ASSERT_EQUAL(bottom.releases, 1);
	CU_ASSERT_EQUAL(maker.made->info.seq, 7);
	CU_ASSERT_EQUAL(maker.made->format->field, GLINT_FIELD_INTERLACED);
	expect_lines(maker.made, (uint8_t[]){ 100, 200, 101, 201, 102, 202, 103, 203 },
		     (uint8_t[]){ 100, 200, 101, 201 });

	/* The earlier field is the lower one. */
	buffer_init(&top, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 100);
	buffer_init(&bottom, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 200);
	info.field_order = GLINT_FIELD_ORDER_BOTTOM_FIRST;
	CU_ASSERT_TRUE(glint_fields_make(maker.fields, &bottom.frame, &top.frame, &info));
	glint_frame_unref(&top.frame);
	glint_frame_unref(&bottom.frame);
	RIG_RUN_UNTIL(maker.loop, maker.n_made == 2);
	expect_lines(maker.made, (uint8_t[]){ 100, 200, 101, 201, 102, 202, 103, 203 },
		     (uint8_t[]){ 100, 200, 101, 201 });
	maker_close(&maker);
	CU_ASSERT_EQUAL(maker.released, 2);
}

static void test_bob_has_the_lines_of_the_earlier_field_twice(void)
{
	struct glint_frame_info info = { .field_order = GLINT_FIELD_ORDER_NONE };
	struct buffer top, bottom;
	struct maker maker;

	buffer_init(&top, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 100);
	buffer_init(&bottom, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 200);
	MAKER(&maker, &top.format, GLINT_DEINTERLACE_BOB);
	CU_ASSERT_TRUE(glint_fields_make(maker.fields, &top.frame, &bottom.frame, &info));
	glint_frame_unref(&top.frame);
	glint_frame_unref(&bottom.frame);
	CU_ASSERT_EQUAL(bottom.releases, 1); /* nobody reads it */
	RIG_RUN_UNTIL(maker.loop, maker.n_made == 1);
	CU_ASSERT_EQUAL(maker.made->format->field, GLINT_FIELD_PROGRESSIVE);
	expect_lines(maker.made, (uint8_t[]){ 100, 100, 101, 101, 102, 102, 103, 103 },
		     (uint8_t[]){ 100, 100, 101, 101 });
	maker_close(&maker);
}

/* Make one frame of one buffer, and compare it. */
static void expect_made(enum glint_field field, enum glint_deinterlace how,
			enum glint_field_order order, const uint8_t luma[HEIGHT],
			const uint8_t chroma[HEIGHT / 2])
{
	struct glint_frame_info info = { .field_order = order };
	struct buffer both;
	struct maker maker;

	buffer_init(&both, field, HEIGHT, 100);
	both.frame.info.field_order = order;
	MAKER(&maker, &both.format, how);
	CU_ASSERT_TRUE(glint_fields_make(maker.fields, &both.frame, NULL, &info));
	glint_frame_unref(&both.frame);
	RIG_RUN_UNTIL(maker.loop, maker.n_made == 1);
	expect_lines(maker.made, luma, chroma);
	maker_close(&maker);
}

static void test_fields_of_one_buffer_become_whole_frames(void)
{
	/* The earlier field is stored first. */
	expect_made(GLINT_FIELD_SEQUENTIAL, GLINT_DEINTERLACE_WEAVE, GLINT_FIELD_ORDER_TOP_FIRST,
		    (uint8_t[]){ 100, 104, 101, 105, 102, 106, 103, 107 },
		    (uint8_t[]){ 100, 102, 101, 103 });
	expect_made(GLINT_FIELD_SEQUENTIAL, GLINT_DEINTERLACE_WEAVE, GLINT_FIELD_ORDER_BOTTOM_FIRST,
		    (uint8_t[]){ 104, 100, 105, 101, 106, 102, 107, 103 },
		    (uint8_t[]){ 102, 100, 103, 101 });
	expect_made(GLINT_FIELD_SEQUENTIAL, GLINT_DEINTERLACE_BOB, GLINT_FIELD_ORDER_TOP_FIRST,
		    (uint8_t[]){ 100, 100, 101, 101, 102, 102, 103, 103 },
		    (uint8_t[]){ 100, 100, 101, 101 });
	expect_made(GLINT_FIELD_INTERLACED, GLINT_DEINTERLACE_BOB, GLINT_FIELD_ORDER_TOP_FIRST,
		    (uint8_t[]){ 100, 100, 102, 102, 104, 104, 106, 106 },
		    (uint8_t[]){ 100, 100, 102, 102 });
	expect_made(GLINT_FIELD_INTERLACED, GLINT_DEINTERLACE_BOB, GLINT_FIELD_ORDER_BOTTOM_FIRST,
		    (uint8_t[]){ 101, 101, 103, 103, 105, 105, 107, 107 },
		    (uint8_t[]){ 101, 101, 103, 103 });
	/* A progressive frame among interlaced ones. */
	expect_made(GLINT_FIELD_INTERLACED, GLINT_DEINTERLACE_BOB, GLINT_FIELD_ORDER_NONE,
		    (uint8_t[]){ 100, 101, 102, 103, 104, 105, 106, 107 },
		    (uint8_t[]){ 100, 101, 102, 103 });
}

static void test_readers_that_keep_all_places_refuse_no_memory(void)
{
	struct glint_frame_info info = { .field_order = GLINT_FIELD_ORDER_TOP_FIRST };
	struct glint_frame *kept[GLINT_FIELDS_PLACES];
	struct buffer both;
	struct maker maker;

	buffer_init(&both, GLINT_FIELD_SEQUENTIAL, HEIGHT, 0);
	MAKER(&maker, &both.format, GLINT_DEINTERLACE_WEAVE);
	for (unsigned i = 0; i < GLINT_FIELDS_PLACES; i++) {
		CU_ASSERT_TRUE(glint_fields_make(maker.fields, &both.frame, NULL, &info));
		RIG_RUN_UNTIL(maker.loop, maker.n_made == i + 1);
		kept[i] = glint_frame_ref(maker.made);
	}
	maker.made = glint_frame_unref(maker.made);
	CU_ASSERT_EQUAL(glint_fields_spare(maker.fields), 0);
	CU_ASSERT_FALSE(glint_fields_make(maker.fields, &both.frame, NULL, &info));
	kept[3] = glint_frame_unref(kept[3]);
	CU_ASSERT_TRUE(glint_fields_make(maker.fields, &both.frame, NULL, &info));
	glint_frame_unref(&both.frame);
	/* The stream ends while one is made and the others are kept. */
	glint_fields_retire(maker.fields);
	maker.fields = NULL;
	RIG_RUN_UNTIL(maker.loop, both.releases == 1);
	CU_ASSERT_EQUAL(maker.n_made, GLINT_FIELDS_PLACES);
	for (unsigned i = 0; i < GLINT_FIELDS_PLACES; i++)
		glint_frame_unref(kept[i]);
	CU_ASSERT_EQUAL(maker.released, GLINT_FIELDS_PLACES + 1);
	maker_close(&maker);
}

/* --- Pairs ------------------------------------------------------------------------------------ */

/* What is made of a field: '1' first, '2' second; and its frame's number. */
static char part_of(struct glint_fields *fields, uint32_t seq, bool bottom, uint32_t *number)
{
	struct glint_vbuf vbuf = { .seq = seq,
				   .interlaced = true,
				   .field = bottom ? GLINT_BUFFER_BOTTOM : GLINT_BUFFER_TOP };

	return glint_fields_part(fields, &vbuf, number) == GLINT_FIELDS_FIRST ? '1' : '2';
}

static void test_fields_pair_by_the_number_of_their_frame(void)
{
	static const struct {
		uint32_t seq;
		bool bottom;
		char part;
	} steps[] = {
		{ 4, false, '1' }, { 4, true, '2' },  { 5, false, '1' },
		{ 5, true, '2' },  { 6, false, '1' }, /* its other field is missing, */
		{ 7, true, '1' },		      /* and of this one the first */
		{ 8, false, '1' }, { 8, true, '2' },
	};
	struct buffer field;
	struct maker maker;
	uint32_t number;

	buffer_init(&field, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 0);
	MAKER(&maker, &field.format, GLINT_DEINTERLACE_WEAVE);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		CU_ASSERT_EQUAL(part_of(maker.fields, steps[i].seq, steps[i].bottom, &number),
				steps[i].part);
		if (steps[i].part == '1')
			CU_ASSERT_EQUAL(number, steps[i].seq);
	}
	maker_close(&maker);
}

static void test_a_driver_that_counts_fields_gets_numbers_of_frames(void)
{
	struct buffer field;
	struct maker maker;
	uint32_t number;

	buffer_init(&field, GLINT_FIELD_ALTERNATE, HEIGHT / 2, 0);
	MAKER(&maker, &field.format, GLINT_DEINTERLACE_WEAVE);
	for (uint32_t i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(part_of(maker.fields, 10 + i, i % 2, &number), i % 2 ? '2' : '1');
		if (i % 2 == 0)
			CU_ASSERT_EQUAL(number, 10 + i / 2);
	}
	/* Frame 13 is lost, and of frame 14 the first field. */
	CU_ASSERT_EQUAL(part_of(maker.fields, 19, true, &number), '1');
	CU_ASSERT_EQUAL(number, 14);
	CU_ASSERT_EQUAL(part_of(maker.fields, 20, false, &number), '1');
	CU_ASSERT_EQUAL(number, 15);
	CU_ASSERT_EQUAL(part_of(maker.fields, 21, true, &number), '2');
	maker_close(&maker);
}

/* --- The capture ------------------------------------------------------------------------------ */

/* Complete a buffer, and run until the capture has taken it: DQBUF tells the field of the moment. */
static void rig_field(struct rig *rig, uint32_t seq, uint32_t field, uint32_t flags)
{
	const struct glint_capture_stream *stream = &rig->capture->stream;
	uint64_t before_ns = stream->taken_ns;

	fake_v4l2_lock(&rig->fake);
	rig->fake.buffer_field = field;
	fake_v4l2_unlock(&rig->fake);
	CU_ASSERT_TRUE_FATAL(
		fake_v4l2_complete(&rig->fake, -1,
				   &(struct fake_frame){ .seq = seq, .flags = flags }) >= 0);
	RIG_UNTIL(rig, stream->taken_ns != before_ns);
}

#define BUFFERS(rig, member) REPORTED(int, capture, (rig)->capture, "buffers." member)

#define LEDGER(rig) glint_capture_ledger((rig)->capture)

static void test_a_capture_of_fields_pushes_frames_and_counts_them(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.fake.field = V4L2_FIELD_ALTERNATE;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_EQUAL(rig_status(&rig).height, 96);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "format.field"), "alternate");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "format.deinterlace"), "weave");

	rig_field(&rig, 0, V4L2_FIELD_TOP, 0);
	RIG_UNTIL(&rig, LEDGER(&rig)->seen == 1);
	CU_ASSERT_EQUAL(LEDGER(&rig)->in_flight, 1);
	CU_ASSERT_NOT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE); /* half of a frame is none */
	rig.keeps = true;
	rig_field(&rig, 0, V4L2_FIELD_BOTTOM, 0);
	RIG_UNTIL(&rig, rig.pushed == 1);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig.kept);
	CU_ASSERT_EQUAL(rig.kept->info.height, 96);
	/* The frame that is kept is none of the driver's buffers. */
	RIG_UNTIL(&rig, BUFFERS(&rig, "driver") == 3);
	CU_ASSERT_EQUAL(BUFFERS(&rig, "count"), 3);
	CU_ASSERT_EQUAL(BUFFERS(&rig, "leased"), 0);
	CU_ASSERT_EQUAL(BUFFERS(&rig, "made"), 1);
	CU_ASSERT_EQUAL(rig.kept->info.field_order, GLINT_FIELD_ORDER_TOP_FIRST);
	CU_ASSERT_TRUE(rig.kept->info.complete_ns <= rig.kept->info.dequeue_ns);

	/* The second field of 1 is damaged, and that of 2 never comes. */
	rig_field(&rig, 1, V4L2_FIELD_TOP, 0);
	rig_field(&rig, 1, V4L2_FIELD_BOTTOM, V4L2_BUF_FLAG_ERROR);
	RIG_UNTIL(&rig, LEDGER(&rig)->corrupt == 1);
	rig_field(&rig, 2, V4L2_FIELD_TOP, 0);
	rig_field(&rig, 4, V4L2_FIELD_TOP, 0);
	RIG_UNTIL(&rig, LEDGER(&rig)->corrupt == 2);
	rig_field(&rig, 4, V4L2_FIELD_BOTTOM, 0);
	RIG_UNTIL(&rig, rig.pushed == 2);
	CU_ASSERT_EQUAL(rig.last_seq, 4);
	CU_ASSERT_EQUAL(LEDGER(&rig)->driver_dropped, 1);
	CU_ASSERT_EQUAL(LEDGER(&rig)->seen, 5);
	rig.kept = glint_frame_unref(rig.kept);
	CU_ASSERT_EQUAL(LEDGER(&rig)->delivered, 2);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(LEDGER(&rig)), 0);

	/* The stream ends with half of a frame. */
	rig_field(&rig, 5, V4L2_FIELD_TOP, 0);
	CU_ASSERT_EQUAL(LEDGER(&rig)->in_flight, 1);
	glint_capture_restart(rig.capture, "for a test");
	RIG_UNTIL(&rig, rig_status(&rig).restarts == 1 && rig_streams(&rig));
	CU_ASSERT_EQUAL(LEDGER(&rig)->skipped, 1);
	CU_ASSERT_EQUAL(LEDGER(&rig)->in_flight, 0);
	rig_close(&rig);
}

static void test_frames_of_fields_may_warm_up_and_may_not_be_wanted(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.fake.field = V4L2_FIELD_SEQ_TB;
	rig.config.warm_up.frames = 1;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "format.field"), "sequential");
	rig_field(&rig, 0, V4L2_FIELD_SEQ_TB, 0);
	RIG_UNTIL(&rig, LEDGER(&rig)->warm_up == 1);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_WARMING_UP);
	glint_fanout_detach(glint_capture_frames(rig.capture), &rig.sink);
	rig_field(&rig, 1, V4L2_FIELD_SEQ_TB, 0);
	RIG_UNTIL(&rig, LEDGER(&rig)->skipped == 1);
	CU_ASSERT_EQUAL(rig_reason(&rig), GLINT_REASON_NONE); /* live all the same */
	glint_fanout_attach(glint_capture_frames(rig.capture), &rig.sink);
	/* Another layout than was agreed on. */
	rig_field(&rig, 2, V4L2_FIELD_TOP, 0);
	RIG_UNTIL(&rig, LEDGER(&rig)->corrupt == 1);
	rig_field(&rig, 3, V4L2_FIELD_SEQ_TB, 0);
	RIG_UNTIL(&rig, rig.pushed == 1);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(LEDGER(&rig)), 0);
	rig_close(&rig);
}

static void test_another_deinterlacing_is_another_stream(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.fake.field = V4L2_FIELD_INTERLACED;
	RIG_START(&rig);
	RIG_UNTIL(&rig, rig_streams(&rig));
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "format.deinterlace"), "weave");
	rig.config.deinterlace = GLINT_DEINTERLACE_BOB;
	CU_ASSERT_TRUE(glint_capture_stream_differs(&rig.config, &rig.capture->config));
	glint_capture_apply(rig.capture, &rig.config);
	RIG_UNTIL(&rig, rig_status(&rig).restarts == 1 && rig_streams(&rig));
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, rig.capture, "format.deinterlace"), "bob");
	rig.keeps = true;
	rig_field(&rig, 0, V4L2_FIELD_INTERLACED, 0);
	RIG_UNTIL(&rig, rig.pushed == 1);
	CU_ASSERT_EQUAL(rig.kept->info.field_order, GLINT_FIELD_ORDER_NONE);
	CU_ASSERT_EQUAL(rig.kept->info.height, 48);
	rig.kept = glint_frame_unref(rig.kept);
	rig_close(&rig);
}

/* clang-format off */
GLINT_TESTS("fields",
	GLINT_TEST(test_fields_of_two_buffers_are_woven),
	GLINT_TEST(test_bob_has_the_lines_of_the_earlier_field_twice),
	GLINT_TEST(test_fields_of_one_buffer_become_whole_frames),
	GLINT_TEST(test_readers_that_keep_all_places_refuse_no_memory),
	GLINT_TEST(test_fields_pair_by_the_number_of_their_frame),
	GLINT_TEST(test_a_driver_that_counts_fields_gets_numbers_of_frames),
	GLINT_TEST(test_a_capture_of_fields_pushes_frames_and_counts_them),
	GLINT_TEST(test_frames_of_fields_may_warm_up_and_may_not_be_wanted),
	GLINT_TEST(test_another_deinterlacing_is_another_stream),
)
