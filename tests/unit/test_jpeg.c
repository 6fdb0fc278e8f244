/* SPDX-License-Identifier: MIT */
/* Inspecting JPEGs by their markers: whole, truncated and damaged ones, and those of libjpeg. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/macros.h"
#include "harness.h"
#include "jpeg/header.h"
#include "jpeg/inspect.h"

#define WIDTH  64u
#define HEIGHT 64u /* 16 MCUs of 4:2:0, 64 blocks of luma: 16 bytes of scan at least */

static int inspect(const uint8_t *data, size_t size)
{
	struct glint_jpeg_info info;

	return glint_jpeg_inspect(data, size, &info);
}

/* A header of glint, restart markers every @restart MCUs; then @scan and EOI. */
static size_t make_jpeg(uint8_t *out, uint16_t restart, const void *scan, size_t scan_size)
{
	struct glint_jpeg_params params = {
		.width = WIDTH, .height = HEIGHT, .sampling = GLINT_SAMPLING_420, .restart = restart
	};
	size_t size;

	memset(params.quant, 1, sizeof(params.quant));
	size = glint_jpeg_write_header(out, &params);
	memcpy(out + size, scan, scan_size);
	memcpy(out + size + scan_size, "\xff\xd9", 2);
	return size + scan_size + 2;
}

static const uint8_t plain[40] = "0123456789012345678901234567890123456789";

static size_t make_plain(uint8_t *out)
{
	return make_jpeg(out, 0, plain, sizeof(plain));
}

static void test_our_own_header_is_understood(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data), begin;
	struct glint_jpeg_info info;

	CU_ASSERT_EQUAL_FATAL(glint_jpeg_inspect(data, size, &info), 0);
	CU_ASSERT_EQUAL(info.width, WIDTH);
	CU_ASSERT_EQUAL(info.height, HEIGHT);
	CU_ASSERT_EQUAL(info.size, size);
	CU_ASSERT(info.has_huffman);
	CU_ASSERT_FALSE(info.truncated);
	CU_ASSERT_EQUAL(data[info.sos + 1], 0xda);
	CU_ASSERT_EQUAL(glint_jpeg_find_scan(data, size, &begin), 0);
	CU_ASSERT_EQUAL(begin, size - sizeof(plain) - 2);
}

static void test_bytes_behind_the_end_are_not_part_of_the_picture(void)
{
	static const uint8_t fills[] = { 0x00, 0x55, 0xff, 0xd9 };
	static uint8_t data[200000];
	size_t size = make_plain(data);
	struct glint_jpeg_info info;

	for (unsigned i = 0; i < sizeof(fills); i++) {
		memset(data + size, fills[i], sizeof(data) - size);
		CU_ASSERT_EQUAL(glint_jpeg_inspect(data, sizeof(data), &info), 0);
		CU_ASSERT_EQUAL(info.size, size);
	}
}

static void test_missing_huffman_tables_are_noticed(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data), dht;
	struct glint_jpeg_info info;

	for (dht = 0; memcmp(data + dht, "\xff\xc4", 2) != 0; dht++)
		;
	memmove(data + dht, data + dht + GLINT_JPEG_DHT_SIZE, size - dht - GLINT_JPEG_DHT_SIZE);
	CU_ASSERT_EQUAL_FATAL(glint_jpeg_inspect(data, size - GLINT_JPEG_DHT_SIZE, &info), 0);
	CU_ASSERT_FALSE(info.has_huffman);
	CU_ASSERT_EQUAL(info.sos, dht);
}

static void test_a_cut_picture_is_truncated_or_damaged(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data), scan = size - sizeof(plain) - 2;

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees a read beyond it */
		struct glint_jpeg_info info;

		memcpy(exact, data, cut);
		CU_ASSERT_EQUAL(glint_jpeg_inspect(exact, cut, &info),
				cut <= scan ? -EBADMSG : -ENODATA);
		CU_ASSERT_EQUAL(info.truncated, cut > scan);
		if (cut > scan)
			CU_ASSERT_TRUE(info.size == cut && info.width == WIDTH);
		free(exact);
	}
}

