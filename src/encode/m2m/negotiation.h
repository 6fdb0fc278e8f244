/* SPDX-License-Identifier: MIT */
/*
 * Which M2M node encodes frames of a format, and memory that capture and encoder share. All
 * nodes are opened, so these calls belong to the encoder's own thread.
 */
#ifndef GLINT_ENCODE_M2M_NEGOTIATION_H
#define GLINT_ENCODE_M2M_NEGOTIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/codec.h"

#define GLINT_M2M_PATH_MAX 256

/* What one node can do for frames of one format. */
enum glint_m2m_fit {
	GLINT_M2M_NO_NODE,	/* no such node */
	GLINT_M2M_FORBIDDEN,	/* may not be opened */
	GLINT_M2M_FAILS,	/* any other error */
	GLINT_M2M_NO_ENCODER,	/* another kind of device */
	GLINT_M2M_NO_FORMAT,	/* does not take the format */
	GLINT_M2M_NO_SIZE,
	GLINT_M2M_NO_IMPORT,	/* no DMABUFs: one copy a frame */
	GLINT_M2M_NO_LAYOUT,	/* another stride or plane offset: one copy a frame */
	GLINT_M2M_FITS,		/* can read the capture's memory, if it can import it */
};

struct glint_m2m_found {
	enum glint_m2m_fit fit;
	char path[GLINT_M2M_PATH_MAX];
	char driver[17];
	struct glint_format raw;	/* what the encoder makes of the format; from NO_IMPORT on */
};

static inline bool glint_m2m_fit_is_usable(enum glint_m2m_fit fit)
{
	return fit >= GLINT_M2M_NO_IMPORT;
}

/* Why not, or at what cost, in words for people; "" when it fits. */
const char *glint_m2m_fit_text(enum glint_m2m_fit fit);

/*
 * Finds the best node for frames of @format, or judges @device alone if it is not NULL. Of
 * equal nodes the lowest number wins. If none is usable, @found is the nearest miss.
 */
void glint_m2m_find(struct glint_v4l2_access *access, const char *device,
		    const struct glint_format *format, struct glint_m2m_found *found);

/*
 * The raw formats that an encoder can read without a copy at this size, without duplicates;
 * if there are none, all raw formats that an encoder takes. Returns how many.
 */
unsigned glint_m2m_find_formats(struct glint_v4l2_access *access, const char *device,
				uint32_t width, uint32_t height,
				uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX]);

/* Whether the encoder can read frames of @format from memory like @buf: 0, or a negative errno. */
int glint_m2m_memory_reads(struct glint_v4l2_access *access, const char *device,
			   const struct glint_format *format, const struct glint_dmabuf *buf);

/*
 * Allocates @n buffers for frames of @format from the encoder's memory; @bufs are the
 * caller's. The encoder forgets them, and imports them later like any other memory.
 */
int glint_m2m_memory_lend(struct glint_v4l2_access *access, const char *device,
			  const struct glint_format *format, unsigned n, struct glint_dmabuf *bufs);
#endif
