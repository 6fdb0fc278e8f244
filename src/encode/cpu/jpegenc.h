/* SPDX-License-Identifier: MIT */
/*
 * A baseline JPEG encoder for video frames, which goes from the lines of a capture
 * buffer to the data of a scan in one pass. It writes the bytes that libjpeg(-turbo)
 * writes with its accurate integer transform (JDCT_ISLOW) and the standard Huffman
 * tables, several times faster where the processor has AVX2 and BMI2.
 *
 * The encoder stands on its own: "make libglintjpeg.a" builds it, this header is all
 * that a program needs. A whole picture in one thread:
 *
 *	struct glint_jpegenc_config config = {
 *		.width = 1920, .height = 1080, .layout = GLINT_JPEGENC_PACKED,
 *		.order = { 0, 1, 2, 3 }, .h_sub = 2, .v_sub = 1,
 *		.sampling = GLINT_JPEGENC_420, .quality = 80, .limited = true,
 *	};
 *	struct glint_jpegenc_source source = { { pixels }, { 3840 } };
 *	struct glint_jpegenc_output out = { malloc(4 << 20), 0, 4 << 20, NULL };
 *
 *	glint_jpegenc_create(&enc, &config);
 *	out.size = glint_jpegenc_header(enc, 0, out.data);
 *	glint_jpegenc_scan(enc, &source, 0, glint_jpegenc_rows(enc), &out);
 *	out.data[out.size++] = 0xff;
 *	out.data[out.size++] = 0xd9;
 *
 * Several threads encode parts of equal height: the header announces the distance,
 * RSTm (ff d0 + m % 8) follows part m, and EOI the last one.
 */
#ifndef GLINT_JPEGENC_H
#define GLINT_JPEGENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_jpegenc;

enum glint_jpegenc_layout {
	GLINT_JPEGENC_PACKED,	  /* 4:2:2 in one plane: YUYV and its siblings */
	GLINT_JPEGENC_SEMIPLANAR, /* a plane of Y, one of CbCr or CrCb: NV12, NV16, NV24 */
	GLINT_JPEGENC_PLANAR,	  /* three planes */
	GLINT_JPEGENC_GREY,
	GLINT_JPEGENC_RGB, /* three or four bytes a pixel; full range, whatever limited says */
};

enum glint_jpegenc_sampling {
	GLINT_JPEGENC_SAMPLING_GREY,
	GLINT_JPEGENC_420,
	GLINT_JPEGENC_422,
	GLINT_JPEGENC_444,
};

enum glint_jpegenc_matrix {
	GLINT_JPEGENC_BT601, /* JFIF's: nothing is to be done */
	GLINT_JPEGENC_BT709,
	GLINT_JPEGENC_BT2020,
};

/* The code that does the work. All of them write the same bytes. */
enum glint_jpegenc_engine {
	GLINT_JPEGENC_AUTO,   /* the fastest that this processor can run */
	GLINT_JPEGENC_SCALAR, /* plain C: the reference, slower than libjpeg-turbo's SIMD code */
	GLINT_JPEGENC_AVX2,   /* with BMI1 and BMI2 */
	GLINT_JPEGENC_NEON,   /* AArch64, little endian */
};

struct glint_jpegenc_config {
	uint32_t width, height; /* pixels, 1..65500 */
	enum glint_jpegenc_layout layout;
	/*
	 * PACKED: byte offsets of Y0, Cb, Y1, Cr. RGB: of R, G, B. SEMIPLANAR: order[1] >
	 * order[2] when Cr comes first.
	 */
	uint8_t order[4];
	uint8_t pixel_bytes;		      /* RGB: 3 or 4 */
	uint8_t h_sub, v_sub;		      /* of the source's chroma: 2, 2 is 4:2:0 */
	enum glint_jpegenc_sampling sampling; /* of the JPEG: the source's or less */
	unsigned quality;		      /* 1..100, libjpeg's scale */
	bool limited; /* YCbCr of limited range, to be expanded to JFIF's full range */
	enum glint_jpegenc_matrix matrix; /* of the source; converted to JFIF's */
	enum glint_jpegenc_engine engine;
};

