/* SPDX-License-Identifier: MIT */
/* Marks and their references, on the loop of glint_test_loop(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/fanout.h"
#include "core/marks.h"
#include "loop_rig.h"
#include "report_rig.h"

#define FRAMES 8

/* A copy's size is that of its frame, in @used. */
struct rig {
	struct glint_loop *loop;
	struct glint_marks *marks;
	struct glint_fanout frames;
	struct glint_source_state source;
	struct glint_frame pool[FRAMES];
	unsigned leased, spare;
	int begin_err, run_err;
	uint64_t now_ns;
	/* The last mark that was made. */
	unsigned n_done;
	char id[GLINT_MARK_ID_MAX + 1], reason[32];
	bool has_frame, before, has_reference, failed;
	uint32_t seq;
};

struct request {
	struct glint_mark_request request;
	struct rig *r;
};

static struct rig *rig; /* of the functions that copy */
static unsigned copies_alive;

static struct glint_source_state marks_rig_source(void *ctx)
{
	return ((struct rig *)ctx)->source;
}

static unsigned marks_rig_spare(void *ctx)
{
	return ((struct rig *)ctx)->spare;
}

static size_t marks_rig_copy_size(const struct glint_frame *frame)
{
	return (size_t)frame->used << 20;
}

static void copy_release(struct glint_frame *frame)
{
	free(frame);
	copies_alive--;
}

static int marks_rig_copy_begin(struct glint_frame *src, struct glint_frame **out)
{
	static const struct glint_frame_ops ops = { .release = copy_release };
	struct glint_frame *copy = calloc(1, sizeof(*copy));

	if (rig->begin_err < 0) {
		free(copy);
		return rig->begin_err;
	}
	copy->ops = &ops;
	glint_frame_begin(copy, src->info.seq);
	copy->used = src->used;
	copies_alive++;
	*out = copy;
	return 0;
}

static int marks_rig_copy_run(struct glint_frame *copy, const struct glint_frame *src)
{
	copy->info = src->info;
	return rig->run_err;
}

static const struct glint_marks_ops marks_rig_ops = {
	.source = marks_rig_source,
	.spare = marks_rig_spare,
	.copy_size = marks_rig_copy_size,
	.copy_begin = marks_rig_copy_begin,
	.copy_run = marks_rig_copy_run,
};

static void frame_release(struct glint_frame *frame)
{
	(void)frame;
	rig->leased--;
}

/* Push a frame that was complete now. */
static void push(struct rig *r, uint32_t seq)
{
	static const struct glint_frame_ops ops = { .release = frame_release };
	struct glint_frame *frame = r->pool;

	while (frame->refs > 0)
		frame++;
	CU_ASSERT_TRUE_FATAL(frame < r->pool + FRAMES);
	frame->ops = &ops;
	glint_frame_begin(frame, seq);
	frame->used = 4;
	frame->info = (struct glint_frame_info){
		.live = true,
		.stream = r->source.stream,
		.seq = seq,
		.complete_ns = glint_now_ns(),
	};
	r->leased++;
	glint_fanout_push_frame(&r->frames, frame);
	glint_frame_unref(frame);
}

static void on_done(struct glint_mark_request *request, const struct glint_mark *mark)
{
	struct rig *r = container_of(request, struct request, request)->r;

	r->n_done++;
	r->failed = !mark;
	if (!mark)
		return;
	strcpy(r->id, mark->id);
	strcpy(r->reason, mark->reason);
	r->has_frame = mark->has_frame;
	r->before = mark->before;
	r->seq = mark->info.seq;
	r->has_reference = mark->reference;
}

static void put(struct rig *r, struct request *request, const char *id)
{
	*request = (struct request){ .r = r };
	strcpy(request->request.id, id);
	request->request.ns = glint_now_ns();
	request->request.keep_ns = 600 * GLINT_NSEC_PER_SEC;
	request->request.done = on_done;
	glint_marks_put(r->marks, &request->request);
}

/* Make a mark, and wait until it is made. */
static void mark(struct rig *r, const char *id)
{
	struct request request;
	unsigned before = r->n_done;

	put(r, &request, id);
	CU_ASSERT_EQUAL(r->n_done, before); /* never from within */
	RIG_RUN_UNTIL(r->loop, r->n_done > before);
}

