/* SPDX-License-Identifier: MIT */
#include "pixels/jpeg.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/macros.h"
#include "pixels/write.h"

#define SCANS_MAX 100 /* of a progressive JPEG; each goes over the whole picture */

struct decoder {
	struct jpeg_decompress_struct dec;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf failed;
	int err; /* why @failed was jumped to */
};

static struct decoder *decoder_of(j_common_ptr common)
{
	return container_of((struct jpeg_decompress_struct *)common, struct decoder, dec);
}

/* --- Errors: libjpeg's way out is a jump -------------------------------------------- */

static void decoder_fail(j_common_ptr common, int err)
{
	struct decoder *decoder = decoder_of(common);

	decoder->err = err;
	longjmp(decoder->failed, 1);
}

static void decoder_error_exit(j_common_ptr common)
{
	int code = common->err->msg_code;

	decoder_fail(common, code == JERR_OUT_OF_MEMORY	     ? -ENOMEM :
			     code == JERR_CONVERSION_NOTIMPL ? -ENOTSUP :
							       -EBADMSG);
}

/* libjpeg goes on after damage and invents pixels. Bytes between segments are no damage. */
static void decoder_emit(j_common_ptr common, int level)
{
	if (level < 0 && common->err->msg_code != JWRN_EXTRANEOUS_DATA &&
	    common->err->msg_code != JWRN_ADOBE_XFORM && common->err->msg_code != JWRN_JFIF_MAJOR)
		decoder_fail(common, -EBADMSG);
}

static void decoder_be_quiet(j_common_ptr common)
{
	(void)common; /* the caller logs, where the device is known */
}

static void decoder_watch(j_common_ptr common)
{
	if (((j_decompress_ptr)common)->input_scan_number > SCANS_MAX)
		decoder_fail(common, -EBADMSG);
}

/* --- Decoding ------------------------------------------------------------------------- */

static struct decoder *decoder_create(void)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->dec.err = jpeg_std_error(&decoder->errors);
	decoder->errors.error_exit = decoder_error_exit;
	decoder->errors.emit_message = decoder_emit;
	decoder->errors.output_message = decoder_be_quiet;
	decoder->progress.progress_monitor = decoder_watch;
	return decoder;
}

static void decoder_destroy(struct decoder *decoder)
{
	if (decoder)
		jpeg_destroy_decompress(&decoder->dec);
	free(decoder);
}

static void decoder_open(struct decoder *decoder, const uint8_t *data, size_t size, uint32_t width,
			 uint32_t height)
{
	struct jpeg_decompress_struct *dec = &decoder->dec;

	jpeg_create_decompress(dec);
	dec->progress = &decoder->progress;
	jpeg_mem_src(dec, data, size);
	(void)jpeg_read_header(dec, TRUE);
	if (dec->image_width != width || dec->image_height != height)
		decoder_fail((j_common_ptr)dec, -EBADMSG);
}

static void decoder_begin(struct decoder *decoder, const struct glint_pixels_jpeg *jpeg)
{
	struct jpeg_decompress_struct *dec = &decoder->dec;

	decoder_open(decoder, jpeg->data, jpeg->size, jpeg->width, jpeg->height);
	dec->out_color_space = jpeg->grey ? JCS_GRAYSCALE : JCS_EXT_RGB;
	dec->dct_method = JDCT_ISLOW;
	dec->scale_num = 1;
	dec->scale_denom = jpeg->scale;
	jpeg_start_decompress(dec);
}

static void decoder_read(struct decoder *decoder, const struct glint_pixels_jpeg *jpeg,
			 JSAMPARRAY rows)
{
	struct jpeg_decompress_struct *dec = &decoder->dec;
	unsigned n = 0;

	while (dec->output_scanline < jpeg->end) {
		bool wanted = dec->output_scanline >= jpeg->top;

		jpeg_read_scanlines(dec, &rows[n], 1);
		n += wanted;
		if (n < jpeg->band && (n == 0 || dec->output_scanline < jpeg->end))
			continue;
		jpeg->decoded(jpeg->ctx, rows[0], dec->output_width, dec->output_scanline - n);
		n = 0;
	}
	/* What stands behind the last line that is wanted may be damaged. */
	if (dec->output_scanline == dec->output_height)
		jpeg_finish_decompress(dec);
}

