/* SPDX-License-Identifier: MIT */
#include "picture_stamp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "base/macros.h"
#include "v4l2emu/picture.h"

#define KNOWN	       16	   /* remembered pictures */
#define HEAD	       (24u << 10) /* bytes that the hash covers in full: they hold the stamp */
#define LUMA_WIDTH_MAX 8192u

static uint64_t mix(uint64_t sum, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return (sum ^ word) * 0x9e3779b97f4a7c15ull ^ sum >> 29;
}

/* Hashes every byte of the first HEAD bytes, then eight of each 256. */
static uint64_t fingerprint(const uint8_t *jpeg, size_t size)
{
	uint64_t sum = size;
	size_t at = 0;

	for (; at + 8 <= MIN(size, HEAD + (size_t)0); at += 8)
		sum = mix(sum, jpeg + at);
	for (; at + 8 <= size; at += 256)
		sum = mix(sum, jpeg + at);
	return sum;
}

struct decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
};

static void decoder_fail(j_common_ptr jpeg)
{
	struct decoder *decoder = jpeg->client_data;

	longjmp(decoder->failed, 1);
}

static void be_silent(j_common_ptr jpeg, int level)
{
	(void)jpeg;
	(void)level;
}

/* Decodes the first EMU_STRIP lines in grey, at the picture's width. */
static int decode_lines(struct decoder *decoder, const uint8_t *data, size_t size, uint8_t *luma)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

	jpeg_mem_src(jpeg, data, size);
	jpeg_read_header(jpeg, TRUE);
	if (jpeg->image_width > LUMA_WIDTH_MAX || jpeg->image_height < EMU_STRIP)
		return -EBADMSG;
	jpeg->out_color_space = JCS_GRAYSCALE;
	jpeg->dct_method = JDCT_IFAST;
	jpeg_start_decompress(jpeg);
	while (jpeg->output_scanline < EMU_STRIP) {
		JSAMPROW row = luma + (size_t)jpeg->output_scanline * jpeg->output_width;

		jpeg_read_scanlines(jpeg, &row, 1);
	}
	return 0;
}

static int stamp_in_picture(const uint8_t *data, size_t size, struct glint_stamp *stamp)
{
	static uint8_t luma[EMU_STRIP * LUMA_WIDTH_MAX];
	struct decoder decoder;
	volatile int err;

	decoder.jpeg.err = jpeg_std_error(&decoder.errors);
	decoder.jpeg.client_data = &decoder;
	decoder.errors.error_exit = decoder_fail;
	decoder.errors.emit_message = be_silent;
	err = -EBADMSG;
	jpeg_create_decompress(&decoder.jpeg);
	if (setjmp(decoder.failed) == 0)
		err = decode_lines(&decoder, data, size, luma);
	if (err == 0)
		err = glint_stamp_read(stamp, luma, decoder.jpeg.output_width,
				       decoder.jpeg.output_width, EMU_STRIP);
	jpeg_destroy_decompress(&decoder.jpeg);
	return err;
}

static int stamp_in_comment(const uint8_t *data, size_t size, struct glint_stamp *stamp)
{
	size_t head = MIN(size, (size_t)1024), tag = sizeof(EMU_COMMENT) - 1;
	const uint8_t *at = memmem(data, head, EMU_COMMENT, tag);
	uint32_t rows[GLINT_STAMP_ROWS] = { 0 };

	if (!at || (size_t)(at - data) + tag + sizeof(rows) > size)
		return -EBADMSG;
	for (unsigned i = 0; i < sizeof(rows); i++)
		rows[i / 4] = rows[i / 4] << 8 | at[tag + i];
	return glint_stamp_decode(stamp, rows);
}

int picture_stamp_read(const uint8_t *jpeg, size_t size, struct picture_stamp *out)
{
	static struct {
		uint64_t print;
		struct glint_stamp stamp;
		int err;
	} known[KNOWN], *next;
	static unsigned n;
	uint64_t print = fingerprint(jpeg, size);

	out->is_new = false;
	for (unsigned i = 0; i < KNOWN; i++)
		if (known[i].print == print) {
			out->stamp = known[i].stamp;
			return known[i].err;
		}
	next = &known[n++ % KNOWN];
	next->print = print;
	next->err = stamp_in_comment(jpeg, size, &next->stamp);
	if (next->err < 0)
		next->err = stamp_in_picture(jpeg, size, &next->stamp);
	out->stamp = next->stamp;
	out->is_new = true;
	return next->err;
}
