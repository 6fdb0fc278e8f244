/* SPDX-License-Identifier: MIT */
/* Markers: what is accepted, what hostile bytes do, and headers that libjpeg reads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encode/jpeg.h"
#include "harness.h"

/* A header of ours, two bytes of scan, EOI. */
static size_t make_jpeg(uint8_t *out, uint32_t width, uint32_t height)
{
	struct glint_jpeg_params params = { .width = width,
					    .height = height,
					    .sampling = GLINT_SAMPLING_420 };
	static const uint8_t rest[] = { 0x12, 0x34, 0xff, 0xd9 };
	size_t size;

	memset(params.quant, 1, sizeof(params.quant));
	size = glint_jpeg_write_header(out, &params);
	memcpy(out + size, rest, sizeof(rest));
	return size + sizeof(rest);
}

static void test_a_header_of_ours_is_understood(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 16];
	size_t size = make_jpeg(data, 1920, 1080);
	struct glint_jpeg_info info;

	CU_ASSERT_EQUAL_FATAL(glint_jpeg_inspect(data, size, &info), 0);
	CU_ASSERT_EQUAL(info.width, 1920);
	CU_ASSERT_EQUAL(info.height, 1080);
	CU_ASSERT_EQUAL(info.size, size);
	CU_ASSERT(info.has_huffman);
	CU_ASSERT_EQUAL(data[info.sos + 1], 0xda);
}

static void test_padding_behind_the_end_is_no_part_of_the_picture(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 128] = { 0 };
	size_t size = make_jpeg(data, 640, 480);
	struct glint_jpeg_info info;

	CU_ASSERT_EQUAL_FATAL(glint_jpeg_inspect(data, size + 100, &info), 0);
	CU_ASSERT_EQUAL(info.size, size);
}

static void test_missing_huffman_tables_are_noticed(void)
{
	static const uint8_t mjpeg[] = {
		0xff, 0xd8, 0xff, 0xc0, 0x00, 0x0b, 8, 0, 16, 0,  32, 1,    1,	  0x11,
		0,    0xff, 0xda, 0x00, 0x08, 1,    1, 0, 0,  63, 0,  0x55, 0xff, 0xd9,
	};
	struct glint_jpeg_info info;

	CU_ASSERT_EQUAL_FATAL(glint_jpeg_inspect(mjpeg, sizeof(mjpeg), &info), 0);
	CU_ASSERT_FALSE(info.has_huffman);
	CU_ASSERT_EQUAL(info.width, 32);
	CU_ASSERT_EQUAL(info.height, 16);
	CU_ASSERT_EQUAL(info.sos, 15);
}

static void test_a_picture_that_is_cut_anywhere_is_refused(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 16];
	size_t size = make_jpeg(data, 640, 480);
	struct glint_jpeg_info info;

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *exact = malloc(cut + 1);	/* so that a read beyond is seen */

		memcpy(exact, data, cut);
		CU_ASSERT_EQUAL(glint_jpeg_inspect(exact, cut, &info), -EBADMSG);
		free(exact);
	}
}

static void test_damaged_bytes_never_lead_out_of_the_picture(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 16];
	size_t size = make_jpeg(data, 640, 480);
	uint32_t random = 1;

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *copy = malloc(size);
		struct glint_jpeg_info info;
		int err;

		memcpy(copy, data, size);
		for (unsigned k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223;
			copy[(random >> 8) % size] = (uint8_t)(random >> 24);
		}
		err = glint_jpeg_inspect(copy, size, &info);
		CU_ASSERT(err == -EBADMSG ||
			  (err == 0 && info.size <= size && info.sos < info.size));
		free(copy);
	}
}

static void test_the_standard_tables_are_four_whole_segments(void)
{
	const uint8_t *dht = glint_jpeg_standard_dht();
	size_t at = 0;
	unsigned n = 0;

	for (; at < GLINT_JPEG_DHT_SIZE; n++) {
		CU_ASSERT_EQUAL_FATAL(dht[at], 0xff);
		CU_ASSERT_EQUAL_FATAL(dht[at + 1], 0xc4);
		at += 2 + ((size_t)dht[at + 2] << 8 | dht[at + 3]);
	}
	CU_ASSERT_EQUAL(at, GLINT_JPEG_DHT_SIZE);
	CU_ASSERT_EQUAL(n, 4);
}

GLINT_TESTS("jpeg",
	GLINT_TEST(test_a_header_of_ours_is_understood),
	GLINT_TEST(test_padding_behind_the_end_is_no_part_of_the_picture),
	GLINT_TEST(test_missing_huffman_tables_are_noticed),
	GLINT_TEST(test_a_picture_that_is_cut_anywhere_is_refused),
	GLINT_TEST(test_damaged_bytes_never_lead_out_of_the_picture),
	GLINT_TEST(test_the_standard_tables_are_four_whole_segments),
)
