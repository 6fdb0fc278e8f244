/* SPDX-License-Identifier: MIT */
#include "encode/turbo.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/macros.h"
#include "encode/bytes.h"
#include "encode/rows.h"
#include "jpeg/inspect.h"

#define ALIGNMENT      64u /* a cache line, and more than the widest vector that libjpeg loads */
#define CAPACITY_FIRST (256u << 10) /* bytes; pages that are not written cost nothing */

/*
 * The memory that libjpeg needs for one picture. libjpeg itself allocates it anew for each
 * picture; here one block, as large as the largest picture so far needed, serves all pictures.
 */
struct memory {
	void *(*alloc_small)(j_common_ptr codec, int pool, size_t size); /* libjpeg's */
	void *(*alloc_large)(j_common_ptr codec, int pool, size_t size);
	void (*free_pool)(j_common_ptr codec, int pool);
	uint8_t *block; /* owned */
	size_t size, used;
	size_t wanted; /* by the present picture, whether there was room or not */
};

struct glint_turbo {
	struct jpeg_compress_struct enc;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr dest;
	struct memory memory;
	struct glint_bytes *out; /* of the slice under way */
	jmp_buf failed;
};

static struct glint_turbo *turbo_of(j_common_ptr common)
{
	return container_of((struct jpeg_compress_struct *)common, struct glint_turbo, enc);
}

/* --- Errors: libjpeg's way out is a jump ------------------------------------------ */

static void turbo_error_exit(j_common_ptr common)
{
	longjmp(turbo_of(common)->failed, 1);
}

static void turbo_be_quiet(j_common_ptr common)
{
	(void)common; /* the caller logs, where the device is known */
}

/* --- Memory -------------------------------------------------------------------------- */

static struct memory *memory_of(j_common_ptr codec)
{
	return codec->client_data;
}

/* NULL: it is not of a picture, or there is no room. */
static void *memory_take(struct memory *memory, int pool, size_t size)
{
	size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	void *at;

	assert(memory->used <= memory->size);

	if (pool != JPOOL_IMAGE || whole < size)
		return NULL;
	memory->wanted += whole;
	if (whole > memory->size - memory->used)
		return NULL;
	at = memory->block + memory->used;
	memory->used += whole;
	return at;
}

static void *alloc_small(j_common_ptr codec, int pool, size_t size)
{
	void *at = memory_take(memory_of(codec), pool, size);

	return at ? at : memory_of(codec)->alloc_small(codec, pool, size);
}

static void *alloc_large(j_common_ptr codec, int pool, size_t size)
{
	void *at = memory_take(memory_of(codec), pool, size);

	return at ? at : memory_of(codec)->alloc_large(codec, pool, size);
}

/* Without memory, libjpeg allocates for the next picture itself, too. */
static void memory_grow(struct memory *memory)
{
	uint8_t *block = aligned_alloc(ALIGNMENT, memory->wanted);

	if (!block)
		return;
	free(memory->block);
	memory->block = block;
	memory->size = memory->wanted;
}

/* The picture is done, or given up: the time to make room for another of its kind. */
static void free_pool(j_common_ptr codec, int pool)
{
	struct memory *memory = memory_of(codec);

	memory->free_pool(codec, pool);
	if (pool != JPOOL_IMAGE)
		return;
	if (memory->wanted > memory->size)
		memory_grow(memory);
	memory->used = memory->wanted = 0;
}

/* Replace the memory manager of @codec, whose client_data becomes @memory. */
static void memory_attach(struct memory *memory, j_common_ptr codec)
{
	struct jpeg_memory_mgr *manager = codec->mem;

	*memory = (struct memory){
		.alloc_small = manager->alloc_small,
		.alloc_large = manager->alloc_large,
		.free_pool = manager->free_pool,
	};
	codec->client_data = memory;
	manager->alloc_small = alloc_small;
	manager->alloc_large = alloc_large;
	manager->free_pool = free_pool;
}

/* The codec is destroyed already, or was never made. */
static void memory_fini(struct memory *memory)
{
	free(memory->block);
	*memory = (struct memory){ 0 };
}

/* --- Destination --------------------------------------------------------------------- */

static void dest_point(struct glint_turbo *turbo, size_t used)
{
	assert(used <= turbo->out->capacity);

	turbo->dest.next_output_byte = turbo->out->data + used;
	turbo->dest.free_in_buffer = turbo->out->capacity - used;
}

static void dest_init(j_compress_ptr enc)
{
	dest_point(turbo_of((j_common_ptr)enc), 0);
}

/* Full: libjpeg means the whole buffer, whatever free_in_buffer says. Not in steady state. */
static boolean dest_empty(j_compress_ptr enc)
{
	struct glint_turbo *turbo = turbo_of((j_common_ptr)enc);
	size_t used = turbo->out->capacity;

	if (!glint_bytes_reserve(turbo->out, used * 2))
		longjmp(turbo->failed, 1);
	dest_point(turbo, used);
	return TRUE;
}

