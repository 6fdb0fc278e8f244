/* SPDX-License-Identifier: MIT */
#include "encode/m2m/negotiation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX 256	/* minor numbers of the kernel's video nodes */

const char *glint_m2m_fit_text(enum glint_m2m_fit fit)
{
	static const char *const texts[] = {
		[GLINT_M2M_NO_NODE] = "there is no encoder",
		[GLINT_M2M_FORBIDDEN] = "the encoder may not be opened",
		[GLINT_M2M_FAILS] = "the encoder fails",
		[GLINT_M2M_NO_ENCODER] = "not a JPEG encoder",
		[GLINT_M2M_NO_FORMAT] = "does not take the format",
		[GLINT_M2M_NO_SIZE] = "does not take the size",
		[GLINT_M2M_NO_IMPORT] = "imports no memory: one copy a frame",
		[GLINT_M2M_NO_LAYOUT] = "another layout: one copy a frame",
		[GLINT_M2M_FITS] = "",
	};

	return texts[fit];
}

static enum glint_m2m_fit fit_of_error(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return GLINT_M2M_NO_NODE;
	case -EACCES:
	case -EPERM:
		return GLINT_M2M_FORBIDDEN;
	case -ENOTTY:
		return GLINT_M2M_NO_ENCODER;
	case -EMEDIUMTYPE:
		return GLINT_M2M_NO_FORMAT;
	case -ERANGE:
		return GLINT_M2M_NO_SIZE;
	default:
		return GLINT_M2M_FAILS;
	}
}

static enum glint_m2m_fit judge(const struct glint_codec *codec, const struct glint_format *format,
				struct glint_format *raw)
{
	int err = glint_codec_try(codec, format, raw);

	if (err < 0)
		return fit_of_error(err);
	if (!glint_vqueue_can_import(&codec->raw))
		return GLINT_M2M_NO_IMPORT;
	return glint_codec_layout_differs(format, raw) ? GLINT_M2M_NO_LAYOUT : GLINT_M2M_FITS;
}

static void probe(struct glint_v4l2_access *access, const struct glint_format *format,
		  struct glint_m2m_found *found)
{
	struct glint_codec codec;
	int err;

	glint_codec_init(&codec);
	err = glint_codec_open(&codec, access, found->path, &glint_coding_jpeg);
	memcpy(found->driver, codec.driver, sizeof(found->driver));
	if (err < 0) {
		found->fit = err == -EMEDIUMTYPE ? GLINT_M2M_NO_ENCODER : fit_of_error(err);
		return;
	}
	found->fit = judge(&codec, format, &found->raw);
	glint_codec_close(&codec);
}

/* False past the last node. */
static bool node_path(const char *device, unsigned number, char path[static GLINT_M2M_PATH_MAX])
{
	if (number >= (device ? 1 : NODES_MAX))
		return false;
	if (device)
		snprintf(path, GLINT_M2M_PATH_MAX, "%s", device);
	else
		snprintf(path, GLINT_M2M_PATH_MAX, "/dev/video%u", number);
	return true;
}

void glint_m2m_find(struct glint_v4l2_access *access, const char *device,
		    const struct glint_format *format, struct glint_m2m_found *found)
{
	struct glint_m2m_found next = { 0 };

	*found = next;
	for (unsigned i = 0; node_path(device, i, next.path); i++) {
		probe(access, format, &next);
		/* Among all nodes, one that is no encoder is no miss. */
		if (!device && next.fit == GLINT_M2M_NO_ENCODER)
			continue;
		if (next.fit > found->fit)
			*found = next;
		if (found->fit == GLINT_M2M_FITS)
			return;
	}
}

struct formats {
	unsigned n;
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
};

static void formats_add(struct formats *formats, uint32_t fourcc)
{
	for (unsigned i = 0; i < formats->n; i++)
		if (formats->fourccs[i] == fourcc)
			return;
	if (formats->n < GLINT_CODEC_FORMATS_MAX)
		formats->fourccs[formats->n++] = fourcc;
}

