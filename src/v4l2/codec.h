/* SPDX-License-Identifier: MIT */
/*
 * One memory-to-memory encoder: raw frames go in at its OUTPUT queue ("raw" here), coded
 * frames come out at its CAPTURE queue ("coded"). What it encodes to is data: a struct
 * glint_coding. Any call may block in the kernel for as long as the driver likes, QBUF and
 * DQBUF included, so all calls belong to the encoder's own thread. Nothing is logged here.
 *
 * Functions return 0 or more, the driver's errno, or an errno of ours where the comment
 * says so.
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
	uint32_t fourccs[2];	/* that stand for it, the best first; 0: no more */
	uint32_t quality_cid;	/* control of its quality, V4L2_CID_* */
};

extern const struct glint_coding glint_coding_jpeg;

struct glint_codec {
	struct glint_v4l2_access *access;	/* borrowed */
	int fd;					/* -1: closed */
	char driver[17], card[33], bus[33];
	uint32_t fourcc;			/* of the coded data: one of the coding's */
	uint32_t width, height;			/* of the picture; @format has the coded size */
	struct glint_format format;		/* of raw frames, as the encoder reads them */
	struct glint_vqueue raw, coded;
};

struct glint_codec_range {
	int32_t min, max, step, initial;
};

/* Closed, with nothing known. */
void glint_codec_init(struct glint_codec *codec);

/*
 * -ENOTTY: no M2M device; -EMEDIUMTYPE: it does not encode to @coding. In both cases the
 * names are known, if the device has any.
 */
int glint_codec_open(struct glint_codec *codec, struct glint_v4l2_access *access, const char *path,
		     const struct glint_coding *coding);

/* Fine when closed. The driver forgets all buffers; maps and descriptors stay valid. */
void glint_codec_close(struct glint_codec *codec);

/* The raw formats that the encoder takes and glint knows, in the driver's order. Returns how many. */
unsigned glint_codec_formats(const struct glint_codec *codec,
			     uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX]);

/*
 * What the encoder would make of frames like @wish: its coded size, strides and sizes,
 * in @got. -EMEDIUMTYPE: it does not take the format; -ERANGE: it does not take the size.
 */
int glint_codec_try(const struct glint_codec *codec, const struct glint_format *wish,
		    struct glint_format *got);

/*
 * Why frames laid out as @have cannot be read as the encoder reads them, or NULL when
 * they can: the stride differs, or the encoder looks for chroma elsewhere. Buffers that are
 * only too short are no reason: they can be allocated larger. Pure.
 */
const char *glint_codec_layout_differs(const struct glint_format *have,
				       const struct glint_format *raw);

/* Sets both formats and the visible part. The same errors as try. No buffers are allocated. */
int glint_codec_set_formats(struct glint_codec *codec, const struct glint_format *wish);

/* -ENOTTY: there is no such control; -EPROTO: its range cannot be. */
int glint_codec_control_range(const struct glint_codec *codec, uint32_t id,
			      struct glint_codec_range *range);
int glint_codec_set_control(const struct glint_codec *codec, uint32_t id, int32_t value);
#endif
