/* SPDX-License-Identifier: MIT */
/* Clips: what is written is read again, and nothing else is believed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clip/clip.h"
#include "clip/recover.h"
#include "harness.h"
#include "random.h"

static const struct glint_clip_head plain_head = {
	.name = "reset-7",
	.device = "/dev/video0 \"x\"\\",
	.fourcc = UINT32_C(0x56595559), /* YUYV */
	.width = 640,
	.height = 480,
	.limited = true,
	.matrix = 6,
	.frame_ns = 16666667,
	.realtime_ns = UINT64_C(1795797863937803434),
	.monotonic_ns = 47462131132859,
	.trigger = "command",
	.trigger_seq = 103,
	.trigger_stream = 3,
	.trigger_ns = 5,
};

static struct glint_clip_frame frame_number(unsigned i, uint32_t size)
{
	return (struct glint_clip_frame){
		.stream = 3,
		.seq = 100 + i,
		.size = size,
		.arrival = i % 2,
		.exposure_start = i % 3 == 0,
		.capture_ns = 1000000000u + i * 16666000ull,
		.exposure_ns = i * 7ull,
		.complete_ns = 1000000500u + i * 16666000ull,
		.dequeue_ns = UINT64_MAX - i,
		.before = { .dropped = i, .corrupt = 2 * i, .lost = UINT32_MAX - i },
	};
}

static int clip_create(void)
{
	int fd = memfd_create("clip", MFD_CLOEXEC);
	uint8_t page[GLINT_CLIP_PAGE];

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	glint_clip_write_head(&plain_head, page);
	CU_ASSERT_EQUAL_FATAL(write(fd, page, sizeof(page)), (ssize_t)sizeof(page));
	return fd;
}

static void clip_add(int fd, const struct glint_clip_frame *frame)
{
	size_t bytes = glint_clip_frame_bytes(frame->size);
	uint8_t *memory = malloc(bytes);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	memset(memory, 0x55, bytes);
	memset(memory + GLINT_CLIP_PAGE, (int)(frame->seq & 0xff), frame->size);
	glint_clip_write_frame(frame, plain_head.frame_ns, memory);
	CU_ASSERT_EQUAL_FATAL(write(fd, memory, bytes), (ssize_t)bytes);
	free(memory);
}

static void test_the_head_is_read_as_it_was_written(void)
{
	struct glint_clip_reader reader;
	int fd = clip_create();

	CU_ASSERT_EQUAL(glint_clip_read_head(&reader, fd), 0);
	CU_ASSERT_STRING_EQUAL(reader.head.name, "reset-7");
	CU_ASSERT_STRING_EQUAL(reader.head.device, "/dev/video0 ?x??");
	CU_ASSERT_EQUAL(reader.head.fourcc, plain_head.fourcc);
	CU_ASSERT_EQUAL(reader.head.width, 640);
	CU_ASSERT_EQUAL(reader.head.height, 480);
	CU_ASSERT_TRUE(reader.head.limited);
	CU_ASSERT_EQUAL(reader.head.matrix, 6);
	CU_ASSERT_EQUAL(reader.head.frame_ns, plain_head.frame_ns);
	CU_ASSERT_EQUAL(reader.head.realtime_ns, plain_head.realtime_ns);
	CU_ASSERT_EQUAL(reader.head.trigger_seq, 103);
	CU_ASSERT_EQUAL(reader.head.trigger_stream, 3);
	CU_ASSERT_FALSE(reader.head.finished);
	close(fd);
}

/* Each stream counts its frames anew. */
static void test_the_same_number_in_another_stream_is_not_the_trigger(void)
{
	struct glint_clip_frame frame = frame_number(3, 1000);
	struct glint_clip_head head = plain_head;

	CU_ASSERT_TRUE(glint_clip_is_trigger(&head, &frame));
	frame.stream = 2;
	CU_ASSERT_FALSE(glint_clip_is_trigger(&head, &frame));
	head.trigger_stream = 0; /* of an older file */
	CU_ASSERT_TRUE(glint_clip_is_trigger(&head, &frame));
	frame.seq++;
	CU_ASSERT_FALSE(glint_clip_is_trigger(&head, &frame));
}

