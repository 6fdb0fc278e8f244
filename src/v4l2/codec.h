/* SPDX-License-Identifier: MIT */
/*
 * One memory-to-memory encoder: raw frames go in at its OUTPUT queue ("raw" here), coded
 * frames come out at its CAPTURE queue ("coded"). What it encodes to is data: a struct
 * glint_coding. Any call may block in the kernel for as long as the driver likes, QBUF and
 * DQBUF included, so all calls belong to the encoder's own thread. Nothing is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno that their comment names.
 */
#ifndef GLINT_V4L2_CODEC_H
#define GLINT_V4L2_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/access.h"
#include "v4l2/format.h"
#include "v4l2/queue.h"

#define GLINT_CODEC_FORMATS_MAX 48

/* A kind of coded data. */
struct glint_coding {
	uint32_t fourccs[2];  /* fourccs of this kind, the preferred first; 0: no more */
	uint32_t quality_cid; /* control of its quality, V4L2_CID_* */
};

extern const struct glint_coding glint_coding_jpeg;

struct glint_codec {
	struct glint_v4l2_access *access; /* borrowed */
	int fd;				  /* -1: closed */
	char driver[17], card[33], bus[33];
	uint32_t fourcc;	    /* of the coded data: one of the coding's */
	uint32_t width, height;	    /* of the picture; @format has the coded size */
	struct glint_format format; /* of raw frames, as the encoder reads them */
	struct glint_vqueue raw, coded;
};

struct glint_codec_range {
	int32_t min, max, step, initial;
};

/* Closed, with nothing known. */
void glint_codec_init(struct glint_codec *codec);

/*
 * Open an encoder. -ENOTTY: not an M2M device; -EMEDIUMTYPE: the device does not encode to @coding.
 * In both cases driver, card and bus are set if the device has them.
 */
int glint_codec_open(struct glint_codec *codec, struct glint_v4l2_access *access, const char *path,
		     const struct glint_coding *coding);

/* Does nothing if closed. The driver forgets all buffers; maps and descriptors stay valid. */
void glint_codec_close(struct glint_codec *codec);

/*
 * List the raw formats that the encoder takes and glint knows, in the driver's order. Returns their
 * number.
 */
unsigned glint_codec_formats(const struct glint_codec *codec,
			     uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX]);

/*
 * Ask how the encoder would read frames like @wish: coded size, strides and plane sizes, in @got.
 * -EMEDIUMTYPE: the encoder does not take the format; -ERANGE: nor the size.
 */
int glint_codec_try(const struct glint_codec *codec, const struct glint_format *wish,
		    struct glint_format *got);

/*
 * Return the difference because of which the encoder cannot read frames laid out as @have, such as
 * the stride or the place of the chroma; NULL: none. Short buffers do not count, because they can be
 * allocated larger. Pure.
 */
const char *glint_codec_layout_differs(const struct glint_format *have,
				       const struct glint_format *raw);

/* Set both formats and the visible part. The same errors as try. No buffers are allocated. */
int glint_codec_set_formats(struct glint_codec *codec, const struct glint_format *wish);

/* -ENOTTY: the encoder has no such control; -EPROTO: the driver's range is impossible. */
int glint_codec_control_range(const struct glint_codec *codec, uint32_t id,
			      struct glint_codec_range *range);
int glint_codec_set_control(const struct glint_codec *codec, uint32_t id, int32_t value);
#endif