int glint_pixels_decode(const struct glint_pixels_jpeg *jpeg)
{
	size_t line = (size_t)jpeg->width * (jpeg->grey ? 1 : 3);
	struct decoder *decoder = decoder_create();
	uint8_t *band = malloc(line * jpeg->band);
	JSAMPROW rows[8];
	int err = -ENOMEM;

	assert(jpeg->band >= 1 && jpeg->band <= ARRAY_SIZE(rows));

	if (!decoder || !band)
		goto out;
	for (unsigned i = 0; i < jpeg->band; i++)
		rows[i] = band + i * line;
	if (!setjmp(decoder->failed)) {
		decoder_begin(decoder, jpeg);
		decoder_read(decoder, jpeg, rows);
	}
	err = decoder->err;
out:
	decoder_destroy(decoder);
	free(band);
	return err;
}

/* --- Planes ------------------------------------------------------------------------------ */

#define MCU_LINES_MAX 16u

/* Planes as the JPEG has them, each line and column up to a whole MCU. */
struct planes {
	uint8_t *block; /* owned */
	uint8_t *base[3];
	uint32_t stride[3], width[3], height[3];
	JSAMPROW rows[3][MCU_LINES_MAX];
};

/* False: a sampling that Y4M has no name for. */
static bool planes_describe(const struct jpeg_decompress_struct *dec, struct glint_y4m *y4m)
{
	const jpeg_component_info *c = dec->comp_info;

	*y4m = (struct glint_y4m){
		.width = dec->image_width,
		.height = dec->image_height,
		.range = GLINT_RANGE_FULL,
		.jpeg = true,
	};
	if (dec->jpeg_color_space == JCS_GRAYSCALE)
		return c[0].h_samp_factor == 1 && c[0].v_samp_factor == 1;
	if (dec->jpeg_color_space != JCS_YCbCr || c[1].h_samp_factor != 1 ||
	    c[1].v_samp_factor != 1 || c[2].h_samp_factor != 1 || c[2].v_samp_factor != 1)
		return false;
	y4m->h_sub = (uint8_t)c[0].h_samp_factor;
	y4m->v_sub = (uint8_t)c[0].v_samp_factor;
	return y4m->h_sub <= 2 && y4m->v_sub <= y4m->h_sub;
}

static bool planes_allocate(struct planes *planes, const struct jpeg_decompress_struct *dec)
{
	size_t size = 0;

	for (int i = 0; i < dec->num_components; i++) {
		const jpeg_component_info *c = &dec->comp_info[i];

		planes->width[i] = c->downsampled_width;
		planes->height[i] = c->downsampled_height;
		planes->stride[i] = c->width_in_blocks * DCTSIZE;
		size += (size_t)planes->stride[i] * (c->height_in_blocks + MCU_LINES_MAX / 8) *
			DCTSIZE;
	}
	assert(size > 0);
	planes->block = malloc(size);
	if (!planes->block)
		return false;
	planes->base[0] = planes->block;
	for (int i = 1; i < dec->num_components; i++)
		planes->base[i] =
			planes->base[i - 1] +
			(size_t)planes->stride[i - 1] *
				(dec->comp_info[i - 1].height_in_blocks + MCU_LINES_MAX / 8) *
				DCTSIZE;
	return true;
}

static void planes_read(struct planes *planes, struct jpeg_decompress_struct *dec)
{
	JSAMPARRAY arrays[3] = { planes->rows[0], planes->rows[1], planes->rows[2] };

	while (dec->output_scanline < dec->output_height) {
		uint32_t mcu = dec->output_scanline / (uint32_t)(dec->max_v_samp_factor * DCTSIZE);

		for (int i = 0; i < dec->num_components; i++) {
			uint32_t lines = (uint32_t)dec->comp_info[i].v_samp_factor * DCTSIZE;

			for (uint32_t k = 0; k < lines; k++)
				planes->rows[i][k] = planes->base[i] +
						     (size_t)(mcu * lines + k) * planes->stride[i];
		}
		jpeg_read_raw_data(dec, arrays, (JDIMENSION)dec->max_v_samp_factor * DCTSIZE);
	}
	jpeg_finish_decompress(dec);
}

