/* SPDX-License-Identifier: MIT */
/* The other formats that a frame is written in: PPM, PGM, Y4M, JPEG, the driver's bytes. Pure. */
#ifndef GLINT_PIXELS_WRITE_H
#define GLINT_PIXELS_WRITE_H

#include "pixels/pixels.h"

/* Bytes that the caller owns: free(). */
struct glint_written {
	uint8_t *data;
	size_t size;
};

/* PPM of RGB24, PGM of GREY. As glint_pixels_read(). */
int glint_write_pnm(struct glint_written *out, const struct glint_pixels_source *source,
		    const struct glint_pixels_wish *wish);

/*
 * A baseline JPEG by libjpeg-turbo: 4:2:0, standard tables. As glint_pixels_read(); -ENOTSUP also
 * above 65535 pixels a side, which no frame has.
 */
int glint_write_jpeg(struct glint_written *out, const struct glint_pixels_source *source,
		     const struct glint_pixels_wish *wish, unsigned quality);

/*
 * All planes as the driver wrote them, one behind the other; of a JPEG, the JPEG. -ENOMEM;
 * -EBADMSG: the frame is empty.
 */
int glint_write_raw(struct glint_written *out, const struct glint_pixels_source *source,
		    const struct glint_dmabuf *buf);

/* The same bytes for programs: a JSON object. False: there is no room. */
bool glint_write_layout(char *out, size_t room, const struct glint_pixels_source *source,
			const struct glint_dmabuf *buf);

/* --- Y4M: the frame's own samples, in planes without padding ------------------------------- */

#define GLINT_Y4M_HEAD_MAX 128u

/* The parameters of a Y4M stream. Two frames fit into one stream if these are equal. */
struct glint_y4m {
	uint32_t width, height;
	uint8_t h_sub, v_sub; /* 0: no chroma */
	enum glint_range range;
	bool jpeg; /* chroma is sited as in JFIF */
};

/*
 * Write the planes of @source. Samples are neither converted nor scaled. -ENOTSUP: RGB,
 * or a JPEG of a kind that Y4M does not have; otherwise as glint_pixels_read().
 */
int glint_write_y4m(struct glint_written *out, struct glint_y4m *y4m,
		    const struct glint_pixels_source *source);

/* The line that begins a stream, without a zero at the end. Returns its length. */
size_t glint_y4m_head(const struct glint_y4m *y4m, uint32_t rate_millihz,
		      char out[static GLINT_Y4M_HEAD_MAX]);
#endif