#define RIG_OPEN(r)                                                                                \
	do {                                                                                       \
		*(r) = (struct rig){ .source = { true, 1, "" }, .spare = 3 };                      \
		rig = (r);                                                                         \
		RIG_LOOP((r)->loop);                                                               \
		glint_fanout_init(&(r)->frames, NULL);                                             \
		CU_ASSERT_EQUAL_FATAL(glint_marks_create(&(r)->marks, (r)->loop, &(r)->frames,     \
							 &marks_rig_ops, (r)),                     \
				      0);                                                          \
		glint_marks_expect((r)->marks);                                                    \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_marks_destroy(r->marks);
	glint_loop_destroy(r->loop);
	CU_ASSERT_EQUAL(r->leased, 0);
	CU_ASSERT_EQUAL(copies_alive, 0);
}

#define TOLD(r, member) REPORTED(int, marks, (r)->marks, "marks." member)

static void test_a_mark_keeps_the_newest_frame_that_was_complete(void)
{
	const struct glint_mark *found;
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 7);
	push(&r, 8);
	CU_ASSERT_EQUAL(r.leased, 1); /* the newest alone */
	mark(&r, "a");
	CU_ASSERT_STRING_EQUAL(r.id, "a");
	CU_ASSERT_TRUE(r.before && r.has_reference);
	CU_ASSERT_EQUAL(r.seq, 8);
	push(&r, 9);
	found = glint_marks_find(r.marks, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT_EQUAL(found->reference->info.seq, 8);
	CU_ASSERT_EQUAL(r.leased, 1); /* the copy needs no buffer of the driver */
	CU_ASSERT_PTR_NULL(glint_marks_find(r.marks, "b"));
	rig_close(&r);
}

static void test_without_marks_no_frame_is_kept(void)
{
	struct rig r;

	RIG_OPEN(&r);
	glint_marks_destroy(r.marks);
	CU_ASSERT_EQUAL_FATAL(glint_marks_create(&r.marks, r.loop, &r.frames, &marks_rig_ops, &r),
			      0);
	CU_ASSERT_FALSE(glint_fanout_wanted(&r.frames));
	push(&r, 7);
	CU_ASSERT_EQUAL(r.leased, 0);
	rig_close(&r);
}

static void test_without_a_spare_buffer_a_mark_takes_the_next_frame(void)
{
	struct request request;
	struct rig r;

	RIG_OPEN(&r);
	r.spare = 0;
	push(&r, 7);
	CU_ASSERT_EQUAL(r.leased, 0);
	CU_ASSERT_PTR_NULL(glint_marks_newest(r.marks));
	put(&r, &request, "a");
	rig_settle(r.loop);
	CU_ASSERT_EQUAL(r.n_done, 0);
	push(&r, 8);
	RIG_RUN_UNTIL(r.loop, r.n_done == 1);
	CU_ASSERT_FALSE(r.before);
	CU_ASSERT_EQUAL(r.seq, 8);
	CU_ASSERT_TRUE(r.has_reference);
	CU_ASSERT_EQUAL(r.leased, 0);
	rig_close(&r);
}

static void test_marks_of_one_frame_share_a_copy(void)
{
	struct request requests[3];
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 7);
	for (unsigned i = 0; i < 3; i++)
		put(&r, &requests[i], "");
	RIG_RUN_UNTIL(r.loop, r.n_done == 3);
	CU_ASSERT_EQUAL(copies_alive, 1);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 4 << 20);
	CU_ASSERT_EQUAL(TOLD(&r, "references"), 3);
	CU_ASSERT_EQUAL(TOLD(&r, "copied"), 1);
	CU_ASSERT_TRUE(glint_marks_remove(r.marks, "mark-1"));
	CU_ASSERT_TRUE(glint_marks_remove(r.marks, "mark-2"));
	CU_ASSERT_FALSE(glint_marks_remove(r.marks, "mark-2"));
	CU_ASSERT_EQUAL(copies_alive, 1);
	CU_ASSERT_TRUE(glint_marks_remove(r.marks, "mark-3"));
	CU_ASSERT_EQUAL(copies_alive, 0);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 0);
	rig_close(&r);
}

