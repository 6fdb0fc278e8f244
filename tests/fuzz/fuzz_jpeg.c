/* SPDX-License-Identifier: MIT */
/*
 * JPEGs from a device. Each input is inspected as it is; what is found lies within it, and
 * where libjpeg accepts the head as well, both have read the same size.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

#include "capture/jpeg_check.h"
#include "encode/jpeg.h"
#include "fuzz.h"

struct failure {
	struct jpeg_error_mgr manager;	/* first: libjpeg knows only this part */
	jmp_buf out;
};

static void on_error(j_common_ptr common)
{
	longjmp(((struct failure *)common->err)->out, 1);
}

static void on_message(j_common_ptr common, int level)
{
	(void)common;
	(void)level;
}

/* False: libjpeg does not accept the head. */
static bool libjpeg_size(const uint8_t *data, size_t size, uint32_t *width, uint32_t *height)
{
	struct jpeg_decompress_struct jpeg;
	struct failure failure;

	jpeg.err = jpeg_std_error(&failure.manager);
	failure.manager.error_exit = on_error;
	failure.manager.emit_message = on_message;
	if (setjmp(failure.out)) {
		jpeg_destroy_decompress(&jpeg);
		return false;
	}
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, data, size);
	jpeg_read_header(&jpeg, TRUE);
	*width = jpeg.image_width;
	*height = jpeg.image_height;
	jpeg_destroy_decompress(&jpeg);
	return true;
}

static void check_inspection(const uint8_t *data, size_t size)
{
	struct glint_jpeg_info info;
	uint32_t width, height;

	if (glint_jpeg_inspect(data, size, &info) < 0)
		return;
	assert(info.size <= size && info.sos + 2 < info.size);
	assert(data[info.sos] == 0xff && data[info.sos + 1] == 0xda);
	assert(data[info.size - 2] == 0xff && data[info.size - 1] == 0xd9);
	assert(info.width > 0 && info.height > 0);
	if (libjpeg_size(data, info.size, &width, &height))
		assert(width == info.width && height == info.height);
}

static void check_length(const uint8_t *data, size_t size)
{
	long length = glint_jpeg_length(data, size);

	if (length <= 0)
		return;
	assert(length >= 4 && (size_t)length <= size);
	assert(data[0] == 0xff && data[1] == 0xd8);
	assert(data[length - 2] == 0xff && data[length - 1] == 0xd9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_inspection(data, size);
	check_length(data, size);
	return 0;
}
