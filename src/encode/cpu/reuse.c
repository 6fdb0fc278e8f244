/* SPDX-License-Identifier: MIT */
/*
 * Most of a screen is what it was a frame before. An MCU row that has not changed costs a
 * comparison, and its bytes are those of the picture before: each row is a restart interval, so
 * they depend on nothing else.
 *
 * The shadow is a copy of the frame before, in chunks of a cache line. A chunk that equals the
 * chunk above it is not stored: a screen has few others, so most of the comparison is between the
 * frame and one line that stays in the L1 cache. All bytes of a frame are compared.
 *
 * A row is encoded from a copy and not from the source, so that the kept bytes belong to the kept
 * pixels, even if a device writes to the source meanwhile.
 *
 * A row that changes again and again is neither compared nor kept for a while, so that video
 * costs no more than without reuse.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "encode/cpu/internal.h"

#define MISSES_FREE 2 /* in a row, before a row is left alone */
#define MISSES_MAX  7 /* 2^(7 - 2) = 32 frames alone */
#define CHUNK	    64
#define COPIES_MAX  64

struct row {
	size_t offset, size;   /* of its bytes, in what the last call wrote; without a marker */
	size_t room;	       /* of its part of the shadow, whole pages */
	bool kept;	       /* the shadow and the bytes belong together */
	uint8_t misses, alone; /* in a row; frames that are still left out */
	atomic_size_t stored;  /* bytes of its part of the shadow; read for the row before, too */
};

/* Of the source; without a plane its members are 0. */
struct plane {
	size_t bytes;  /* of a line's pixels */
	size_t room;   /* the same in whole chunks */
	size_t stride; /* of a copy's lines */
	size_t words;  /* of a line's marks, a bit for each chunk */
	uint32_t lines, per_row;
};

struct glint_jpegenc_reuse {
	const struct glint_jpegenc *enc;
	struct plane planes[3];
	/* A row's part is as large as the row's pixels; what it does not need is never touched. */
	uint8_t *shadow;
	size_t row_room, page;
	size_t most;
	atomic_size_t used; /* of the shadow */
	/* For each line of a row's planes: which of its chunks are stored. */
	uint64_t *marks;
	size_t row_words;
	/* The lines of a row, for each call that runs at once. */
	uint8_t *copies;
	size_t copy_room, copies_size;
	_Atomic uint64_t free_copies; /* a bit for each */
	struct row rows[];
};

static void find_planes(const struct glint_jpegenc *enc, struct plane planes[3])
{
	const struct glint_jpegenc_config *config = &enc->config;
	bool semi = config->layout == GLINT_JPEGENC_SEMIPLANAR;
	uint32_t chroma = (config->width + config->h_sub - 1) / MAX(config->h_sub, 1u);

	memset(planes, 0, 3 * sizeof(planes[0]));
	planes[0] = (struct plane){
		.bytes = config->width,
		.lines = config->height,
		.per_row = enc->mcu_height,
	};
	if (config->layout == GLINT_JPEGENC_PACKED)
		planes[0].bytes = ((size_t)config->width + 1) / 2 * 4;
	if (config->layout == GLINT_JPEGENC_RGB)
		planes[0].bytes = (size_t)config->width * config->pixel_bytes;
	for (unsigned p = 1; p < (semi					 ? 2u :
				  config->layout == GLINT_JPEGENC_PLANAR ? 3u :
									   1u);
	     p++)
		planes[p] = (struct plane){
			.bytes = (size_t)chroma * (semi ? 2 : 1),
			.lines = (config->height + config->v_sub - 1) / config->v_sub,
			.per_row = enc->mcu_height / config->v_sub,
		};
	for (unsigned p = 0; p < 3; p++) {
		planes[p].room = (planes[p].bytes + CHUNK - 1) / CHUNK * CHUNK;
		/* No power of two: else all lines of a row fall into the same cache sets. */
		planes[p].stride = planes[p].room + (planes[p].room % 4096 == 0 ? CHUNK : 0);
		planes[p].words = (planes[p].room / CHUNK + 63) / 64;
	}
}

