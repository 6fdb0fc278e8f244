/* SPDX-License-Identifier: MIT */
/*
 * Which of the M2M nodes is to encode frames of a format. All nodes are opened and
 * asked, so this is for the encoder's own thread.
 */
#ifndef GLINT_ENCODE_M2M_FIND_H
#define GLINT_ENCODE_M2M_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/codec.h"

#define GLINT_M2M_PATH_MAX 256

/* What one node can do for frames of one format. */
enum glint_m2m_fit {
	GLINT_M2M_NO_NODE,	/* it cannot be opened: there is none */
	GLINT_M2M_FORBIDDEN,	/* nor may it be opened */
	GLINT_M2M_FAILS,	/* any other error */
	GLINT_M2M_NO_ENCODER,	/* another kind of device */
	GLINT_M2M_NO_FORMAT,	/* it does not take the format */
	GLINT_M2M_NO_SIZE,
	GLINT_M2M_NO_IMPORT,	/* no DMABUFs: one copy a frame */
	GLINT_M2M_NO_LAYOUT,	/* its lines lie elsewhere: one copy a frame */
	GLINT_M2M_FITS,		/* reads the capture's memory, if the memory itself allows it */
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

/* Why not, or at what price, for people; "" when it fits. */
const char *glint_m2m_fit_text(enum glint_m2m_fit fit);

/*
 * The best of all nodes, or @device alone if that is not NULL, for frames of @format;
 * of equals the lowest. @found is of the nearest miss when none is usable.
 */
void glint_m2m_find(struct glint_v4l2_access *access, const char *device,
		    const struct glint_format *format, struct glint_m2m_found *found);

/*
 * The raw formats in which some encoder takes frames of that size as they lie in memory, each
 * once; where there are none, those that it takes at all. Returns how many.
 */
unsigned glint_m2m_find_formats(struct glint_v4l2_access *access, const char *device,
				uint32_t width, uint32_t height,
				uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX]);
#endif
