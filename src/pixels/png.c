/* SPDX-License-Identifier: MIT */
#include "pixels/png.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "base/dlopen_note.h"
#include "base/library.h"
#include "base/macros.h"

#define LIBRARY "libisal.so.2"

#define STRIP_MIN  (128u << 10)
#define STORED_MAX 65535u /* bytes of a stored block, which has 5 bytes before it */
#define FILTER_SUB 1
#define ADLER_BASE 65521u

static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
static const uint8_t zlib_head[2] = { 0x78, 0x01 }; /* window of 32 KiB, fastest level */

/* --- ISA-L ------------------------------------------------------------------------------- */

#define FUNCTIONS(X)                                                                               \
	X(crc32_gzip_refl)                                                                         \
	X(isal_adler32)                                                                            \
	X(isal_deflate_stateless)                                                                  \
	X(isal_deflate_stateless_init)

GLINT_DLOPEN_NOTE("png-writing", "PNGs of frames", "recommended", LIBRARY);
GLINT_LIBRARY(isal, FUNCTIONS, LIBRARY, "there are no PNGs of frames")

/* --- Chunks ----------------------------------------------------------------------------- */

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
	return at + 4;
}

/* The chunk's data are at @at + 8 already. Returns the chunk's end. */
static uint8_t *close_chunk(uint8_t *at, const char type[4], size_t size)
{
	put_u32(at, (uint32_t)size);
	memcpy(at + 4, type, 4);
	return put_u32(at + 8 + size, isal.crc32_gzip_refl(0, at + 4, size + 4));
}

static uint8_t *put_head(uint8_t *at, const struct glint_pixels_wish *wish)
{
	uint8_t *data = at + sizeof(signature) + 8;

	memcpy(at, signature, sizeof(signature));
	data = put_u32(data, glint_pixels_width(wish));
	data = put_u32(data, glint_pixels_height(wish));
	*data++ = 8; /* bits a sample */
	*data++ = wish->kind == GLINT_PIXELS_GREY ? 0 : 2;
	*data++ = 0; /* deflate */
	*data++ = 0; /* the filters that there are */
	*data++ = 0; /* not interlaced */
	return close_chunk(at + sizeof(signature), "IHDR", 13);
}

/* --- Sizes -------------------------------------------------------------------------------- */

static size_t filtered_line(const struct glint_pixels_wish *wish)
{
	return 1 + (size_t)glint_pixels_width(wish) * glint_pixels_bytes(wish->kind);
}

/* Bytes that compress to no more than this: the head, and stored blocks at worst. */
static size_t compressed_max(size_t filtered)
{
	return 128 + filtered + (filtered / STORED_MAX + 2) * 5;
}

unsigned glint_png_strips(const struct glint_pixels_wish *wish, unsigned most)
{
	size_t strips = filtered_line(wish) * glint_pixels_height(wish) / STRIP_MIN;

	/* A strip has a line, because the whole has so many bytes only with long or many lines. */
	strips = MIN(strips, (size_t)most);
	return (unsigned)MIN(MAX(strips, (size_t)1), (size_t)glint_pixels_height(wish));
}

/* --- Strips ------------------------------------------------------------------------------- */

/* A larger block is freed after its strip. */
#define WORK_KEPT_MAX ((size_t)2 << 20)

/*
 * What compressing a strip needs, as one block. Each thread keeps its last one: a block from the
 * kernel costs hundreds of page faults, which take longer than compressing.
 */
struct work {
	size_t room; /* bytes of the whole block */
	struct isal_zstream stream;
	uint8_t level[ISAL_DEF_LVL1_DEFAULT];
	uint8_t bytes[]; /* a line of pixels, then the filtered lines */
};

static pthread_key_t kept;
static bool keeps; /* the system had a key for us */

static void make_key(void)
{
	keeps = pthread_key_create(&kept, free) == 0;
}

/* NULL: no memory. */
static struct work *work_take(size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct work *work;

	(void)pthread_once(&once, make_key);
	work = keeps ? pthread_getspecific(kept) : NULL;
	if (work && work->room >= size) {
		(void)pthread_setspecific(kept, NULL);
		return work;
	}
	work = malloc(size);
	if (work)
		work->room = size;
	return work;
}

static void work_give_back(struct work *work)
{
	if (!work)
		return;
	if (keeps && work->room <= WORK_KEPT_MAX) {
		free(pthread_getspecific(kept));
		if (pthread_setspecific(kept, work) == 0)
			return;
		(void)pthread_setspecific(kept, NULL);
	}
	free(work);
}

static void filter_line(uint8_t *restrict out, const uint8_t *restrict line, size_t n,
			unsigned bytes)
{
	*out++ = FILTER_SUB;
	memcpy(out, line, bytes);
	for (size_t i = bytes; i < n; i++)
		out[i] = (uint8_t)(line[i] - line[i - bytes]);
}