static void dest_term(j_compress_ptr enc)
{
	struct glint_turbo *turbo = turbo_of((j_common_ptr)enc);

	turbo->out->size = turbo->out->capacity - turbo->dest.free_in_buffer;
}

/* --- Life ------------------------------------------------------------------------------ */

int glint_turbo_create(struct glint_turbo **out)
{
	struct glint_turbo *turbo = calloc(1, sizeof(*turbo));

	if (!turbo)
		return -ENOMEM;
	turbo->enc.err = jpeg_std_error(&turbo->errors);
	turbo->errors.error_exit = turbo_error_exit;
	turbo->errors.output_message = turbo_be_quiet;
	if (setjmp(turbo->failed)) {
		jpeg_destroy_compress(&turbo->enc);
		free(turbo);
		return -ENOMEM;
	}
	jpeg_create_compress(&turbo->enc);
	memory_attach(&turbo->memory, (j_common_ptr)&turbo->enc);
	turbo->dest.init_destination = dest_init;
	turbo->dest.empty_output_buffer = dest_empty;
	turbo->dest.term_destination = dest_term;
	turbo->enc.dest = &turbo->dest;
	*out = turbo;
	return 0;
}

void glint_turbo_destroy(struct glint_turbo *turbo)
{
	if (!turbo)
		return;
	jpeg_destroy_compress(&turbo->enc);
	memory_fini(&turbo->memory);
	free(turbo);
}

/* --- Configuring ------------------------------------------------------------------------- */

int glint_turbo_configure(struct glint_turbo *turbo, unsigned quality, enum glint_sampling sampling)
{
	struct jpeg_compress_struct *enc = &turbo->enc;
	bool grey = sampling == GLINT_SAMPLING_GREY;

	assert(quality >= 1 && quality <= 100);

	if (setjmp(turbo->failed)) /* libjpeg allocates its tables */
		return -ENOMEM;
	enc->input_components = grey ? 1 : 3;
	enc->in_color_space = grey ? JCS_GRAYSCALE : JCS_YCbCr;
	jpeg_set_defaults(enc);
	jpeg_set_quality(enc, (int)quality, TRUE);
	enc->raw_data_in = TRUE;
	enc->write_JFIF_header = FALSE;
	enc->dct_method = JDCT_ISLOW;
	enc->comp_info[0].h_samp_factor = (int)glint_sampling_mcu_width(sampling) / 8;
	enc->comp_info[0].v_samp_factor = (int)glint_sampling_mcu_height(sampling) / 8;
	return 0;
}

void glint_turbo_quant(const struct glint_turbo *turbo, uint8_t quant[2][64])
{
	static const uint8_t zigzag[64] = {
		0,  1,	8,  16, 9,  2,	3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
		12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,	7,  14, 21, 28,
		35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
		58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	};

	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < 64; i++)
			quant[t][i] = (uint8_t)turbo->enc.quant_tbl_ptrs[t]->quantval[zigzag[i]];
}

/* --- Encoding ------------------------------------------------------------------------------ */

static void turbo_begin(struct glint_turbo *turbo, const struct glint_rows *rows, uint32_t count)
{
	struct jpeg_compress_struct *enc = &turbo->enc;

	enc->image_width = rows->format->width;
	/* Whole MCU rows: what is below the picture's last line is repeated anyway. */
	enc->image_height = count * glint_sampling_mcu_height(rows->sampling);
	jpeg_suppress_tables(enc, TRUE);
	jpeg_start_compress(enc, FALSE);
}

int glint_turbo_slice(struct glint_turbo *turbo, struct glint_rows *rows,
		      const struct glint_view *view, uint32_t first, uint32_t count,
		      struct glint_bytes *out)
{
	JSAMPARRAY planes[3] = { rows->luma, rows->cb, rows->cr };
	unsigned lines = glint_sampling_mcu_height(rows->sampling);

	assert(count > 0 && count * lines <= JPEG_MAX_DIMENSION);

	out->size = out->begin = 0;
	if (!glint_bytes_reserve(out, CAPACITY_FIRST))
		return -ENOMEM;
	turbo->out = out;
	if (setjmp(turbo->failed)) {
		jpeg_abort_compress(&turbo->enc);
		return -EIO;
	}
	turbo_begin(turbo, rows, count);
	for (uint32_t i = 0; i < count; i++) {
		glint_rows_read(rows, view, first + i);
		jpeg_write_raw_data(&turbo->enc, planes, lines);
	}
	jpeg_finish_compress(&turbo->enc);
	/* The packet has a header of its own. */
	return glint_jpeg_find_scan(out->data, out->size, &out->begin) < 0 ? -EIO : 0;
}
