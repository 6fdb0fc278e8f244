/* SPDX-License-Identifier: MIT */
#include "core/fanout.h"
#include "core/frame.h"
#include "harness.h"

struct reader {
	struct glint_sink sink;
	struct glint_fanout *fanout;
	unsigned pushed;
	bool takes, leaves, returns;
	struct reader *brings;	/* attached by this one's push */
};

static unsigned wanted_calls, unwanted_calls;
static struct glint_frame frame;

static void on_demand(struct glint_fanout *fanout, bool wanted)
{
	CU_ASSERT_EQUAL(glint_fanout_wanted(fanout), wanted);
	if (wanted)
		wanted_calls++;
	else
		unwanted_calls++;
}

static bool reader_push(struct glint_sink *sink, struct glint_frame *pushed)
{
	struct reader *reader = container_of(sink, struct reader, sink);

	CU_ASSERT_PTR_EQUAL(pushed, &frame);
	reader->pushed++;
	if (reader->leaves)
		glint_fanout_detach(reader->fanout, sink);
	if (reader->returns)
		glint_fanout_attach(reader->fanout, sink);
	if (reader->brings)
		glint_fanout_attach(reader->fanout, &reader->brings->sink);
	return reader->takes;
}

static void reader_init(struct reader *reader, struct glint_fanout *fanout)
{
	*reader = (struct reader){ .sink.push = reader_push, .fanout = fanout, .takes = true };
	glint_list_init(&reader->sink.link);
}

static void rig_init(struct glint_fanout *fanout, struct reader *readers, unsigned count)
{
	glint_fanout_init(fanout, on_demand);
	for (unsigned i = 0; i < count; i++) {
		reader_init(&readers[i], fanout);
		glint_fanout_attach(fanout, &readers[i].sink);
	}
	wanted_calls = 0;
	unwanted_calls = 0;
}

static void test_each_sink_gets_the_frame_and_the_takers_are_counted(void)
{
	struct glint_fanout fanout;
	struct reader readers[3];

	rig_init(&fanout, readers, 3);
	readers[1].takes = false;
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 2);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(readers[i].pushed, 1);
}

static void test_demand_is_told_at_the_first_sink_and_after_the_last(void)
{
	struct glint_fanout fanout;
	struct reader readers[2];

	rig_init(&fanout, readers, 2);
	glint_fanout_detach(&fanout, &readers[0].sink);
	CU_ASSERT_EQUAL(unwanted_calls, 0);
	glint_fanout_detach(&fanout, &readers[1].sink);
	glint_fanout_detach(&fanout, &readers[1].sink);
	CU_ASSERT_EQUAL(unwanted_calls, 1);
	glint_fanout_attach(&fanout, &readers[0].sink);
	glint_fanout_attach(&fanout, &readers[0].sink);
	CU_ASSERT_EQUAL(wanted_calls, 1);
}

static void test_a_push_without_sinks_is_taken_by_nobody(void)
{
	struct glint_fanout fanout;

	glint_fanout_init(&fanout, NULL);
	CU_ASSERT_FALSE(glint_fanout_wanted(&fanout));
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 0);
}

static void test_sinks_that_leave_in_their_push_disturb_no_other(void)
{
	struct glint_fanout fanout;
	struct reader readers[3];

	rig_init(&fanout, readers, 3);
	for (unsigned i = 0; i < 3; i++)
		readers[i].leaves = true;
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 3);
	CU_ASSERT_FALSE(glint_fanout_wanted(&fanout));
	CU_ASSERT_EQUAL(unwanted_calls, 1);
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 0);
}

static void test_a_sink_that_leaves_and_returns_gets_the_frame_once(void)
{
	struct glint_fanout fanout;
	struct reader readers[2];

	rig_init(&fanout, readers, 2);
	readers[0].leaves = readers[0].returns = true;
	readers[1].leaves = readers[1].returns = true;
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 2);
	CU_ASSERT_EQUAL(readers[0].pushed, 1);
	CU_ASSERT_EQUAL(readers[1].pushed, 1);
	CU_ASSERT_TRUE(glint_fanout_wanted(&fanout));
}

static void test_a_sink_attached_during_a_push_waits_for_the_next_frame(void)
{
	struct glint_fanout fanout;
	struct reader readers[1], late;

	rig_init(&fanout, readers, 1);
	reader_init(&late, &fanout);
	readers[0].brings = &late;
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 1);
	CU_ASSERT_EQUAL(late.pushed, 0);
	CU_ASSERT_EQUAL(glint_fanout_push(&fanout, &frame), 2);
	CU_ASSERT_EQUAL(late.pushed, 1);
}

static bool wants_odd(const struct glint_sink *sink, const struct glint_frame *asked)
{
	(void)sink;
	return asked->seq % 2 == 1;
}

static void test_a_frame_is_wanted_if_one_sink_wants_it(void)
{
	struct glint_frame even = { .seq = 2 }, odd = { .seq = 3 };
	struct glint_fanout fanout;
	struct reader readers[2];

	rig_init(&fanout, readers, 2);
	readers[0].sink.wants = readers[1].sink.wants = wants_odd;
	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, &odd));
	CU_ASSERT_FALSE(glint_fanout_wants(&fanout, &even));
	readers[1].sink.wants = NULL;	/* any */
	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, &even));
	glint_fanout_detach(&fanout, &readers[0].sink);
	glint_fanout_detach(&fanout, &readers[1].sink);
	CU_ASSERT_FALSE(glint_fanout_wants(&fanout, &odd));
}

GLINT_TESTS("fanout",
	GLINT_TEST(test_each_sink_gets_the_frame_and_the_takers_are_counted),
	GLINT_TEST(test_demand_is_told_at_the_first_sink_and_after_the_last),
	GLINT_TEST(test_a_push_without_sinks_is_taken_by_nobody),
	GLINT_TEST(test_sinks_that_leave_in_their_push_disturb_no_other),
	GLINT_TEST(test_a_sink_that_leaves_and_returns_gets_the_frame_once),
	GLINT_TEST(test_a_sink_attached_during_a_push_waits_for_the_next_frame),
	GLINT_TEST(test_a_frame_is_wanted_if_one_sink_wants_it),
)