static int read_lines(struct work *work, const struct glint_pixels_source *source,
		      const struct glint_pixels_wish *wish, uint32_t first, uint32_t count)
{
	unsigned bytes = glint_pixels_bytes(wish->kind);
	size_t line = filtered_line(wish) - 1;
	uint8_t *out = work->bytes + line;

	for (uint32_t i = 0; i < count; i++, out += line + 1) {
		int err = glint_pixels_read(source, wish, first + i, 1, work->bytes, line);

		if (err < 0)
			return err;
		filter_line(out, work->bytes, line, bytes);
	}
	return 0;
}

/* All strips but the last end with a whole byte and without an end of the stream. */
static size_t compress_lines(struct work *work, const uint8_t *in, size_t n, bool last,
			     uint8_t *out, size_t room)
{
	struct isal_zstream *stream = &work->stream;

	assert(n > 0 && n <= UINT32_MAX && room <= UINT32_MAX); /* ISA-L counts in 32 bits */

	isal.isal_deflate_stateless_init(stream);
	stream->level = 1;
	stream->level_buf = work->level;
	stream->level_buf_size = sizeof(work->level);
	stream->flush = last ? NO_FLUSH : FULL_FLUSH;
	stream->end_of_stream = last;
	stream->next_in = (uint8_t *)in;
	stream->avail_in = (uint32_t)n;
	stream->next_out = out;
	stream->avail_out = (uint32_t)room;
	if (isal.isal_deflate_stateless(stream) != COMP_OK)
		return 0;
	return stream->total_out;
}

int glint_png_strip(struct glint_png_strip *strip, const struct glint_pixels_source *source,
		    const struct glint_pixels_wish *wish, unsigned index, unsigned count)
{
	uint32_t height = glint_pixels_height(wish);
	uint32_t first = (uint32_t)((uint64_t)height * index / count);
	uint32_t lines = (uint32_t)((uint64_t)height * (index + 1) / count) - first;
	size_t line = filtered_line(wish), filtered = line * lines, room = compressed_max(filtered);
	struct work *work;
	uint8_t *data, *at, *chunk, *fit;
	int err = -ENOMEM;
	size_t size;

	assert(index < count && count <= height && wish->kind != GLINT_PIXELS_BGR24);

	memset(strip, 0, sizeof(*strip));
	if (!isal_load())
		return -ELIBACC;
	work = work_take(sizeof(*work) + line - 1 + filtered);
	data = at = malloc(room);
	if (!work || !data)
		goto free_all;
	err = read_lines(work, source, wish, first, lines);
	if (err < 0)
		goto free_all;

	if (index == 0)
		at = put_head(at, wish);
	chunk = at;
	at += 8;
	if (index == 0) {
		memcpy(at, zlib_head, sizeof(zlib_head));
		at += sizeof(zlib_head);
	}
	size = compress_lines(work, work->bytes + line - 1, filtered, index + 1 == count, at,
			      room - (size_t)(at - data) - 4);
	assert(size > 0); /* stored blocks always fit */
	at = close_chunk(chunk, "IDAT", (size_t)(at - chunk) - 8 + size);

	strip->adler = isal.isal_adler32(1, work->bytes + line - 1, filtered);
	strip->filtered = filtered;
	strip->size = (size_t)(at - data);
	fit = realloc(data, strip->size);
	strip->data = fit ? fit : data;
	work_give_back(work);
	return 0;

free_all:
	free(data);
	work_give_back(work);
	return err;
}

/* The checksum of two pieces, from those of each. RFC 1950, 8.2: two sums modulo 65521. */
static uint32_t join_adler(uint32_t a, uint32_t b, uint64_t b_size)
{
	uint32_t n = (uint32_t)(b_size % ADLER_BASE), a1 = a & 0xffff, b1 = b & 0xffff;
	/* The second piece began with 1 instead of a1: n times that, and once. */
	uint32_t first = (a1 + b1 + ADLER_BASE - 1) % ADLER_BASE;
	uint64_t second = (uint64_t)n * (a1 + ADLER_BASE - 1) + (a >> 16) + (b >> 16);

	return (uint32_t)(second % ADLER_BASE) << 16 | first;
}

size_t glint_png_end(const struct glint_png_strip *strips, unsigned count,
		     uint8_t out[static GLINT_PNG_END_MAX])
{
	uint32_t adler = 1;
	uint8_t *at = out;

	assert(count > 0);

	for (unsigned i = 0; i < count; i++)
		adler = join_adler(adler, strips[i].adler, strips[i].filtered);
	put_u32(at + 8, adler);
	at = close_chunk(at, "IDAT", 4);
	at = close_chunk(at, "IEND", 0);
	return (size_t)(at - out);
}