static void test_no_text_of_a_head_reaches_a_terminal_as_a_command(void)
{
	static const char *const texts[] = { "\x1b[31mred", "line\nline", "\x7f", "\x9b", "a\\" };
	int fd = memfd_create("clip", MFD_CLOEXEC);
	struct glint_clip_reader reader;
	uint8_t page[GLINT_CLIP_PAGE];

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct glint_clip_head head = plain_head;

		head.finished = true;
		head.bytes = sizeof(page);
		strcpy(head.trigger, texts[i]);
		strcpy(head.ended, texts[i]);
		glint_clip_write_head(&head, page);
		CU_ASSERT_EQUAL_FATAL(pwrite(fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
		CU_ASSERT_EQUAL(glint_clip_read_head(&reader, fd), 0);
		CU_ASSERT_STRING_EQUAL(reader.head.trigger, "");
		CU_ASSERT_STRING_EQUAL(reader.head.ended, "");
	}
	close(fd);
}

static void test_frames_are_read_as_they_were_written(void)
{
	/* Around whole pages, where the Void has no space or its shortest form. */
	static const uint32_t sizes[] = { 1,	4093, 4094, 4095, 4096,	 4097,
					  8190, 8191, 8192, 8193, 100000 };
	struct glint_clip_reader reader;
	struct glint_clip_frame frame;
	int fd = clip_create();

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		frame = frame_number(i, sizes[i]);
		clip_add(fd, &frame);
	}
	CU_ASSERT_EQUAL_FATAL(glint_clip_read_head(&reader, fd), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct glint_clip_frame expected = frame_number(i, sizes[i]);
		uint8_t first, last;

		CU_ASSERT_EQUAL_FATAL(glint_clip_read_frame(&reader, &frame), 0);
		CU_ASSERT_EQUAL(frame.seq, expected.seq);
		CU_ASSERT_EQUAL(frame.stream, expected.stream);
		CU_ASSERT_EQUAL(frame.size, expected.size);
		CU_ASSERT_EQUAL(frame.arrival, expected.arrival);
		CU_ASSERT_EQUAL(frame.exposure_start, expected.exposure_start);
		CU_ASSERT_EQUAL(frame.capture_ns, expected.capture_ns);
		CU_ASSERT_EQUAL(frame.exposure_ns, expected.exposure_ns);
		CU_ASSERT_EQUAL(frame.complete_ns, expected.complete_ns);
		CU_ASSERT_EQUAL(frame.dequeue_ns, expected.dequeue_ns);
		CU_ASSERT_EQUAL(frame.before.dropped, expected.before.dropped);
		CU_ASSERT_EQUAL(frame.before.corrupt, expected.before.corrupt);
		CU_ASSERT_EQUAL(frame.before.lost, expected.before.lost);
		CU_ASSERT_EQUAL(reader.offset % GLINT_CLIP_PAGE, 0);
		CU_ASSERT_EQUAL(pread(fd, &first, 1, (off_t)reader.offset), 1);
		CU_ASSERT_EQUAL(pread(fd, &last, 1, (off_t)reader.offset + frame.size - 1), 1);
		CU_ASSERT_EQUAL(first, 100 + i);
		CU_ASSERT_EQUAL(last, 100 + i);
	}
	CU_ASSERT_EQUAL(glint_clip_read_frame(&reader, &frame), -ENODATA);
	close(fd);
}

static void test_a_frame_that_is_not_all_there_is_none(void)
{
	struct glint_clip_frame frame = frame_number(0, 5000);
	struct glint_clip_reader reader;
	int fd = clip_create();
	off_t whole = (off_t)(2 * GLINT_CLIP_PAGE + 5000);

	clip_add(fd, &frame);
	for (off_t size = whole - 5001; size < whole; size += 500) {
		CU_ASSERT_EQUAL_FATAL(ftruncate(fd, size), 0);
		CU_ASSERT_EQUAL_FATAL(glint_clip_read_head(&reader, fd), 0);
		CU_ASSERT_EQUAL(glint_clip_read_frame(&reader, &frame), -EBADMSG);
	}
	close(fd);
}