/* Where the lines are. PLANAR: Y, Cb, Cr. A line's last pixel may be its last byte in memory. */
struct glint_jpegenc_source {
	const uint8_t *plane[3];
	size_t stride[3];
};

struct glint_jpegenc_output {
	uint8_t *data;
	size_t size, capacity; /* bytes in use; bytes there are */
	/*
	 * Makes @capacity bytes of it, those in use stay. False: cannot. NULL: the size is
	 * fixed.
	 */
	bool (*grow)(struct glint_jpegenc_output *out, size_t capacity);
};

#define GLINT_JPEGENC_HEADER_MAX 700 /* bytes of glint_jpegenc_header() */

/*
 * Of one size, format and quality. It does not change afterwards, so threads may share it.
 * -EINVAL: no such combination; -ENOTSUP: the processor cannot run config->engine; -ENOMEM.
 */
int glint_jpegenc_create(struct glint_jpegenc **out, const struct glint_jpegenc_config *config);
void glint_jpegenc_destroy(struct glint_jpegenc *enc); /* NULL is fine */

/* What AUTO stands for on this processor, never AUTO itself. */
enum glint_jpegenc_engine glint_jpegenc_best(void);

/* "scalar", "avx2", "neon" */
const char *glint_jpegenc_engine_name(enum glint_jpegenc_engine engine);

/* MCU rows of the picture, and MCUs in each. */
uint32_t glint_jpegenc_rows(const struct glint_jpegenc *enc);
uint32_t glint_jpegenc_columns(const struct glint_jpegenc *enc);

/* SOI to SOS; @restart: MCUs between restart markers, 0: none. Returns the length. */
size_t glint_jpegenc_header(const struct glint_jpegenc *enc, uint16_t restart,
			    uint8_t out[static GLINT_JPEGENC_HEADER_MAX]);

/*
 * Appends MCU rows @first .. @first + @count - 1 to @out: the entropy-coded data of one
 * restart interval, padded to a byte, without a marker. Reads no byte of @source beyond
 * the last pixel of a line. -ENOMEM: @out is full and does not grow; what it has is no
 * interval then.
 */
int glint_jpegenc_scan(const struct glint_jpegenc *enc, const struct glint_jpegenc_source *source,
		       uint32_t first, uint32_t count, struct glint_jpegenc_output *out);

/*
 * What is kept of a picture, so that what has not changed in the next need not be encoded
 * again. Of one encoder, which outlives it. Threads may work on different rows at once.
 */
struct glint_jpegenc_reuse;

/*
 * Keeps at most @most bytes of the picture: what differs from the line above. Rows for which that
 * does not suffice are encoded again. Up to @threads calls work at once, each with memory for the
 * lines of a row. -ENOMEM.
 */
int glint_jpegenc_reuse_create(struct glint_jpegenc_reuse **out, const struct glint_jpegenc *enc,
			       size_t most, unsigned threads);
void glint_jpegenc_reuse_destroy(struct glint_jpegenc_reuse *reuse); /* NULL is fine */

/*
 * As glint_jpegenc_scan(), but each MCU row is a restart interval, with RSTm between them:
 * the header's @restart is glint_jpegenc_columns(). m is the row's number in the picture,
 * modulo 8; behind the last row of @count there is no marker.
 *
 * With @reuse, rows that have not changed are not encoded again. @before is what the call before
 * wrote of the same rows, which the caller keeps for this one; NULL, as after an error: nothing is
 * taken from there. @reused: how many rows have not changed. If that is @count, nothing was
 * written: @before holds for this picture, too, and for the next call. @reuse may be NULL.
 */
int glint_jpegenc_scan_rows(const struct glint_jpegenc *enc, struct glint_jpegenc_reuse *reuse,
			    const struct glint_jpegenc_source *source, uint32_t first,
			    uint32_t count, const uint8_t *before, struct glint_jpegenc_output *out,
			    uint32_t *reused);

/*
 * What a colour of @matrix adds to Y, Cb and Cr to make it BT.601's: weights of Cb - 128
 * and Cr - 128, 9 bits of fraction.
 */
void glint_jpegenc_rotation(enum glint_jpegenc_matrix matrix, int16_t weights[3][2]);
#endif