static void test_damaged_bytes_never_lead_out_of_the_picture(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data);
	uint32_t random = 1;

	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *copy = malloc(size);
		struct glint_jpeg_info info;
		size_t begin;
		int err;

		memcpy(copy, data, size);
		for (unsigned k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223;
			copy[(random >> 8) % size] = (uint8_t)(random >> 24);
		}
		err = glint_jpeg_inspect(copy, size, &info);
		CU_ASSERT(err == -EBADMSG || ((err == 0 || err == -ENODATA) && info.size <= size &&
					      info.sos < info.size));
		err = glint_jpeg_find_scan(copy, size, &begin);
		CU_ASSERT(err == -EBADMSG || begin <= size);
		free(copy);
	}
}

/* --- Restart markers ---------------------------------------------------------------- */

/* 16 MCUs, a restart every 4: three markers between four intervals of ten bytes. */
#define PIECE "0123456789"

static int inspect_scan(const char *scan, size_t size)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 128];

	return inspect(data, make_jpeg(data, 4, scan, size));
}
#define SCAN(text) inspect_scan(text, sizeof(text) - 1)

static void test_restart_markers_are_those_that_the_header_announces(void)
{
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE "\xff\xd2" PIECE), 0);
	/* Some encoders put a marker behind the last interval. */
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE "\xff\xd2" PIECE "\xff\xd3"),
			0);
	/* Fill bytes, and a byte 0xff of data. */
	CU_ASSERT_EQUAL(
		SCAN(PIECE "\xff\xff\xff\xd0" PIECE "\xff\xd1" PIECE "\xff\0\xff\xd2" PIECE), 0);
	/* Two halves of different pictures. */
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd2" PIECE), -EBADMSG);
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE), -EBADMSG);
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd1" PIECE "\xff\xd2" PIECE "\xff\xd3" PIECE), -EBADMSG);
	/* Too few, too many, nothing between them. */
	CU_ASSERT_EQUAL(SCAN(PIECE PIECE PIECE PIECE), -EBADMSG);
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE PIECE), -EBADMSG);
	CU_ASSERT_EQUAL(SCAN(PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE "\xff\xd2" PIECE
				   "\xff\xd3" PIECE),
			-EBADMSG);
	CU_ASSERT_EQUAL(SCAN(PIECE PIECE "\xff\xd0\xff\xd1" PIECE "\xff\xd2" PIECE), -EBADMSG);
}

static void test_unannounced_restart_markers_are_damage(void)
{
	static const char scan[] = PIECE "\xff\xd0" PIECE "\xff\xd1" PIECE;
	uint8_t data[GLINT_JPEG_HEADER_MAX + 128];

	CU_ASSERT_EQUAL(inspect(data, make_jpeg(data, 0, scan, sizeof(scan) - 1)), -EBADMSG);
}

/* --- Damaged pictures ---------------------------------------------------------------------- */

static size_t find_marker(const uint8_t *data, uint8_t code)
{
	size_t at = 0;

	while (data[at] != 0xff || data[at + 1] != code)
		at++;
	return at;
}

/* The picture with @count bytes from @at on replaced by @bytes. */
static int inspect_spoilt(size_t at, const void *bytes, size_t count)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data);

	memcpy(data + at, bytes, count);
	return inspect(data, size);
}

static void test_an_impossible_frame_header_is_refused(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64], doubled[2 * GLINT_JPEG_HEADER_MAX];
	size_t size = make_plain(data), sof = find_marker(data, 0xc0);
	size_t length = 2 + ((size_t)data[sof + 2] << 8 | data[sof + 3]);

	CU_ASSERT_EQUAL(inspect_spoilt(sof + 5, "\xff\xff\xff\xff", 4), -EBADMSG); /* 65535x65535 */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 5, "\0\0", 2), -EBADMSG);
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 4, "\x0c", 1), -EBADMSG);	/* 12 bits a sample */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 1, "\xc3", 1), -EBADMSG);	/* lossless */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 1, "\xc9", 1), -EBADMSG);	/* arithmetic */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 9, "\x09", 1), -EBADMSG);	/* components */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 11, "\x00", 1), -EBADMSG); /* sampled 0 by 0 */
	CU_ASSERT_EQUAL(inspect_spoilt(sof + 12, "\x03", 1),
			-EBADMSG); /* a table that is not there */

	memcpy(doubled, data, sof + length);
	memcpy(doubled + sof + length, data + sof, size - sof);
	CU_ASSERT_EQUAL(inspect(doubled, size + length), -EBADMSG);
}

