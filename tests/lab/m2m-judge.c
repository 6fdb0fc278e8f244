/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "m2m-judge.h"

struct errors {
	struct jpeg_error_mgr mgr;
	jmp_buf failed;
};

/* The parameters of a JPEG, for a reference with the same ones. */
struct recipe {
	unsigned components;
	int h[3], v[3], table[3];
	unsigned tables[NUM_QUANT_TBLS][DCTSIZE2];
};

static void jpeg_failed(j_common_ptr jpeg)
{
	longjmp(((struct errors *)jpeg->err)->failed, 1);
}

/* A warning of libjpeg is a finding, not a message. */
static void be_silent(j_common_ptr jpeg)
{
	(void)jpeg;
}

static struct jpeg_error_mgr *errors_init(struct errors *errors)
{
	jpeg_std_error(&errors->mgr);
	errors->mgr.error_exit = jpeg_failed;
	errors->mgr.output_message = be_silent;
	return &errors->mgr;
}

static void recipe_take(struct recipe *recipe, const struct jpeg_decompress_struct *jpeg)
{
	recipe->components = jpeg->num_components == 1 ? 1 : 3;
	for (unsigned c = 0; c < recipe->components; c++) {
		recipe->h[c] = jpeg->comp_info[c].h_samp_factor;
		recipe->v[c] = jpeg->comp_info[c].v_samp_factor;
		recipe->table[c] = jpeg->comp_info[c].quant_tbl_no;
	}
	for (unsigned t = 0; t < NUM_QUANT_TBLS; t++)
		for (unsigned i = 0; jpeg->quant_tbl_ptrs[t] && i < DCTSIZE2; i++)
			recipe->tables[t][i] = jpeg->quant_tbl_ptrs[t]->quantval[i];
}

static const char *sampling_name(const struct recipe *recipe)
{
	if (recipe->components == 1)
		return "grey";
	if (recipe->h[0] == 1)
		return recipe->v[0] == 1 ? "4:4:4" : "4:4:0";
	return recipe->v[0] == 1 ? "4:2:2" : "4:2:0";
}

/* Sum of the squared differences of one line. */
static double line_error(const uint8_t *line, const uint8_t *pixels, unsigned width,
			 unsigned components)
{
	double sum = 0;

	for (unsigned x = 0; x < width; x++)
		for (unsigned c = 0; c < components; c++) {
			double difference = line[x * components + c] - pixels[x * 3 + c];

			sum += difference * difference;
		}
	return sum;
}

static double psnr_of(double sum, double samples)
{
	return sum > 0 ? 10 * log10(255.0 * 255.0 * samples / sum) : 99;
}

/* Fills all but verdict->reference. */
static void decode(const uint8_t *data, size_t size, const uint8_t *pixels, unsigned width,
		   unsigned height, struct verdict *verdict, struct recipe *recipe)
{
	struct errors errors;
	struct jpeg_decompress_struct jpeg = { .err = errors_init(&errors) };
	uint8_t *volatile line = NULL;
	double sum = 0;

	if (setjmp(errors.failed))
		goto out;
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, data, size);
	jpeg_read_header(&jpeg, TRUE);
	recipe_take(recipe, &jpeg);
	verdict->width = jpeg.image_width;
	verdict->height = jpeg.image_height;
	snprintf(verdict->sampling, sizeof(verdict->sampling), "%s", sampling_name(recipe));
	jpeg.out_color_space = recipe->components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
	jpeg_start_decompress(&jpeg);
	line = malloc((size_t)jpeg.output_width * 3);
	while (line && jpeg.output_scanline < jpeg.output_height) {
		unsigned y = jpeg.output_scanline;
		JSAMPROW rows[1] = { line };

		jpeg_read_scanlines(&jpeg, rows, 1);
		if (jpeg.output_width == width && y < height)
			sum += line_error(line, pixels + (size_t)y * width * 3, width,
					  recipe->components);
	}
	jpeg_finish_decompress(&jpeg);
	verdict->whole = line && !errors.mgr.num_warnings;
	verdict->psnr = psnr_of(sum, (double)width * height * recipe->components);
out:
	free(line);
	jpeg_destroy_decompress(&jpeg);
}

/* Returns libjpeg's JPEG; the caller frees it. */
static uint8_t *encode(const struct recipe *recipe, const uint8_t *pixels, unsigned width,
		       unsigned height, unsigned long *size)
{
	struct errors errors;
	struct jpeg_compress_struct jpeg = { .err = errors_init(&errors) };
	unsigned char *data = NULL;

	if (setjmp(errors.failed))
		abort(); /* libjpeg has no reason to fail */
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &data, size);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_YCbCr;
	jpeg_set_defaults(&jpeg);
	if (recipe->components == 1)
		jpeg_set_colorspace(&jpeg, JCS_GRAYSCALE);
	for (int t = 0; t < NUM_QUANT_TBLS; t++)
		if (recipe->tables[t][0])
			jpeg_add_quant_table(&jpeg, t, recipe->tables[t], 100, TRUE);
	for (unsigned c = 0; c < recipe->components; c++) {
		jpeg.comp_info[c].h_samp_factor = recipe->h[c];
		jpeg.comp_info[c].v_samp_factor = recipe->v[c];
		jpeg.comp_info[c].quant_tbl_no = recipe->table[c];
	}
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < height) {
		JSAMPROW rows[1] = { (JSAMPROW)(pixels + (size_t)jpeg.next_scanline * width * 3) };

		jpeg_write_scanlines(&jpeg, rows, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	return data;
}

struct verdict judge_jpeg(const uint8_t *data, size_t size, const uint8_t *pixels, unsigned width,
			  unsigned height)
{
	struct verdict verdict = { .whole = false }, reference = { .whole = false };
	struct recipe recipe = { 0 }, ignored = { 0 };
	unsigned long reference_size = 0;
	uint8_t *reference_data;

	decode(data, size, pixels, width, height, &verdict, &recipe);
	if (!verdict.whole || verdict.width != width || verdict.height != height)
		return verdict;
	reference_data = encode(&recipe, pixels, width, height, &reference_size);
	decode(reference_data, reference_size, pixels, width, height, &reference, &ignored);
	free(reference_data);
	verdict.reference = reference.psnr;
	return verdict;
}
