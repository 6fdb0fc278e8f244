/* SPDX-License-Identifier: MIT */
/*
 * What is known of the M2M nodes: which of them are encoders, which one encodes frames of a
 * format, and what memory capture and encoder share. All nodes are opened once, by the first
 * question. Encoders stay open for the questions that follow and for the session, and are
 * closed when they are idle for some seconds. Each call may block for as long as a driver
 * does, so all calls belong to the encoder's own thread.
 */
#ifndef GLINT_ENCODE_M2M_NEGOTIATION_H
#define GLINT_ENCODE_M2M_NEGOTIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/codec.h"

#define GLINT_M2M_PATH_MAX 256

/* What one node can do for frames of one format. */
enum glint_m2m_fit {
	GLINT_M2M_NO_NODE,    /* no such node */
	GLINT_M2M_FORBIDDEN,  /* may not be opened */
	GLINT_M2M_FAILS,      /* any other error */
	GLINT_M2M_NO_ENCODER, /* another kind of device */
	GLINT_M2M_NO_FORMAT,  /* does not take the format */
	GLINT_M2M_NO_SIZE,
	GLINT_M2M_NO_IMPORT, /* no DMABUFs: one copy a frame */
	GLINT_M2M_NO_LAYOUT, /* another stride or plane offset: one copy a frame */
	GLINT_M2M_FITS,	     /* can read the capture's memory, if it can import it */
};

struct glint_m2m_found {
	enum glint_m2m_fit fit;
	char path[GLINT_M2M_PATH_MAX];
	char driver[17];
	struct glint_format raw; /* what the encoder makes of the format; from NO_IMPORT on */
};

static inline bool glint_m2m_fit_is_usable(enum glint_m2m_fit fit)
{
	return fit >= GLINT_M2M_NO_IMPORT;
}

/* Why not, or at what cost, in words for people; "" when it fits. */
const char *glint_m2m_fit_text(enum glint_m2m_fit fit);

#define GLINT_M2M_ENCODERS_MAX 8 /* more than any machine has */

struct glint_m2m_negotiation {
	struct glint_v4l2_access *access; /* borrowed, as is @device */
	const char *device;		  /* the only node to ask; NULL: all */
	bool scanned;			  /* all below is known */
	unsigned n_encoders;
	struct glint_m2m_encoder {
		char path[GLINT_M2M_PATH_MAX];
		struct glint_codec codec; /* open, or closed after idle time or a take */
	} encoders[GLINT_M2M_ENCODERS_MAX];
	struct glint_m2m_found miss; /* the nearest of the nodes that are no use */
	uint64_t used_ns;	     /* when it was asked last */
};

/* Open nothing yet. */
void glint_m2m_negotiation_init(struct glint_m2m_negotiation *negotiation,
				struct glint_v4l2_access *access, const char *device);

/* Close the encoders and forget them. */
void glint_m2m_negotiation_fini(struct glint_m2m_negotiation *negotiation);

/* How long until the open encoders are idle, in ms for poll(2); -1: none is open. */
int glint_m2m_negotiation_timeout(const struct glint_m2m_negotiation *negotiation);

/* Close the encoders if they are idle: other programs may want them. */
void glint_m2m_negotiation_close_idle(struct glint_m2m_negotiation *negotiation);

/*
 * Find the best encoder for frames of @format. Of equal ones the lowest number wins. If none
 * is usable, @found is the nearest miss.
 */
void glint_m2m_negotiation_find(struct glint_m2m_negotiation *negotiation,
				const struct glint_format *format, struct glint_m2m_found *found);

/*
 * Find the encoder as above and hand it over, open; the caller closes @codec. On failure
 * @codec is closed: -ENODEV, or -EIO where a node fails.
 */
int glint_m2m_negotiation_take(struct glint_m2m_negotiation *negotiation,
			       const struct glint_format *format, struct glint_m2m_found *found,
			       struct glint_codec *codec);

/*
 * The first question of a stream: look at all nodes again. List the raw formats that an
 * encoder can read without a copy at this size, without duplicates; if there are none, all raw
 * formats that an encoder takes. Returns how many.
 */
unsigned glint_m2m_negotiation_formats(struct glint_m2m_negotiation *negotiation, uint32_t width,
				       uint32_t height,
				       uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX]);

/* Whether the encoder can read frames of @format from memory like @buf: 0, or a negative errno. */
int glint_m2m_negotiation_reads(struct glint_m2m_negotiation *negotiation,
				const struct glint_format *format, const struct glint_dmabuf *buf);

/*
 * Allocate @n buffers for frames of @format from the encoder's memory; @bufs are the
 * caller's. The encoder forgets them, and imports them later like any other memory.
 */
int glint_m2m_negotiation_lend(struct glint_m2m_negotiation *negotiation,
			       const struct glint_format *format, unsigned n,
			       struct glint_dmabuf *bufs);
#endif