static void test_a_picture_without_its_tables_or_its_data_is_refused(void)
{
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];
	size_t size = make_plain(data), dqt = find_marker(data, 0xdb), sos;

	CU_ASSERT_EQUAL(inspect_spoilt(dqt + 1, "\xfe", 1), -EBADMSG); /* a comment instead */
	size = make_jpeg(data, 0, "", 0);
	CU_ASSERT_EQUAL(inspect(data, size), -EBADMSG);
	CU_ASSERT_EQUAL(inspect(data, size - 2), -EBADMSG);
	size = make_jpeg(data, 0, plain, 15); /* for 64 blocks */
	CU_ASSERT_EQUAL(inspect(data, size), -EBADMSG);
	size = make_jpeg(data, 0, plain, 16);
	CU_ASSERT_EQUAL(inspect(data, size), 0);
	sos = find_marker(data, 0xda);
	CU_ASSERT_EQUAL(inspect_spoilt(sos + 5, "\x07", 1), -EBADMSG); /* of no such component */
}

static void test_markers_within_a_scan_are_damage(void)
{
	static const char half[] = "0123456789012345\xff\xd8\xff\xe0"
				   "0123456789012345";
	static const char wrong[] = "0123456789012345\xff\x37"
				    "0123456789012345";
	uint8_t data[GLINT_JPEG_HEADER_MAX + 64];

	CU_ASSERT_EQUAL(inspect(data, make_jpeg(data, 0, half, sizeof(half) - 1)), -EBADMSG);
	CU_ASSERT_EQUAL(inspect(data, make_jpeg(data, 0, wrong, sizeof(wrong) - 1)), -EBADMSG);
}

static void test_repeated_bytes_are_truncated_or_damaged(void)
{
	enum { SIZE = 16 << 20 };
	static const char *const fills[] = { "\xd9", "\xff", "\xff\0", "\0" };
	uint8_t *data = malloc(SIZE);

	for (unsigned i = 0; i < ARRAY_SIZE(fills); i++) {
		size_t head = make_plain(data) - 2, period = i == 2 ? 2 : 1;

		for (size_t at = head; at < SIZE; at++)
			data[at] = (uint8_t)fills[i][(at - head) % period];
		CU_ASSERT_EQUAL(inspect(data, SIZE), -ENODATA);
		CU_ASSERT_EQUAL(inspect(data + head, SIZE - head), -EBADMSG);
	}
	free(data);
}

/* --- What libjpeg makes ------------------------------------------------------------------ */

static const struct variant {
	bool progressive, optimised, grey, alone; /* alone: a scan for each component */
	unsigned restart_rows, h, v;
} variants[] = {
	{ .h = 2, .v = 2 },
	{ .h = 2, .v = 1, .restart_rows = 1 },
	{ .h = 1, .v = 1, .optimised = true },
	{ .h = 1, .v = 2, .restart_rows = 2, .optimised = true },
	{ .h = 2, .v = 2, .progressive = true },
	{ .h = 2, .v = 2, .progressive = true, .restart_rows = 1 },
	{ .h = 1, .v = 1, .grey = true, .restart_rows = 1 },
	{ .h = 2, .v = 2, .alone = true },
	{ .h = 2, .v = 2, .alone = true, .restart_rows = 1 },
};

