/* SPDX-License-Identifier: MIT */
#include "jpeg/inspect.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "jpeg/markers.h"

#define COMPONENTS_MAX 4
#define TABLES_MAX     4

struct component {
	uint8_t id, h, v, table;
};

/* The picture that glint_jpeg_inspect() reads. */
struct picture {
	const uint8_t *data;
	size_t size;
	struct glint_jpeg_info *info;
	bool progressive;
	unsigned n_components; /* 0: no frame header yet */
	struct component components[COMPONENTS_MAX];
	unsigned h_max, v_max;
	unsigned tables;  /* quantisation tables that were read, one bit for each */
	unsigned restart; /* MCUs between restart markers; 0: none */
	unsigned scans;
	size_t scan_bytes; /* of entropy-coded data, in all scans */
};

static unsigned read_word(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Return the length of the segment at @at with its marker; 0: the data end before. */
static size_t segment_length(const uint8_t *data, size_t size, size_t at)
{
	size_t length;

	assert(at <= size);

	if (size - at < 4)
		return 0;
	length = read_word(data + at + 2);
	return length >= 2 && length + 2 <= size - at ? length + 2 : 0;
}

/* Skip the fill bytes before a marker. */
static size_t skip_fill(const uint8_t *data, size_t size, size_t at)
{
	while (at + 1 < size && data[at] == 0xff && data[at + 1] == 0xff)
		at++;
	return at;
}

/* --- Segments ---------------------------------------------------------------------- */

static int read_frame(struct picture *p, const uint8_t *segment, size_t length)
{
	unsigned n;

	if (segment[1] > M_SOF2 || length < 10 || segment[4] != 8)
		return -EBADMSG;
	p->progressive = segment[1] == M_SOF2;
	p->info->height = read_word(segment + 5);
	p->info->width = read_word(segment + 7);
	n = segment[9];
	if (!p->info->width || !p->info->height || n == 0 || n > COMPONENTS_MAX ||
	    length != 10 + 3 * n)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *at = segment + 10 + 3 * i;
		struct component component = { at[0], at[1] >> 4, at[1] & 15, at[2] };

		if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4 ||
		    component.table >= TABLES_MAX)
			return -EBADMSG;
		p->components[i] = component;
		p->h_max = MAX(p->h_max, component.h);
		p->v_max = MAX(p->v_max, component.v);
	}
	p->n_components = n;
	return 0;
}

static int read_tables(struct picture *p, const uint8_t *segment, size_t length)
{
	size_t at = 4;

	while (at < length) {
		unsigned precision = segment[at] >> 4, table = segment[at] & 15;

		if (precision > 1 || table >= TABLES_MAX)
			return -EBADMSG;
		p->tables |= 1u << table;
		at += 1 + 64 * (1 + precision);
	}
	return at == length ? 0 : -EBADMSG;
}

/* Return whether a segment with @marker may begin here. Other markers are damage. */
static bool begins_segment(const struct picture *p, uint8_t marker)
{
	if (marker >= M_SOF0 && marker <= M_SOF15)
		return marker == M_DHT || p->n_components == 0;
	return (marker >= M_SOS && marker <= M_DQT) || marker == M_DRI ||
	       (marker >= M_APP0 && marker <= M_APP15) || marker == M_COM;
}

static int read_segment(struct picture *p, const uint8_t *segment, size_t length)
{
	uint8_t marker = segment[1];

	if (marker == M_DQT)
		return read_tables(p, segment, length);
	if (marker == M_DHT) {
		p->info->has_huffman |= p->scans == 0;
		return 0;
	}
	if (marker == M_DRI) {
		p->restart = length == 6 ? read_word(segment + 4) : 0;
		return length == 6 ? 0 : -EBADMSG;
	}
	if (marker >= M_SOF0 && marker <= M_SOF15)
		return read_frame(p, segment, length);
	return 0;
}

/* --- Scans ----------------------------------------------------------------------------- */

static const struct component *find_component(const struct picture *p, uint8_t id)
{
	for (unsigned i = 0; i < p->n_components; i++)
		if (p->components[i].id == id)
			return &p->components[i];
	return NULL;
}

/* Return the blocks of a scan of @component; NULL: the MCUs of an interleaved scan (T.81, A.2). */
static uint64_t count_units(const struct picture *p, const struct component *component)
{
	uint32_t width = p->info->width, height = p->info->height;

	assert(p->h_max > 0 && p->v_max > 0); /* without a frame header no scan is read */

	if (!component)
		return (uint64_t)DIV_ROUND_UP(width, 8 * p->h_max) *
		       DIV_ROUND_UP(height, 8 * p->v_max);
	width = DIV_ROUND_UP(width * component->h, p->h_max);
	height = DIV_ROUND_UP(height * component->v, p->v_max);
	return (uint64_t)DIV_ROUND_UP(width, 8) * DIV_ROUND_UP(height, 8);
}