static void test_damaged_clips_are_refused_or_read(void)
{
	struct random random = random_begin();
	struct glint_clip_reader reader;
	struct glint_clip_frame frame;
	int fd = clip_create();
	uint8_t bytes[6 * GLINT_CLIP_PAGE];
	unsigned refused = 0;

	for (unsigned i = 0; i < 2; i++) {
		frame = frame_number(i, 3000);
		clip_add(fd, &frame);
	}
	CU_ASSERT_EQUAL_FATAL(pread(fd, bytes, sizeof(bytes), 0), 5 * (ssize_t)GLINT_CLIP_PAGE);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t byte = (uint8_t)random_below(&random, 256);
		/* Where elements are, not in their padding. */
		static const off_t pages[] = { 0, 1, 3 };
		off_t page = pages[random_below(&random, 3)], at;
		int err;

		at = page * (off_t)GLINT_CLIP_PAGE + random_below(&random, 900);
		if (random_below(&random, 4) == 0)
			at = page * (off_t)GLINT_CLIP_PAGE + 4083 + random_below(&random, 13);
		CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, at), 1);
		err = glint_clip_read_head(&reader, fd);
		for (unsigned n = 0; err == 0 && n < 10; n++) {
			err = glint_clip_read_frame(&reader, &frame);
			if (err == 0)
				CU_ASSERT_TRUE_FATAL(reader.offset + frame.size <= reader.size);
		}
		refused += err == -EBADMSG;
		CU_ASSERT_EQUAL_FATAL(pwrite(fd, bytes + at, 1, at), 1);
	}
	CU_ASSERT_TRUE(refused > 1000);
	close(fd);
}

static void test_names_are_those_of_files_in_the_folder(void)
{
	CU_ASSERT_TRUE(glint_clip_name_valid("reset-7.a_B"));
	CU_ASSERT_FALSE(glint_clip_name_valid(""));
	CU_ASSERT_FALSE(glint_clip_name_valid("."));
	CU_ASSERT_FALSE(glint_clip_name_valid(".."));
	CU_ASSERT_FALSE(glint_clip_name_valid(".a"));
	CU_ASSERT_FALSE(glint_clip_name_valid("a/b"));
	CU_ASSERT_FALSE(glint_clip_name_valid("a b"));
	CU_ASSERT_FALSE(glint_clip_name_valid("\xc3\xa4"));
}

static void test_the_index_numbers_frames_from_the_trigger(void)
{
	struct glint_clip_head head = plain_head;
	struct glint_clip_reader reader;
	int fd = clip_create(), index = memfd_create("index", MFD_CLOEXEC);
	struct glint_clip_frame frame;
	char text[4096] = "";

	for (unsigned i = 0; i < 5; i++) {
		frame = frame_number(i, 10);
		frame.seq = 100 + i + (i >= 2); /* 102 is missing */
		frame.before = (struct glint_clip_gap){ .dropped = i == 2 };
		clip_add(fd, &frame);
	}
	CU_ASSERT_EQUAL_FATAL(glint_clip_read_head(&reader, fd), 0);
	CU_ASSERT_EQUAL(glint_clip_index(&reader, index, NULL, &head), 0);
	CU_ASSERT_EQUAL(head.frames, 5);
	CU_ASSERT_EQUAL(head.before_trigger, 2);
	CU_ASSERT_EQUAL(head.gaps.dropped, 1);
	CU_ASSERT_TRUE_FATAL(pread(index, text, sizeof(text) - 1, 0) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"n\":-3,\"seq\":100,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"n\":-2,\"seq\":101,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"n\":0,\"seq\":103,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{\"n\":2,\"seq\":105,"));
	close(index);
	close(fd);
}

GLINT_TESTS("clip", GLINT_TEST(test_the_head_is_read_as_it_was_written),
	    GLINT_TEST(test_the_same_number_in_another_stream_is_not_the_trigger),
	    GLINT_TEST(test_no_text_of_a_head_reaches_a_terminal_as_a_command),
	    GLINT_TEST(test_frames_are_read_as_they_were_written),
	    GLINT_TEST(test_a_frame_that_is_not_all_there_is_none),
	    GLINT_TEST(test_damaged_clips_are_refused_or_read),
	    GLINT_TEST(test_names_are_those_of_files_in_the_folder),
	    GLINT_TEST(test_the_index_numbers_frames_from_the_trigger))