static uint8_t *compress(const struct variant *v, unsigned width, unsigned height, bool black,
			 unsigned long *size)
{
	static const jpeg_scan_info scans[] = {
		{ 1, { 0 }, 0, 63, 0, 0 },
		{ 1, { 1 }, 0, 63, 0, 0 },
		{ 1, { 2 }, 0, 63, 0, 0 },
	};
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	uint8_t *jpeg = NULL, row[3 * 400];
	JSAMPROW rows = row;
	uint32_t noise = 3;

	enc.err = jpeg_std_error(&errors);
	jpeg_create_compress(&enc);
	jpeg_mem_dest(&enc, &jpeg, size);
	enc.image_width = width;
	enc.image_height = height;
	enc.input_components = v->grey ? 1 : 3;
	enc.in_color_space = v->grey ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&enc);
	jpeg_set_quality(&enc, black ? 10 : 95, TRUE);
	enc.comp_info[0].h_samp_factor = (int)v->h;
	enc.comp_info[0].v_samp_factor = (int)v->v;
	enc.optimize_coding = v->optimised;
	enc.restart_in_rows = (int)v->restart_rows;
	if (v->progressive)
		jpeg_simple_progression(&enc);
	if (v->alone) {
		enc.scan_info = scans;
		enc.num_scans = 3;
	}
	jpeg_start_compress(&enc, TRUE);
	while (enc.next_scanline < height) {
		for (size_t i = 0; i < sizeof(row); i++) {
			noise = noise * 1664525 + 1013904223;
			row[i] = black ? 0 : (uint8_t)(noise >> 24);
		}
		jpeg_write_scanlines(&enc, &rows, 1);
	}
	jpeg_finish_compress(&enc);
	jpeg_destroy_compress(&enc);
	return jpeg;
}

static void test_every_kind_that_libjpeg_makes_is_whole(void)
{
	static const struct {
		unsigned width, height;
	} sizes[] = { { 1, 1 }, { 16, 16 }, { 17, 33 }, { 400, 300 } };

	for (unsigned i = 0; i < ARRAY_SIZE(variants) * ARRAY_SIZE(sizes) * 2; i++) {
		unsigned width = sizes[i / 2 % ARRAY_SIZE(sizes)].width;
		unsigned height = sizes[i / 2 % ARRAY_SIZE(sizes)].height;
		const struct variant *v = &variants[i / 2 / ARRAY_SIZE(sizes)];
		struct glint_jpeg_info info;
		unsigned long size = 0;
		uint8_t *jpeg = compress(v, width, height, i % 2, &size);

		CU_ASSERT_EQUAL(glint_jpeg_inspect(jpeg, size, &info), 0);
		CU_ASSERT_TRUE(info.width == width && info.height == height && info.size == size);
		CU_ASSERT_EQUAL(glint_jpeg_inspect(jpeg, size - 1, &info), -ENODATA);
		free(jpeg);
	}
}

static void test_half_a_picture_with_restarts_is_not_whole(void)
{
	unsigned long size = 0;
	uint8_t *jpeg = compress(&variants[1], 400, 300, false, &size);
	size_t cut = size / 3, hole = size / 4;

	/* A transfer in the middle was lost: both ends are right. */
	memmove(jpeg + cut, jpeg + cut + hole, size - cut - hole);
	CU_ASSERT_EQUAL(inspect(jpeg, size - hole), -EBADMSG);
	free(jpeg);
}

/* --- The header ------------------------------------------------------------------------------ */

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

/* clang-format off */
GLINT_TESTS("jpeg",
	GLINT_TEST(test_our_own_header_is_understood),
	GLINT_TEST(test_bytes_behind_the_end_are_not_part_of_the_picture),
	GLINT_TEST(test_missing_huffman_tables_are_noticed),
	GLINT_TEST(test_a_cut_picture_is_truncated_or_damaged),
	GLINT_TEST(test_damaged_bytes_never_lead_out_of_the_picture),
	GLINT_TEST(test_restart_markers_are_those_that_the_header_announces),
	GLINT_TEST(test_unannounced_restart_markers_are_damage),
	GLINT_TEST(test_an_impossible_frame_header_is_refused),
	GLINT_TEST(test_a_picture_without_its_tables_or_its_data_is_refused),
	GLINT_TEST(test_markers_within_a_scan_are_damage),
	GLINT_TEST(test_repeated_bytes_are_truncated_or_damaged),
	GLINT_TEST(test_every_kind_that_libjpeg_makes_is_whole),
	GLINT_TEST(test_half_a_picture_with_restarts_is_not_whole),
	GLINT_TEST(test_the_standard_tables_are_four_whole_segments),
)