/* A stride can be negotiated later; lines that an encoder wants below the picture cannot. */
static bool lies_well(const struct glint_codec *codec, uint32_t fourcc, uint32_t width,
		      uint32_t height)
{
	struct glint_format wish = { .info = glint_format_find(fourcc), .fourcc = fourcc,
				     .width = width, .height = height };
	struct glint_format raw, have;

	wish.n_planes = wish.info->mem_planes;
	if (glint_codec_try(codec, &wish, &raw) < 0)
		return false;
	have = raw;
	have.height = height;
	return !glint_codec_layout_differs(&have, &raw);
}

unsigned glint_m2m_find_formats(struct glint_v4l2_access *access, const char *device,
				uint32_t width, uint32_t height,
				uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX])
{
	uint32_t of_one[GLINT_CODEC_FORMATS_MAX];
	struct formats all = { 0 }, good = { 0 };
	const struct formats *best;
	char path[GLINT_M2M_PATH_MAX];
	struct glint_codec codec;

	glint_codec_init(&codec);
	for (unsigned i = 0; node_path(device, i, path); i++) {
		unsigned n;

		if (glint_codec_open(&codec, access, path, &glint_coding_jpeg) < 0)
			continue;
		n = glint_codec_formats(&codec, of_one);
		for (unsigned k = 0; k < n; k++) {
			formats_add(&all, of_one[k]);
			if (lies_well(&codec, of_one[k], width, height))
				formats_add(&good, of_one[k]);
		}
		glint_codec_close(&codec);
	}
	best = good.n > 0 ? &good : &all;
	memcpy(fourccs, best->fourccs, best->n * sizeof(fourccs[0]));
	return best->n;
}

/* --- Memory -------------------------------------------------------------------- */

/* Opens the encoder for @format and sets it up. -ENODEV, or -EINVAL if it cannot import at all. */
static int memory_open(struct glint_codec *codec, struct glint_v4l2_access *access,
		       const char *device, const struct glint_format *format)
{
	struct glint_m2m_found found;
	int err;

	glint_codec_init(codec);
	glint_m2m_find(access, device, format, &found);
	if (!glint_m2m_fit_is_usable(found.fit))
		return -ENODEV;
	if (found.fit != GLINT_M2M_FITS)
		return -EINVAL;
	err = glint_codec_open(codec, access, found.path, &glint_coding_jpeg);
	if (err == 0)
		err = glint_codec_set_formats(codec, format);
	if (err < 0)
		glint_codec_close(codec);
	return err;
}

int glint_m2m_memory_reads(struct glint_v4l2_access *access, const char *device,
			   const struct glint_format *format, const struct glint_dmabuf *buf)
{
	struct glint_codec codec;
	int err = memory_open(&codec, access, device, format);

	if (err < 0)
		return err;
	err = glint_vqueue_import(&codec.raw, 1);
	if (err > 0)
		err = glint_vqueue_prepare(
			&codec.raw, 0, &(struct glint_vqueue_entry){ .buf = buf, .filled = true });
	glint_codec_close(&codec);
	return err == -ENOTTY ? 0 : err;	/* no PREPARE_BUF: the first frame will tell */
}

static int export_all(const struct glint_vqueue *raw, unsigned n, struct glint_dmabuf *bufs)
{
	for (unsigned i = 0; i < n; i++) {
		int err = glint_vqueue_take(raw, i, GLINT_VQUEUE_EXPORT, &bufs[i]);

		if (err == 0 && bufs[i].memory == GLINT_MEMORY_V4L2_NOEXP) {
			glint_dmabuf_fini(&bufs[i]);
			err = -ENOTTY;
		}
		if (err < 0) {
			while (i-- > 0)
				glint_dmabuf_fini(&bufs[i]);
			return err;
		}
		bufs[i].memory = GLINT_MEMORY_ENCODER;
	}
	return 0;
}

int glint_m2m_memory_lend(struct glint_v4l2_access *access, const char *device,
			  const struct glint_format *format, unsigned n, struct glint_dmabuf *bufs)
{
	struct glint_codec codec;
	int err = memory_open(&codec, access, device, format);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&bufs[i]);
	err = glint_vqueue_alloc(&codec.raw, n, NULL);
	if (err >= 0)
		err = (unsigned)err < n ? -ENOMEM : export_all(&codec.raw, n, bufs);
	/* The exported memory lives as long as its descriptors. */
	glint_codec_close(&codec);
	return err;
}