static void *map_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int glint_jpegenc_reuse_create(struct glint_jpegenc_reuse **out, const struct glint_jpegenc *enc,
			       size_t most, unsigned threads)
{
	struct glint_jpegenc_reuse *reuse =
		calloc(1, sizeof(*reuse) + enc->rows * sizeof(reuse->rows[0]));

	if (!reuse)
		return -ENOMEM;
	reuse->enc = enc;
	reuse->most = most;
	reuse->page = (size_t)sysconf(_SC_PAGESIZE);
	find_planes(enc, reuse->planes);
	for (unsigned p = 0; p < 3; p++) {
		reuse->copy_room += reuse->planes[p].stride * reuse->planes[p].per_row;
		reuse->row_words += reuse->planes[p].words * reuse->planes[p].per_row;
	}
	reuse->row_room = (reuse->copy_room + reuse->page - 1) / reuse->page * reuse->page;
	threads = MIN(MAX(threads, 1u), (unsigned)COPIES_MAX);
	atomic_init(&reuse->free_copies, UINT64_MAX >> (COPIES_MAX - threads));
	reuse->marks = calloc(enc->rows, reuse->row_words * sizeof(reuse->marks[0]));
	reuse->shadow = map_memory(enc->rows * reuse->row_room);
	reuse->copies_size = threads * reuse->copy_room;
	reuse->copies = map_memory(reuse->copies_size);
	if (!reuse->marks || !reuse->shadow || !reuse->copies) {
		glint_jpegenc_reuse_destroy(reuse);
		return -ENOMEM;
	}
	*out = reuse;
	return 0;
}

void glint_jpegenc_reuse_destroy(struct glint_jpegenc_reuse *reuse)
{
	if (!reuse)
		return;
	if (reuse->shadow)
		munmap(reuse->shadow, reuse->enc->rows * reuse->row_room);
	if (reuse->copies)
		munmap(reuse->copies, reuse->copies_size);
	free(reuse->marks);
	free(reuse);
}

/* --- A row's lines ---------------------------------------------------------------- */

/* Memory for the lines of a row. NULL: more calls run at once than was said. */
static uint8_t *take_copy(struct glint_jpegenc_reuse *reuse)
{
	uint64_t all = atomic_load(&reuse->free_copies);

	while (all != 0)
		if (atomic_compare_exchange_weak(&reuse->free_copies, &all, all & (all - 1)))
			return reuse->copies + (size_t)__builtin_ctzll(all) * reuse->copy_room;
	return NULL;
}

static void give_copy(struct glint_jpegenc_reuse *reuse, const uint8_t *copy)
{
	size_t i = (size_t)(copy - reuse->copies) / reuse->copy_room;

	atomic_fetch_or(&reuse->free_copies, UINT64_C(1) << i);
}

static const uint8_t **lines_of(struct lines *lines, unsigned plane)
{
	return plane == 0 ? lines->luma : lines->chroma[plane - 1];
}

/* How many lines of @plane are in MCU row @number: fewer at the bottom. */
static uint32_t count_lines(const struct plane *plane, uint32_t number)
{
	uint32_t first = number * plane->per_row;

	return first < plane->lines ? MIN(plane->lines - first, plane->per_row) : 0;
}

/* Copy the lines of row @number to @copy, whole chunks, and make @lines point there. */
static void copy_lines(const struct glint_jpegenc_reuse *reuse, uint32_t number,
		       struct lines *lines, uint8_t *copy)
{
	for (unsigned p = 0; p < 3; p++) {
		const struct plane *plane = &reuse->planes[p];
		uint32_t n = count_lines(plane, number);

		for (uint32_t y = 0; y < plane->per_row && n > 0; y++) {
			uint8_t *to = copy + MIN(y, n - 1) * plane->stride;

			if (y < n) {
				memcpy(to, lines_of(lines, p)[y], plane->bytes);
				memset(to + plane->bytes, 0, plane->room - plane->bytes);
			}
			lines_of(lines, p)[y] = to;
		}
		copy += plane->stride * plane->per_row;
	}
}

