/* SPDX-License-Identifier: MIT */
#include "pixels/write.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "pixels/jpeg.h"

int glint_write_pnm(struct glint_written *out, const struct glint_pixels_source *source,
		    const struct glint_pixels_wish *wish)
{
	uint32_t width = glint_pixels_width(wish), height = glint_pixels_height(wish);
	size_t line = (size_t)width * glint_pixels_bytes(wish->kind);
	char head[32];
	size_t n = (size_t)snprintf(head, sizeof(head), "P%c\n%u %u\n255\n",
				    wish->kind == GLINT_PIXELS_GREY ? '5' : '6', width, height);
	int err;

	*out = (struct glint_written){ .data = malloc(n + line * height) };
	if (!out->data)
		return -ENOMEM;
	memcpy(out->data, head, n);
	out->size = n + line * height;
	err = glint_pixels_read(source, wish, 0, height, out->data + n, line);
	if (err < 0) {
		free(out->data);
		*out = (struct glint_written){ 0 };
	}
	return err;
}

int glint_write_jpeg(struct glint_written *out, const struct glint_pixels_source *source,
		     const struct glint_pixels_wish *wish, unsigned quality)
{
	uint32_t width = glint_pixels_width(wish), height = glint_pixels_height(wish);
	size_t line = (size_t)width * 3;
	struct glint_pixels_wish rgb = *wish;
	uint8_t *pixels = malloc(line * height);
	int err = -ENOMEM;

	rgb.kind = GLINT_PIXELS_RGB24;
	*out = (struct glint_written){ 0 };
	if (pixels)
		err = glint_pixels_read(source, &rgb, 0, height, pixels, line);
	if (err == 0)
		err = glint_pixels_encode(pixels, width, height, quality, &out->data, &out->size);
	free(pixels);
	return err;
}

/* --- The driver's bytes ---------------------------------------------------------------------- */

/* Where the data of @plane lie, and how many bytes they are. */
static size_t plane_bytes(const struct glint_pixels_source *source, const struct glint_dmabuf *buf,
			  unsigned plane, const uint8_t **data)
{
	const struct glint_plane *p = &buf->planes[plane];
	size_t size = glint_format_min_size(source->format, plane);

	*data = p->map + p->offset;
	/* With the last line's padding, if it is there: then all lines are alike. */
	if (p->offset < p->size && p->size - p->offset >= source->format->size[plane])
		size = MAX(size, (size_t)source->format->size[plane]);
	return size;
}

int glint_write_raw(struct glint_written *out, const struct glint_pixels_source *source,
		    const struct glint_dmabuf *buf)
{
	const uint8_t *data;
	size_t size = 0;

	*out = (struct glint_written){ 0 };
	if (source->jpeg)
		size = source->jpeg_size;
	else
		for (unsigned i = 0; i < source->format->n_planes; i++)
			size += plane_bytes(source, buf, i, &data);
	if (size == 0)
		return -EBADMSG;
	out->data = malloc(size);
	if (!out->data)
		return -ENOMEM;
	if (source->jpeg) {
		memcpy(out->data, source->jpeg, size);
		out->size = size;
		return 0;
	}
	for (unsigned i = 0; i < source->format->n_planes; i++) {
		size = plane_bytes(source, buf, i, &data);
		memcpy(out->data + out->size, data, size);
		out->size += size;
	}
	return 0;
}

static const char *matrix_name(enum glint_matrix matrix)
{
	static const char *const names[] = { "bt601", "bt709", "bt2020" };

	assert((size_t)matrix < sizeof(names) / sizeof(names[0]));
	return names[matrix];
}

bool glint_write_layout(char *out, size_t room, const struct glint_pixels_source *source,
			const struct glint_dmabuf *buf)
{
	const struct glint_format *format = source->format;
	size_t offset = 0;
	char code[5];
	int n;

	if (source->jpeg) {
		n = snprintf(out, room, "{\"format\": \"JPEG\", \"width\": %u, \"height\": %u}",
			     source->width, source->height);
		return n > 0 && (size_t)n < room;
	}
	n = snprintf(out, room,
		     "{\"format\": \"%s\", \"fourcc\": \"%s\", \"width\": %u, \"height\": %u, "
		     "\"matrix\": \"%s\", \"range\": \"%s\", \"planes\": [",
		     format->info->name, glint_fourcc_text(format->fourcc, code), format->width,
		     format->height, matrix_name(format->matrix),
		     format->range == GLINT_RANGE_FULL ? "full" : "limited");
	for (unsigned i = 0; i < format->n_planes && n > 0 && (size_t)n < room; i++) {
		const uint8_t *data;
		size_t size = plane_bytes(source, buf, i, &data);
		int more = snprintf(out + n, room - (size_t)n,
				    "%s{\"offset\": %zu, \"stride\": %u, \"size\": %zu}",
				    i ? ", " : "", offset, format->stride[i], size);

		n = more < 0 ? more : n + more;
		offset += size;
	}
	if (n < 0 || (size_t)n + 2 >= room)
		return false;
	memcpy(out + n, "]}", 3);
	return true;
}

