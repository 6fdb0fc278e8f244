/* SPDX-License-Identifier: MIT */
#include "encode/m2m/negotiation.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define NODES_MAX 256 /* minor numbers of the kernel's video nodes */
#define IDLE_NS	  (5 * GLINT_NSEC_PER_SEC)

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

	assert(fit <= GLINT_M2M_FITS);
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

static enum glint_m2m_fit fit_of_open_error(int err)
{
	return err == -EMEDIUMTYPE ? GLINT_M2M_NO_ENCODER : fit_of_error(err);
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

/* --- Encoders -------------------------------------------------------------------- */

void glint_m2m_negotiation_init(struct glint_m2m_negotiation *negotiation,
				struct glint_v4l2_access *access, const char *device)
{
	*negotiation = (struct glint_m2m_negotiation){ .access = access, .device = device };
}

static void close_all(struct glint_m2m_negotiation *negotiation)
{
	for (unsigned i = 0; i < negotiation->n_encoders; i++)
		glint_codec_close(&negotiation->encoders[i].codec);
}

void glint_m2m_negotiation_fini(struct glint_m2m_negotiation *negotiation)
{
	close_all(negotiation);
	negotiation->n_encoders = 0;
	negotiation->scanned = false;
}

int glint_m2m_negotiation_timeout(const struct glint_m2m_negotiation *negotiation)
{
	for (unsigned i = 0; i < negotiation->n_encoders; i++)
		if (negotiation->encoders[i].codec.fd >= 0)
			return (int)(glint_time_left_ns(negotiation->used_ns + IDLE_NS) /
				     GLINT_NSEC_PER_MSEC) +
			       1;
	return -1;
}

void glint_m2m_negotiation_close_idle(struct glint_m2m_negotiation *negotiation)
{
	if (glint_time_left_ns(negotiation->used_ns + IDLE_NS) > 0)
		return;
	close_all(negotiation);
	/* An encoder may have appeared since. */
	negotiation->scanned &= negotiation->n_encoders > 0;
}

/* Open all nodes, and keep the encoders among them open. */
static void scan(struct glint_m2m_negotiation *negotiation)
{
	unsigned n_nodes = negotiation->device ? 1 : NODES_MAX;

	close_all(negotiation);
	negotiation->n_encoders = 0;
	negotiation->miss = (struct glint_m2m_found){ 0 };
	negotiation->scanned = true;
	for (unsigned i = 0; i < n_nodes && negotiation->n_encoders < GLINT_M2M_ENCODERS_MAX; i++) {
		struct glint_m2m_encoder *next = &negotiation->encoders[negotiation->n_encoders];
		struct glint_m2m_found miss = { 0 };
		int err;

		if (negotiation->device)
			snprintf(next->path, sizeof(next->path), "%s", negotiation->device);
		else
			snprintf(next->path, sizeof(next->path), "/dev/video%u", i);
		glint_codec_init(&next->codec);
		err = glint_codec_open(&next->codec, negotiation->access, next->path,
				       &glint_coding_jpeg);
		if (err == 0) {
			negotiation->n_encoders++;
			continue;
		}
		miss.fit = fit_of_open_error(err);
		/* Among all nodes, one that is no encoder is no miss. */
		if (!negotiation->device && miss.fit == GLINT_M2M_NO_ENCODER)
			continue;
		memcpy(miss.path, next->path, sizeof(miss.path));
		memcpy(miss.driver, next->codec.driver, sizeof(miss.driver));
		if (miss.fit > negotiation->miss.fit)
			negotiation->miss = miss;
	}
}

/* NULL: none is better than the miss. @gone: an encoder is not there any more. */
static struct glint_m2m_encoder *judge_all(struct glint_m2m_negotiation *negotiation,
					   const struct glint_format *format,
					   struct glint_m2m_found *found, bool *gone)
{
	struct glint_m2m_encoder *best = NULL;

	*found = negotiation->miss;
	*gone = false;
	for (unsigned i = 0; i < negotiation->n_encoders; i++) {
		struct glint_m2m_encoder *encoder = &negotiation->encoders[i];
		struct glint_format raw = { 0 };
		enum glint_m2m_fit fit;
		int err = 0;

		if (encoder->codec.fd < 0)
			err = glint_codec_open(&encoder->codec, negotiation->access, encoder->path,
					       &glint_coding_jpeg);
		fit = err < 0 ? fit_of_open_error(err) : judge(&encoder->codec, format, &raw);
		*gone |= err < 0 || fit < GLINT_M2M_NO_ENCODER;
		if (fit <= found->fit)
			continue;
		best = encoder;
		found->fit = fit;
		found->raw = raw;
		memcpy(found->path, encoder->path, sizeof(found->path));
		memcpy(found->driver, encoder->codec.driver, sizeof(found->driver));
	}
	return best;
}

/*
 * @for_session: a node that failed is looked at again, since it may be the encoder that the
 * session before had open.
 */
static struct glint_m2m_encoder *find(struct glint_m2m_negotiation *negotiation,
				      const struct glint_format *format,
				      struct glint_m2m_found *found, bool for_session)
{
	bool known = negotiation->scanned, gone;
	struct glint_m2m_encoder *best;