static void test_a_mark_of_the_same_name_is_replaced(void)
{
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 7);
	mark(&r, "a");
	push(&r, 8);
	mark(&r, "a");
	CU_ASSERT_EQUAL(glint_marks_find(r.marks, "a")->info.seq, 8);
	CU_ASSERT_EQUAL(TOLD(&r, "count"), 1);
	CU_ASSERT_EQUAL(TOLD(&r, "replaced"), 1);
	CU_ASSERT_EQUAL(copies_alive, 1);
	rig_close(&r);
}

static void test_a_mark_may_be_replaced_by_another_one_of_the_same_frame(void)
{
	struct request requests[2];
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 7);
	for (unsigned i = 0; i < 2; i++)
		put(&r, &requests[i], "a");
	RIG_RUN_UNTIL(r.loop, r.n_done == 2);
	CU_ASSERT_EQUAL(TOLD(&r, "count"), 1);
	CU_ASSERT_EQUAL(copies_alive, 1);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 4 << 20);
	CU_ASSERT_TRUE(glint_marks_remove(r.marks, "a"));
	CU_ASSERT_EQUAL(copies_alive, 0);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 0);
	rig_close(&r);
}

static void test_references_are_bounded_in_bytes_and_marks_stay(void)
{
	const unsigned most = GLINT_MARKS_BYTES_MAX / (4 << 20);
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < most + 2; i++) {
		push(&r, i);
		mark(&r, "");
	}
	CU_ASSERT_EQUAL(TOLD(&r, "count"), most + 2);
	CU_ASSERT_EQUAL(TOLD(&r, "references"), most);
	CU_ASSERT_EQUAL(TOLD(&r, "references_displaced"), 2);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), GLINT_MARKS_BYTES_MAX);
	CU_ASSERT_PTR_NULL(glint_marks_find(r.marks, "mark-1")->reference);
	CU_ASSERT_STRING_EQUAL(glint_marks_find(r.marks, "mark-1")->reason, "displaced");
	CU_ASSERT_EQUAL(glint_marks_find(r.marks, "mark-1")->info.seq, 0);
	CU_ASSERT_PTR_NOT_NULL(glint_marks_find(r.marks, "mark-3")->reference);
	rig_close(&r);
}

static void test_marks_are_bounded_in_number(void)
{
	struct rig r;

	RIG_OPEN(&r);
	r.source = (struct glint_source_state){ false, 0, "no-signal" };
	for (unsigned i = 0; i < GLINT_MARKS_MAX + 3; i++)
		mark(&r, "");
	CU_ASSERT_EQUAL(TOLD(&r, "count"), GLINT_MARKS_MAX);
	CU_ASSERT_EQUAL(TOLD(&r, "displaced"), 3);
	CU_ASSERT_PTR_NULL(glint_marks_find(r.marks, "mark-3"));
	CU_ASSERT_PTR_NOT_NULL(glint_marks_find(r.marks, "mark-4"));
	rig_close(&r);
}

static void test_a_mark_ends_by_itself(void)
{
	struct request request;
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	put(&r, &request, "a");
	request.request.keep_ns = 1;
	RIG_RUN_UNTIL(r.loop, copies_alive == 0 && r.n_done == 1);
	CU_ASSERT_PTR_NULL(glint_marks_find(r.marks, "a"));
	CU_ASSERT_EQUAL(TOLD(&r, "expired"), 1);
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 0);
	rig_close(&r);
}