/* --- The shadow ------------------------------------------------------------------------ */

/* The first @n bits. */
static uint64_t first_bits(size_t n)
{
	return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* Mark the chunks of @line that differ from the line above, all without one. Returns how many. */
static size_t mark_line(const struct glint_jpegenc_reuse *reuse, const struct plane *plane,
			const uint8_t *line, const uint8_t *above, uint64_t *marks)
{
	size_t chunks = plane->room / CHUNK, marked = 0;

	for (size_t at = 0; at < chunks; at += 64) {
		size_t n = MIN(chunks - at, (size_t)64);

		*marks = first_bits(n);
		if (above)
			*marks = reuse->enc->engine->differ(line + at * CHUNK, above + at * CHUNK,
							    n);
		marked += (size_t)__builtin_popcountll(*marks++);
	}
	return marked;
}

/* Keep the chunks of @line that are marked. Returns where the next are kept. */
static uint8_t *store_chunks(const struct plane *plane, const uint8_t *line, const uint64_t *marks,
			     uint8_t *stored)
{
	for (size_t w = 0; w < plane->words; w++, line += 64 * CHUNK)
		for (uint64_t left = marks[w]; left != 0; left &= left - 1) {
			memcpy(stored, line + (size_t)__builtin_ctzll(left) * CHUNK, CHUNK);
			stored += CHUNK;
		}
	return stored;
}

/* Make @line, which is the line above, the next one. Returns where the next chunks are. */
static const uint8_t *load_chunks(const struct plane *plane, uint8_t *line, const uint64_t *marks,
				  const uint8_t *stored)
{
	for (size_t w = 0; w < plane->words; w++, line += 64 * CHUNK)
		for (uint64_t left = marks[w]; left != 0; left &= left - 1) {
			memcpy(line + (size_t)__builtin_ctzll(left) * CHUNK, stored, CHUNK);
			stored += CHUNK;
		}
	return stored;
}

/* Make room for @size bytes of a row, and give back what is far more. False: too much is kept. */
static bool row_reserve(struct glint_jpegenc_reuse *reuse, struct row *row, uint8_t *at,
			size_t size)
{
	size_t room = (size + reuse->page - 1) / reuse->page * reuse->page;

	if (room > row->room) {
		size_t more = room - row->room;

		if (atomic_fetch_add(&reuse->used, more) + more > reuse->most) {
			atomic_fetch_sub(&reuse->used, more);
			return false;
		}
		row->room = room;
	} else if (room < row->room / 2 &&
		   madvise(at + room, row->room - room, MADV_DONTNEED) == 0) {
		atomic_fetch_sub(&reuse->used, row->room - room);
		row->room = room;
	}
	return true;
}

/* Keep the lines of row @number, which are a copy. False: there is no room. */
static bool row_store(struct glint_jpegenc_reuse *reuse, uint32_t number, struct lines *lines)
{
	uint8_t *at = reuse->shadow + number * reuse->row_room;
	uint64_t *first = reuse->marks + number * reuse->row_words, *marks = first;
	size_t n = 0;

	for (unsigned p = 0; p < 3; p++)
		for (uint32_t y = 0; y < count_lines(&reuse->planes[p], number); y++) {
			const uint8_t **line = lines_of(lines, p) + y;

			n += mark_line(reuse, &reuse->planes[p], line[0], y > 0 ? line[-1] : NULL,
				       marks);
			marks += reuse->planes[p].words;
		}
	if (!row_reserve(reuse, &reuse->rows[number], at, n * CHUNK))
		return false;
	atomic_store_explicit(&reuse->rows[number].stored, n * CHUNK, memory_order_relaxed);
	marks = first;
	for (unsigned p = 0; p < 3; p++)
		for (uint32_t y = 0; y < count_lines(&reuse->planes[p], number); y++) {
			at = store_chunks(&reuse->planes[p], lines_of(lines, p)[y], marks, at);
			marks += reuse->planes[p].words;
		}
	return true;
}

/* Whether all chunks of a line are stored. */
static bool is_whole(const struct plane *plane, const uint64_t *marks)
{
	size_t chunks = plane->room / CHUNK;

	for (size_t at = 0; at < chunks; at += 64)
		if (*marks++ != first_bits(chunks - at))
			return false;
	return true;
}

/*
 * What is read for the row after @number, while this row is compared: its part of the shadow, and
 * a byte of each page of its lines, because a page's first access costs as much as several lines
 * of cache.
 */
struct ahead {
	const uint8_t *at; /* of the shadow */
	size_t left, step; /* bytes of it; of them, for each line of this row */
	bool lines;
};

static struct ahead ahead_of(const struct glint_jpegenc_reuse *reuse, uint32_t number)
{
	struct ahead ahead = { .at = reuse->shadow + number * reuse->row_room };
	size_t lines = 1;

	if (number + 1 == reuse->enc->rows)
		return ahead;
	for (unsigned p = 0; p < 3; p++)
		lines += count_lines(&reuse->planes[p], number);
	ahead.at += reuse->row_room;
	ahead.left = atomic_load_explicit(&reuse->rows[number + 1].stored, memory_order_relaxed);
	ahead.step = (ahead.left / lines + CHUNK) / CHUNK * CHUNK;
	ahead.lines = true;
	return ahead;
}

static void ahead_prefetch(struct ahead *ahead, const uint8_t *line, ptrdiff_t to_next_row)
{
	size_t n = MIN(ahead->step, ahead->left);

	for (size_t at = 0; at < n; at += CHUNK)
		__builtin_prefetch(ahead->at + at);
	ahead->at += n;
	ahead->left -= n;
	if (ahead->lines)
		__builtin_prefetch(line + to_next_row);
}

/* Compare each byte of row @number with the shadow; @line: memory for a line. */
static bool row_is_equal(const struct glint_jpegenc_reuse *reuse, uint32_t number,
			 struct lines *lines, uint8_t *line)
{
	bool (*equal)(const uint8_t *a, const uint8_t *b, size_t n) = reuse->enc->engine->equal;
	const uint8_t *stored = reuse->shadow + number * reuse->row_room;
	const uint64_t *marks = reuse->marks + number * reuse->row_words;
	struct ahead ahead = ahead_of(reuse, number);

	for (unsigned p = 0; p < 3; p++) {
		const struct plane *plane = &reuse->planes[p];
		const uint8_t **at = lines_of(lines, p);
		uint32_t n = count_lines(plane, number);
		bool whole = n > 0 && is_whole(plane, marks);
		ptrdiff_t to_next_row = n > 1 ? (at[1] - at[0]) * (ptrdiff_t)n : 0;

		for (uint32_t y = 0; y < n; y++) {
			const uint64_t *next = marks + plane->words;
			const uint8_t *kept = line;
			bool next_whole = y + 1 < n && is_whole(plane, next);

			ahead_prefetch(&ahead, at[y], to_next_row);
			/* The next line may need this one. */
			if (whole && (next_whole || y + 1 == n)) {
				kept = stored;
				stored += plane->room;
			} else {
				stored = load_chunks(plane, line, marks, stored);
			}
			if (!equal(kept, at[y], plane->bytes))
				return false;
			marks = next;
			whole = next_whole;
		}
	}
	return true;
}

/* --- A row ----------------------------------------------------------------------------- */

/* Decide about a row that has changed: true if the row is kept this time. */
static bool row_miss(struct row *row)
{
	if (row->kept) {
		row->misses = (uint8_t)MIN(row->misses + 1, MISSES_MAX);
		row->alone = row->misses > MISSES_FREE ?
				     (uint8_t)(1u << (row->misses - MISSES_FREE)) :
				     0;
	}
	row->kept = false;
	atomic_store_explicit(&row->stored, 0, memory_order_relaxed);
	if (row->alone == 0)
		return true;
	row->alone--;
	return false;
}

static int row_encode(struct glint_jpegenc_reuse *reuse, uint32_t number, struct lines *lines,
		      uint8_t *copy, struct glint_jpegenc_output *out)
{
	struct row *row = &reuse->rows[number];

	if (copy && row_miss(row)) {
		copy_lines(reuse, number, lines, copy);
		row->kept = row_store(reuse, number, lines);
		if (!row->kept)
			row->alone = 1u << (MISSES_MAX - MISSES_FREE);
	}
	return glint_jpegenc_scan_lines(reuse->enc, lines, out);
}

static int append(struct glint_jpegenc_output *out, const uint8_t *bytes, size_t size)
{
	if (!glint_jpegenc_output_has_room(out, size))
		return -ENOMEM;
	memcpy(out->data + out->size, bytes, size);
	out->size += size;
	return 0;
}

/* --- Rows ------------------------------------------------------------------------------ */

static int append_marker(struct glint_jpegenc_output *out, uint32_t row)
{
	const uint8_t marker[] = { 0xff, (uint8_t)(0xd0 + row % 8) };

	return append(out, marker, sizeof(marker));
}

static int scan_anew(const struct glint_jpegenc *enc, const struct glint_jpegenc_source *source,
		     uint32_t first, uint32_t count, struct glint_jpegenc_output *out)
{
	int err = 0;

	for (uint32_t row = first; row < first + count && err == 0; row++) {
		err = glint_jpegenc_scan(enc, source, row, 1, out);
		if (err == 0 && row + 1 < first + count)
			err = append_marker(out, row);
	}
	return err;
}

/* Nothing is written as long as all rows are those of @before. */
static int scan_again(struct glint_jpegenc_reuse *reuse, const struct glint_jpegenc_source *source,
		      uint32_t first, uint32_t count, const uint8_t *before, uint8_t *copy,
		      struct glint_jpegenc_output *out, uint32_t *reused)
{
	size_t begin = out->size;
	bool writes = false;
	int err = 0;

	for (uint32_t number = first; number < first + count && err == 0; number++) {
		struct row *row = &reuse->rows[number];
		struct lines lines;
		bool equal;

		glint_jpegenc_find_lines(reuse->enc, source, number, &lines);
		row->kept = row->kept && before && copy;
		equal = row->kept && row_is_equal(reuse, number, &lines, copy);
		*reused += equal;
		if (equal)
			row->misses = 0;
		if (equal && !writes)
			continue;
		if (!writes && number > first)
			err = append(out, before, row->offset);
		writes = true;
		if (err == 0 && equal) {
			size_t at = row->offset;

			row->offset = out->size - begin;
			err = append(out, before + at, row->size);
		} else if (err == 0) {
			row->offset = out->size - begin;
			err = row_encode(reuse, number, &lines, copy, out);
			row->size = out->size - begin - row->offset;
		}
		if (err == 0 && number + 1 < first + count)
			err = append_marker(out, number);
	}
	return err;
}

int glint_jpegenc_scan_rows(const struct glint_jpegenc *enc, struct glint_jpegenc_reuse *reuse,
			    const struct glint_jpegenc_source *source, uint32_t first,
			    uint32_t count, const uint8_t *before, struct glint_jpegenc_output *out,
			    uint32_t *reused)
{
	uint8_t *copy;
	int err;

	*reused = 0;
	if (!reuse)
		return scan_anew(enc, source, first, count, out);
	copy = take_copy(reuse);
	err = scan_again(reuse, source, first, count, before, copy, out, reused);
	if (copy)
		give_copy(reuse, copy);
	return err;
}
