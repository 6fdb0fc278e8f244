/* SPDX-License-Identifier: MIT */
#include "encode/m2m_memory.h"

#include <errno.h>

/* Opens the encoder for @format and sets it up. -ENODEV, or -EINVAL if it cannot import at all. */
static int memory_open(struct glint_m2m *m2m, struct glint_v4l2_access *access, const char *device,
		       const struct glint_format *format)
{
	struct glint_m2m_found found;
	int err;

	glint_m2m_init(m2m);
	glint_m2m_find(access, device, format, &found);
	if (!glint_m2m_fit_is_usable(found.fit))
		return -ENODEV;
	if (found.fit != GLINT_M2M_FITS)
		return -EINVAL;
	err = glint_m2m_open(m2m, access, found.path);
	if (err == 0)
		err = glint_m2m_set_formats(m2m, format);
	if (err < 0)
		glint_m2m_close(m2m);
	return err;
}

int glint_m2m_memory_reads(struct glint_v4l2_access *access, const char *device,
			   const struct glint_format *format, const struct glint_dmabuf *buf)
{
	struct glint_m2m m2m;
	int err = memory_open(&m2m, access, device, format);

	if (err < 0)
		return err;
	err = glint_m2m_alloc(&m2m, GLINT_M2M_RAW, 1, true);
	if (err > 0)
		err = glint_m2m_attach(&m2m, 0, buf);
	glint_m2m_close(&m2m);
	return err == -ENOTTY ? 0 : err;	/* no PREPARE_BUF: the first frame will tell */
}

static int export_all(const struct glint_m2m *m2m, unsigned n, struct glint_dmabuf *bufs)
{
	for (unsigned i = 0; i < n; i++) {
		int err = glint_m2m_export(m2m, GLINT_M2M_RAW, i, &bufs[i]);

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
	struct glint_m2m m2m;
	int err = memory_open(&m2m, access, device, format);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < n; i++)
		glint_dmabuf_init(&bufs[i]);
	err = glint_m2m_alloc(&m2m, GLINT_M2M_RAW, n, false);
	if (err >= 0)
		err = (unsigned)err < n ? -ENOMEM : export_all(&m2m, n, bufs);
	/* What is exported outlives the file, as long as a descriptor is open. */
	glint_m2m_close(&m2m);
	return err;
}
