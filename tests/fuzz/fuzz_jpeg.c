/* SPDX-License-Identifier: MIT */
/*
 * JPEGs from a device. Each input is inspected; all found parts lie within the input, and if
 * libjpeg accepts the headers too, both have read the same size.
 */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

#include "fuzz.h"
#include "jpeg/inspect.h"

struct failure {
	struct jpeg_error_mgr manager; /* first: libjpeg knows only this part */
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
	int err = glint_jpeg_inspect(data, size, &info);

	if (err < 0 && err != -ENODATA)
		return;
	assert(info.truncated == (err == -ENODATA));
	assert(info.size <= size && info.sos + 2 < info.size);
	assert(data[info.sos] == 0xff && data[info.sos + 1] == 0xda);
	assert(info.width > 0 && info.height > 0);
	if (err == 0)
		assert(data[info.size - 2] == 0xff && data[info.size - 1] == 0xd9);
	if (libjpeg_size(data, info.size, &width, &height))
		assert(width == info.width && height == info.height);
}

static void check_scan(const uint8_t *data, size_t size)
{
	size_t begin;

	if (glint_jpeg_find_scan(data, size, &begin) == 0)
		assert(begin >= 6 && begin <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_inspection(data, size);
	check_scan(data, size);
	return 0;
}
