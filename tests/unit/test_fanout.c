/* SPDX-License-Identifier: MIT */
#include "core/fanout.h"
#include "core/packet.h"
#include "harness.h"

struct reader {
	struct glint_sink sink;
	struct glint_fanout *fanout;
	unsigned pushed;
	bool takes, detaches, attaches_again;
	struct reader *attaches; /* in its push */
};

static unsigned wanted_calls, unwanted_calls;
static struct glint_frame frame = { .refs = 1 };

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
	if (reader->detaches)
		glint_fanout_detach(reader->fanout, sink);
	if (reader->attaches_again)
		glint_fanout_attach(reader->fanout, sink);
	if (reader->attaches)
		glint_fanout_attach(reader->fanout, &reader->attaches->sink);
	return reader->takes;
}

static void reader_init(struct reader *reader, struct glint_fanout *fanout)
{
	*reader =
		(struct reader){ .sink.push_frame = reader_push, .fanout = fanout, .takes = true };
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
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 2);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(readers[i].pushed, 1);
}

static void test_demand_is_reported_at_the_first_sink_and_after_the_last(void)
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

static void test_a_push_without_sinks_returns_0(void)
{
	struct glint_fanout fanout;

	glint_fanout_init(&fanout, NULL);
	CU_ASSERT_FALSE(glint_fanout_wanted(&fanout));
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 0);
}

static void test_sinks_may_detach_in_their_push(void)
{
	struct glint_fanout fanout;
	struct reader readers[3];

	rig_init(&fanout, readers, 3);
	for (unsigned i = 0; i < 3; i++)
		readers[i].detaches = true;
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 3);
	CU_ASSERT_FALSE(glint_fanout_wanted(&fanout));
	CU_ASSERT_EQUAL(unwanted_calls, 1);
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 0);
}

static void test_a_sink_that_detaches_and_attaches_gets_the_frame_once(void)
{
	struct glint_fanout fanout;
	struct reader readers[2];

	rig_init(&fanout, readers, 2);
	readers[0].detaches = readers[0].attaches_again = true;
	readers[1].detaches = readers[1].attaches_again = true;
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 2);
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
	readers[0].attaches = &late;
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 1);
	CU_ASSERT_EQUAL(late.pushed, 0);
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 2);
	CU_ASSERT_EQUAL(late.pushed, 1);
}

static bool wants_odd(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	(void)sink;
	return info->seq % 2 == 1;
}

static void test_a_frame_is_wanted_if_one_sink_wants_it(void)
{
	struct glint_frame_info even = { .seq = 2 }, odd = { .seq = 3 };
	struct glint_fanout fanout;
	struct reader readers[2];

	rig_init(&fanout, readers, 2);
	readers[0].sink.wants = readers[1].sink.wants = wants_odd;
	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, 0, &odd));
	CU_ASSERT_FALSE(glint_fanout_wants(&fanout, 0, &even));
	readers[1].sink.wants = NULL; /* any */
	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, 0, &even));
	glint_fanout_detach(&fanout, &readers[0].sink);
	glint_fanout_detach(&fanout, &readers[1].sink);
	CU_ASSERT_FALSE(glint_fanout_wants(&fanout, 0, &odd));
}

static unsigned packets_taken;

static bool packet_push(struct glint_sink *sink, struct glint_packet *packet)
{
	CU_ASSERT_EQUAL(packet->codec, sink->codec);
	packets_taken++;
	return true;
}

static void packet_release(struct glint_packet *packet)
{
	(void)packet;
}

static void test_a_sink_gets_packets_of_its_codec_and_nothing_else(void)
{
	static const struct glint_packet_ops ops = { .release = packet_release };
	static const uint32_t other_codec = 0x34363248; /* "H264" */
	struct glint_packet jpeg = { .ops = &ops }, other = { .ops = &ops };
	struct glint_sink sinks[2] = {
		{ .codec = GLINT_CODEC_JPEG, .push_packet = packet_push },
		{ .codec = other_codec, .push_packet = packet_push },
	};
	struct glint_frame_info info = { .seq = 1 };
	struct glint_fanout fanout;
	struct reader raw;

	glint_fanout_init(&fanout, NULL);
	reader_init(&raw, &fanout);
	glint_fanout_attach(&fanout, &raw.sink);
	for (unsigned i = 0; i < 2; i++) {
		glint_list_init(&sinks[i].link);
		glint_fanout_attach(&fanout, &sinks[i]);
	}
	glint_packet_begin(&jpeg, GLINT_CODEC_JPEG, true);
	glint_packet_begin(&other, other_codec, false);
	jpeg.n_parts = other.n_parts = 1;
	glint_packet_publish(&jpeg);
	glint_packet_publish(&other);
	CU_ASSERT_TRUE(other.serial > jpeg.serial);

	packets_taken = 0;
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&fanout, &jpeg), 1);
	CU_ASSERT_EQUAL(glint_fanout_push_packet(&fanout, &other), 1);
	CU_ASSERT_EQUAL(packets_taken, 2);
	CU_ASSERT_EQUAL(raw.pushed, 0);
	CU_ASSERT_EQUAL(glint_fanout_push_frame(&fanout, &frame), 1);
	CU_ASSERT_EQUAL(packets_taken, 2);

	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, other_codec, &info));
	glint_fanout_detach(&fanout, &sinks[1]);
	CU_ASSERT_FALSE(glint_fanout_wants(&fanout, other_codec, &info));
	CU_ASSERT_TRUE(glint_fanout_wants(&fanout, GLINT_CODEC_JPEG, &info));
	glint_packet_unref(&jpeg);
	glint_packet_unref(&other);
}

/* clang-format off */
GLINT_TESTS("fanout",
	GLINT_TEST(test_each_sink_gets_the_frame_and_the_takers_are_counted),
	GLINT_TEST(test_demand_is_reported_at_the_first_sink_and_after_the_last),
	GLINT_TEST(test_a_push_without_sinks_returns_0),
	GLINT_TEST(test_sinks_may_detach_in_their_push),
	GLINT_TEST(test_a_sink_that_detaches_and_attaches_gets_the_frame_once),
	GLINT_TEST(test_a_sink_attached_during_a_push_waits_for_the_next_frame),
	GLINT_TEST(test_a_frame_is_wanted_if_one_sink_wants_it),
	GLINT_TEST(test_a_sink_gets_packets_of_its_codec_and_nothing_else),
)