/* --- Y4M -------------------------------------------------------------------------------------- */

static void pick(uint8_t *restrict out, const uint8_t *restrict in, size_t n, unsigned step)
{
	if (step == 1)
		memcpy(out, in, n);
	else if (step == 2)
		for (size_t i = 0; i < n; i++)
			out[i] = in[2 * i];
	else
		for (size_t i = 0; i < n; i++)
			out[i] = in[4 * i];
}

/* The highest bits of every @step-th word. */
static void pick_words(uint8_t *restrict out, const uint8_t *restrict in, size_t n, unsigned step,
		       unsigned shift)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((in[2 * step * i] | in[2 * step * i + 1] << 8) >> shift);
}

/* Put every @step-th sample of the lines, from sample @first on. */
static uint8_t *put_plane(uint8_t *out, const struct glint_format_info *info,
			  const struct glint_component *from, unsigned first, uint32_t width,
			  uint32_t height, unsigned step)
{
	const uint8_t *base = from->base + first * glint_format_sample_bytes(info);

	for (uint32_t y = 0; y < height; y++, out += width)
		if (info->shift)
			pick_words(out, base + (size_t)y * from->stride, width, step, info->shift);
		else
			pick(out, base + (size_t)y * from->stride, width, step);
	return out;
}

static void put_frame(uint8_t *out, const struct glint_pixels_source *source,
		      const struct glint_y4m *y4m)
{
	const struct glint_format_info *info = source->format->info;
	const struct glint_component *c = source->view.comp;
	bool packed = info->layout == GLINT_LAYOUT_PACKED_YUV;
	uint32_t width, height;

	out = put_plane(out, info, &c[0], packed ? info->order[0] : 0, y4m->width, y4m->height,
			packed ? 2 : 1);
	if (y4m->h_sub == 0)
		return;
	width = DIV_ROUND_UP(y4m->width, y4m->h_sub);
	height = DIV_ROUND_UP(y4m->height, y4m->v_sub);
	if (packed) {
		out = put_plane(out, info, &c[0], info->order[1], width, height, 4);
		put_plane(out, info, &c[0], info->order[3], width, height, 4);
	} else if (info->layout == GLINT_LAYOUT_SEMIPLANAR) {
		unsigned cr_first = info->order[1] > info->order[2];

		out = put_plane(out, info, &c[1], cr_first, width, height, 2);
		put_plane(out, info, &c[1], !cr_first, width, height, 2);
	} else {
		out = put_plane(out, info, &c[1], 0, width, height, 1);
		put_plane(out, info, &c[2], 0, width, height, 1);
	}
}

int glint_write_y4m(struct glint_written *out, struct glint_y4m *y4m,
		    const struct glint_pixels_source *source)
{
	const struct glint_format_info *info;
	size_t size;

	*out = (struct glint_written){ 0 };
	if (source->jpeg)
		return glint_pixels_planes(source, y4m, &out->data, &out->size);
	info = source->format->info;
	if (info->layout == GLINT_LAYOUT_RGB || info->layout == GLINT_LAYOUT_RGB565)
		return -ENOTSUP;
	*y4m = (struct glint_y4m){
		.width = source->width,
		.height = source->height,
		.h_sub = info->layout == GLINT_LAYOUT_GREY ? 0 : info->h_sub,
		.v_sub = info->layout == GLINT_LAYOUT_GREY ? 0 : info->v_sub,
		.range = source->rules.keep_range ? GLINT_RANGE_FULL : source->format->range,
	};
	size = (size_t)y4m->width * y4m->height;
	if (y4m->h_sub)
		size += 2 * (size_t)DIV_ROUND_UP(y4m->width, y4m->h_sub) *
			DIV_ROUND_UP(y4m->height, y4m->v_sub);
	out->data = malloc(size);
	if (!out->data)
		return -ENOMEM;
	out->size = size;
	put_frame(out->data, source, y4m);
	return 0;
}

size_t glint_y4m_head(const struct glint_y4m *y4m, uint32_t rate_millihz,
		      char out[static GLINT_Y4M_HEAD_MAX])
{
	const char *chroma = y4m->h_sub == 0 ? "mono" :
			     y4m->h_sub == 1 ? "444" :
			     y4m->v_sub == 1 ? "422" :
			     y4m->jpeg	     ? "420jpeg" :
					       "420mpeg2";
	/* Readers refuse a rate of 0, which means unknown. */
	int n = snprintf(out, GLINT_Y4M_HEAD_MAX,
			 "YUV4MPEG2 W%u H%u F%u:1000 Ip A1:1 C%s XCOLORRANGE=%s\n", y4m->width,
			 y4m->height, rate_millihz ? rate_millihz : 25000, chroma,
			 y4m->range == GLINT_RANGE_FULL ? "FULL" : "LIMITED");

	assert(n > 0 && (unsigned)n < GLINT_Y4M_HEAD_MAX);
	return (size_t)n;
}