	if (!known)
		scan(negotiation);
	best = judge_all(negotiation, format, found, &gone);
	/* An encoder that was plugged in again may have another number. */
	gone |= for_session && found->fit == GLINT_M2M_FAILS;
	if (known && gone && !glint_m2m_fit_is_usable(found->fit)) {
		scan(negotiation);
		best = judge_all(negotiation, format, found, &gone);
	}
	negotiation->used_ns = glint_now_ns();
	return best;
}

void glint_m2m_negotiation_find(struct glint_m2m_negotiation *negotiation,
				const struct glint_format *format, struct glint_m2m_found *found)
{
	(void)find(negotiation, format, found, false);
}

int glint_m2m_negotiation_take(struct glint_m2m_negotiation *negotiation,
			       const struct glint_format *format, struct glint_m2m_found *found,
			       struct glint_codec *codec)
{
	struct glint_m2m_encoder *encoder = find(negotiation, format, found, true);

	assert(codec->fd < 0);

	if (!glint_m2m_fit_is_usable(found->fit)) {
		glint_m2m_negotiation_fini(negotiation); /* the next attempt looks again */
		return found->fit == GLINT_M2M_FAILS ? -EIO : -ENODEV;
	}
	assert(encoder); /* the nearest miss is never usable */
	*codec = encoder->codec;
	encoder->codec.fd = -1;
	close_all(negotiation);
	return 0;
}

/* --- Formats --------------------------------------------------------------------- */

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
	struct glint_format wish = { .info = glint_format_find(fourcc),
				     .fourcc = fourcc,
				     .width = width,
				     .height = height };
	struct glint_format raw, have;

	assert(wish.info); /* glint_codec_formats() lists known formats only */
	wish.n_planes = wish.info->mem_planes;
	if (glint_codec_try(codec, &wish, &raw) < 0)
		return false;
	have = raw;
	have.height = height;
	return !glint_codec_layout_differs(&have, &raw);
}

unsigned glint_m2m_negotiation_formats(struct glint_m2m_negotiation *negotiation, uint32_t width,
				       uint32_t height,
				       uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX])
{
	struct formats all = { 0 }, good = { 0 };
	const struct formats *best;

	scan(negotiation);
	for (unsigned i = 0; i < negotiation->n_encoders; i++) {
		const struct glint_codec *codec = &negotiation->encoders[i].codec;
		uint32_t of_one[GLINT_CODEC_FORMATS_MAX];
		unsigned n = glint_codec_formats(codec, of_one);

		for (unsigned k = 0; k < n; k++) {
			formats_add(&all, of_one[k]);
			if (lies_well(codec, of_one[k], width, height))
				formats_add(&good, of_one[k]);
		}
	}
	negotiation->used_ns = glint_now_ns();
	best = good.n > 0 ? &good : &all;
	memcpy(fourccs, best->fourccs, best->n * sizeof(fourccs[0]));
	return best->n;
}

/* --- Memory -------------------------------------------------------------------- */

/* Set up the encoder for @format. -ENODEV, or -EINVAL if it cannot import at all. */
static int memory_begin(struct glint_m2m_negotiation *negotiation,
			const struct glint_format *format, struct glint_codec **codec)
{
	struct glint_m2m_found found;
	struct glint_m2m_encoder *encoder = find(negotiation, format, &found, false);

	if (!glint_m2m_fit_is_usable(found.fit))
		return -ENODEV;
	if (found.fit != GLINT_M2M_FITS)
		return -EINVAL;
	assert(encoder);
	*codec = &encoder->codec;
	return glint_codec_set_formats(*codec, format);
}

/* The encoder forgets its buffers. Old kernels keep exported ones until the device is closed. */
static void memory_end(struct glint_codec *codec)
{
	if (glint_vqueue_free(&codec->raw) < 0)
		glint_codec_close(codec);
}

int glint_m2m_negotiation_reads(struct glint_m2m_negotiation *negotiation,
				const struct glint_format *format, const struct glint_dmabuf *buf)
{
	struct glint_codec *codec;
	int err = memory_begin(negotiation, format, &codec);

	if (err < 0)
		return err;
	err = glint_vqueue_import(&codec->raw, 1);
	if (err > 0)
		err = glint_vqueue_prepare(
			&codec->raw, 0, &(struct glint_vqueue_entry){ .buf = buf, .filled = true });
	memory_end(codec);
	return err == -ENOTTY ? 0 : err; /* no PREPARE_BUF: the first frame will tell */
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

int glint_m2m_negotiation_lend(struct glint_m2m_negotiation *negotiation,
			       const struct glint_format *format, unsigned n,
			       struct glint_dmabuf *bufs)
{
	struct glint_codec *codec;
	int err = memory_begin(negotiation, format, &codec);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&bufs[i]);
	err = glint_vqueue_alloc(&codec->raw, n, NULL);
	if (err >= 0)
		err = (unsigned)err < n ? -ENOMEM : export_all(&codec->raw, n, bufs);
	/* The exported memory lives as long as its descriptors. */
	memory_end(codec);
	return err;
}