/* Lines move to the left and up, in place: what is read lies never before what is written. */
static size_t planes_pack(struct planes *planes, int n)
{
	uint8_t *out = planes->block;

	for (int i = 0; i < n; i++)
		for (uint32_t y = 0; y < planes->height[i]; y++, out += planes->width[i])
			memmove(out, planes->base[i] + (size_t)y * planes->stride[i],
				planes->width[i]);
	return (size_t)(out - planes->block);
}

int glint_pixels_planes(const struct glint_pixels_source *source, struct glint_y4m *y4m,
			uint8_t **out, size_t *size)
{
	struct decoder *decoder = decoder_create();
	struct planes *planes = calloc(1, sizeof(*planes));
	int err = -ENOMEM;

	if (!decoder || !planes)
		goto out;
	if (!setjmp(decoder->failed)) {
		struct jpeg_decompress_struct *dec = &decoder->dec;

		decoder_open(decoder, source->jpeg, source->jpeg_size, source->width,
			     source->height);
		if (!planes_describe(dec, y4m))
			decoder_fail((j_common_ptr)dec, -ENOTSUP);
		dec->raw_data_out = TRUE;
		dec->do_fancy_upsampling = FALSE;
		dec->out_color_space = dec->jpeg_color_space;
		jpeg_start_decompress(dec);
		if (!planes_allocate(planes, dec))
			decoder_fail((j_common_ptr)dec, -ENOMEM);
		planes_read(planes, dec);
	}
	err = decoder->err;
	if (err == 0) {
		*size = planes_pack(planes, decoder->dec.num_components);
		*out = planes->block;
		planes->block = NULL;
	}
out:
	decoder_destroy(decoder);
	if (planes)
		free(planes->block);
	free(planes);
	return err;
}

/* --- Encoding ---------------------------------------------------------------------------- */

struct encoder {
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	unsigned char *data; /* of jpeg_mem_dest() */
	unsigned long size;
};

static void encoder_error_exit(j_common_ptr common)
{
	longjmp(container_of((struct jpeg_compress_struct *)common, struct encoder, enc)->failed,
		1);
}

int glint_pixels_encode(const uint8_t *rgb, uint32_t width, uint32_t height, unsigned quality,
			uint8_t **out, size_t *size)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));
	struct jpeg_compress_struct *enc;

	if (!encoder)
		return -ENOMEM;
	enc = &encoder->enc;
	enc->err = jpeg_std_error(&encoder->errors);
	encoder->errors.error_exit = encoder_error_exit;
	encoder->errors.output_message = decoder_be_quiet;
	if (setjmp(encoder->failed)) {
		int err = encoder->errors.msg_code == JERR_OUT_OF_MEMORY ? -ENOMEM : -ENOTSUP;

		/* A buffer that has grown is a new one, which libjpeg tells only here. */
		if (encoder->data)
			enc->dest->term_destination(enc);
		jpeg_destroy_compress(enc);
		free(encoder->data);
		free(encoder);
		return err;
	}
	jpeg_create_compress(enc);
	jpeg_mem_dest(enc, &encoder->data, &encoder->size);
	enc->image_width = width;
	enc->image_height = height;
	enc->input_components = 3;
	enc->in_color_space = JCS_EXT_RGB;
	jpeg_set_defaults(enc);
	jpeg_set_quality(enc, (int)quality, TRUE);
	jpeg_start_compress(enc, TRUE);
	while (enc->next_scanline < height) {
		JSAMPROW row = (JSAMPROW)rgb + (size_t)enc->next_scanline * width * 3;

		jpeg_write_scanlines(enc, &row, 1);
	}
	jpeg_finish_compress(enc);
	*out = encoder->data;
	*size = encoder->size;
	jpeg_destroy_compress(enc);
	free(encoder);
	return 0;
}
