/* SPDX-License-Identifier: MIT */
#include "encode/m2m_memory.h"

#include <errno.h>

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
	/* What is exported outlives the file, as long as a descriptor is open. */
	glint_codec_close(&codec);
	return err;
}