/* Read the scan header at @segment. *@restarts is the number of restart markers in the scan. */
static int read_scan_header(struct picture *p, const uint8_t *segment, size_t length,
			    uint64_t *restarts)
{
	const struct component *component = NULL;
	unsigned n = length > 4 ? segment[4] : 0;

	if (n == 0 || n > p->n_components || length != 8 + 2 * n)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++) {
		component = find_component(p, segment[5 + 2 * i]);
		if (!component || !(p->tables & 1u << component->table))
			return -EBADMSG;
	}
	*restarts = 0;
	if (p->restart > 0)
		*restarts = (count_units(p, n == 1 ? component : NULL) - 1) / p->restart;
	return 0;
}

/*
 * Read the data of a scan from *@at to the marker that ends the scan. -ENODATA: the data ends
 * first. Restart markers, which count modulo 8, separate intervals; no interval is empty. Some
 * encoders put a restart marker behind the last interval as well.
 */
static int read_scan(struct picture *p, size_t *at, uint64_t restarts)
{
	const uint8_t *end = p->data + p->size, *from = p->data + *at;
	const uint8_t *interval = from, *next = from;
	uint64_t seen = 0;

	assert(*at <= p->size);

	while ((next = memchr(next, 0xff, (size_t)(end - next))) && next + 1 < end) {
		uint8_t code = next[1];

		if (code == 0x00) {
			next += 2; /* a byte of data, 0xff */
		} else if (code == 0xff) {
			next = p->data + skip_fill(p->data, p->size, (size_t)(next - p->data));
		} else if (code >= M_RST0 && code <= M_RST7) {
			if (code != M_RST0 + seen % 8 || next == interval || p->restart == 0)
				return -EBADMSG;
			seen++;
			next += 2;
			interval = next;
		} else {
			p->scan_bytes += (size_t)(next - from);
			*at = (size_t)(next - p->data);
			return seen + (next > interval) == restarts + 1 ? 0 : -EBADMSG;
		}
	}
	return end > from && seen <= restarts ? -ENODATA : -EBADMSG;
}

/* A block has at least two bits; one bit if a progressive scan has only its DC. */
static bool scans_have_room(const struct picture *p)
{
	uint64_t blocks =
		(uint64_t)DIV_ROUND_UP(p->info->width, 8) * DIV_ROUND_UP(p->info->height, 8);

	return (uint64_t)p->scan_bytes * 8 >= blocks * (p->progressive ? 1 : 2);
}

/* --- The picture ---------------------------------------------------------------------- */

static int inspect(struct picture *p)
{
	size_t at = 2, length;
	uint64_t restarts;
	int err;

	for (;;) {
		at = skip_fill(p->data, p->size, at);
		if (at + 2 > p->size)
			break;
		if (p->data[at] == 0xff && p->data[at + 1] == M_EOI && p->scans > 0) {
			p->info->size = at + 2;
			return scans_have_room(p) ? 0 : -EBADMSG;
		}
		if (p->data[at] != 0xff || !begins_segment(p, p->data[at + 1]))
			return -EBADMSG;
		length = segment_length(p->data, p->size, at);
		if (length == 0)
			break;
		if (p->data[at + 1] != M_SOS) {
			err = read_segment(p, p->data + at, length);
			at += length;
		} else {
			err = read_scan_header(p, p->data + at, length, &restarts);
			if (err < 0)
				return err;
			if (p->scans++ == 0)
				p->info->sos = at;
			at += length;
			err = read_scan(p, &at, restarts);
		}
		if (err < 0)
			return err;
	}
	return p->scans > 0 ? -ENODATA : -EBADMSG;
}

int glint_jpeg_inspect(const uint8_t *data, size_t size, struct glint_jpeg_info *info)
{
	struct picture picture = { .data = data, .size = size, .info = info };
	int err;

	*info = (struct glint_jpeg_info){ .size = size };
	if (size < 4 || data[0] != 0xff || data[1] != M_SOI)
		return -EBADMSG;
	err = inspect(&picture);
	info->truncated = err == -ENODATA;
	return err;
}

int glint_jpeg_find_scan(const uint8_t *data, size_t size, size_t *begin)
{
	size_t at = 2, length;

	for (; at + 4 <= size; at += length) {
		at = skip_fill(data, size, at);
		length = segment_length(data, size, at);
		if (data[at] != 0xff || length == 0)
			return -EBADMSG;
		if (data[at + 1] != M_SOS)
			continue;
		*begin = at + length;
		return 0;
	}
	return -EBADMSG;
}