static void test_without_video_a_mark_is_a_moment_without_a_frame(void)
{
	struct request request;
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	r.source = (struct glint_source_state){ false, 0, "no-signal" };
	glint_marks_source_changed(r.marks);
	CU_ASSERT_EQUAL(r.leased, 0); /* a device that goes away is not held */
	mark(&r, "a");
	CU_ASSERT_FALSE(r.has_frame);
	CU_ASSERT_FALSE(r.has_reference);
	CU_ASSERT_STRING_EQUAL(r.reason, "no-signal");

	/* Nor while it waits for a frame that does not come. */
	r.source = (struct glint_source_state){ true, 2, "" };
	put(&r, &request, "b");
	rig_settle(r.loop);
	r.source = (struct glint_source_state){ false, 0, "no-device" };
	glint_marks_source_changed(r.marks);
	RIG_RUN_UNTIL(r.loop, r.n_done == 2);
	CU_ASSERT_STRING_EQUAL(r.reason, "no-device");
	rig_close(&r);
}

static void test_a_frame_of_an_ended_stream_is_not_the_newest(void)
{
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	CU_ASSERT_PTR_NOT_NULL(glint_marks_newest(r.marks));
	r.source.stream = 2;
	CU_ASSERT_PTR_NULL(glint_marks_newest(r.marks));
	rig_close(&r);
}

static void test_a_live_source_without_frames_ends_the_wait(void)
{
	struct rig r;

	RIG_OPEN(&r);
	mark(&r, "a");
	CU_ASSERT_STRING_EQUAL(r.reason, "no-picture");
	rig_close(&r);
}

static void test_a_reference_that_cannot_be_made_is_named(void)
{
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	r.begin_err = -ENOMEM;
	mark(&r, "a");
	CU_ASSERT_FALSE(r.has_reference);
	CU_ASSERT_STRING_EQUAL(r.reason, "no-memory");
	CU_ASSERT_EQUAL(r.seq, 1);
	r.begin_err = 0;
	r.run_err = -EIO;
	mark(&r, "b");
	CU_ASSERT_FALSE(r.has_reference);
	CU_ASSERT_STRING_EQUAL(r.reason, "unreadable");
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 0);
	rig_close(&r);
}

static void test_a_request_that_is_forgotten_makes_no_mark(void)
{
	struct request request;
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	put(&r, &request, "a");
	glint_marks_forget(r.marks, &request.request);
	RIG_RUN_UNTIL(r.loop, copies_alive == 0);
	CU_ASSERT_EQUAL(r.n_done, 0);
	CU_ASSERT_PTR_NULL(glint_marks_find(r.marks, "a"));
	CU_ASSERT_EQUAL(TOLD(&r, "bytes"), 0);
	rig_close(&r);
}

static void test_the_end_waits_for_copies(void)
{
	struct request request;
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	put(&r, &request, "a");
	glint_marks_forget(r.marks, &request.request);
	rig_close(&r);
}

static void test_the_newest_frame_is_yielded(void)
{
	struct rig r;

	RIG_OPEN(&r);
	push(&r, 1);
	CU_ASSERT_TRUE(glint_marks_yield(r.marks));
	CU_ASSERT_EQUAL(r.leased, 0);
	CU_ASSERT_FALSE(glint_marks_yield(r.marks));
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("marks",
	GLINT_TEST(test_a_mark_keeps_the_newest_frame_that_was_complete),
	GLINT_TEST(test_without_marks_no_frame_is_kept),
	GLINT_TEST(test_without_a_spare_buffer_a_mark_takes_the_next_frame),
	GLINT_TEST(test_marks_of_one_frame_share_a_copy),
	GLINT_TEST(test_a_mark_of_the_same_name_is_replaced),
	GLINT_TEST(test_a_mark_may_be_replaced_by_another_one_of_the_same_frame),
	GLINT_TEST(test_references_are_bounded_in_bytes_and_marks_stay),
	GLINT_TEST(test_marks_are_bounded_in_number),
	GLINT_TEST(test_a_mark_ends_by_itself),
	GLINT_TEST(test_without_video_a_mark_is_a_moment_without_a_frame),
	GLINT_TEST(test_a_frame_of_an_ended_stream_is_not_the_newest),
	GLINT_TEST(test_a_live_source_without_frames_ends_the_wait),
	GLINT_TEST(test_a_reference_that_cannot_be_made_is_named),
	GLINT_TEST(test_a_request_that_is_forgotten_makes_no_mark),
	GLINT_TEST(test_the_end_waits_for_copies),
	GLINT_TEST(test_the_newest_frame_is_yielded),
)
