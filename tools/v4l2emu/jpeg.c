/* SPDX-License-Identifier: MIT */
/* Encodes a picture like a webcam's: 4:2:2, with a comment that will hold the stamp. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "picture.h"

#define QUALITY 80

struct work {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	unsigned char *data;
	unsigned long size;
};

static void work_fail(j_common_ptr jpeg)
{
	struct work *work = jpeg->client_data;

	longjmp(work->failed, 1);
}

static void write_picture(struct work *work, const struct glint_canvas *canvas)
{
	struct jpeg_compress_struct *jpeg = &work->jpeg;
	char comment[sizeof(EMU_COMMENT) - 1 + 4 * GLINT_STAMP_ROWS] = EMU_COMMENT;
	size_t stride = glint_canvas_stride(canvas->fourcc, canvas->width);

	jpeg->image_width = canvas->width;
	jpeg->image_height = canvas->height;
	jpeg->input_components = 3;
	jpeg->in_color_space = JCS_RGB;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, QUALITY, TRUE);
	jpeg->comp_info[0].h_samp_factor = 2;
	jpeg->comp_info[0].v_samp_factor = 1;
	jpeg_start_compress(jpeg, TRUE);
	jpeg_write_marker(jpeg, JPEG_COM, (const JOCTET *)comment, sizeof(comment));
	while (jpeg->next_scanline < jpeg->image_height) {
		JSAMPROW row = canvas->base + jpeg->next_scanline * stride;

		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
}

int emu_jpeg_make(struct emu_jpeg *out, const struct glint_canvas *canvas)
{
	struct work work = { 0 };
	const uint8_t *comment;

	work.jpeg.err = jpeg_std_error(&work.errors);
	work.jpeg.client_data = &work;
	work.errors.error_exit = work_fail;
	if (setjmp(work.failed)) {
		jpeg_destroy_compress(&work.jpeg);
		free(work.data);
		return -EIO;
	}
	jpeg_create_compress(&work.jpeg);
	jpeg_mem_dest(&work.jpeg, &work.data, &work.size);
	write_picture(&work, canvas);
	jpeg_destroy_compress(&work.jpeg);

	comment = memmem(work.data, work.size, EMU_COMMENT, sizeof(EMU_COMMENT) - 1);
	if (!comment) {
		free(work.data);
		return -EIO;
	}
	out->data = work.data;
	out->size = work.size;
	out->stamp = (size_t)(comment - work.data) + sizeof(EMU_COMMENT) - 1;
	return 0;
}
