/* SPDX-License-Identifier: MIT */
/*
 * The format of the data in a buffer: pixel format (V4L2 fourcc), size, stride of each memory plane,
 * colour, and the place of each colour component.
 * Source of the layouts: Linux, Documentation/userspace-api/media/v4l/pixfmt-*.
 */
#ifndef GLINT_V4L2_FORMAT_H
#define GLINT_V4L2_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem/dmabuf.h"

/* A device that reports a larger frame is not believed. */
#define GLINT_FORMAT_WIDTH_MAX	15360u
#define GLINT_FORMAT_HEIGHT_MAX 8640u

enum glint_layout {
	GLINT_LAYOUT_PACKED_YUV, /* YUYV and its three siblings */
	GLINT_LAYOUT_SEMIPLANAR, /* Y, then interleaved CbCr or CrCb */
	GLINT_LAYOUT_PLANAR,	 /* Y, Cb, Cr or Y, Cr, Cb */
	GLINT_LAYOUT_GREY,
	GLINT_LAYOUT_RGB, /* 24 and 32 bit, packed */
	GLINT_LAYOUT_RGB565,
	GLINT_LAYOUT_JPEG,  /* compressed: one complete picture */
	GLINT_LAYOUT_OTHER, /* not read directly; libv4lconvert may be able to */
};

/* A row of the table of formats; constant. */
struct glint_format_info {
	uint32_t fourcc; /* V4L2_PIX_FMT_* */
	enum glint_layout layout;
	const char *name; /* ustreamer's name where it has one, e.g. "YUV420" */
	/* LAYOUT_OTHER: the fourcc that libv4lconvert makes of it; 0: the format cannot be read. */
	uint32_t becomes;
	uint8_t mem_planes;	 /* 2 or 3 for the M variants */
	uint8_t bytes_per_pixel; /* of plane 0 */
	uint8_t h_sub, v_sub;	 /* chroma subsampling factors: 2, 2 for 4:2:0 */
	/*
	 * 0: samples are bytes. Else they are little-endian words of 16 bits, and the eight bits
	 * from this one on are read: the highest of those that the format has.
	 */
	uint8_t shift;
	uint8_t bits; /* of a sample, as the device delivers it; 0: eight */
	/* LAYOUT_OTHER: as libv4lconvert reads, which ignores the size of the data. */
	uint8_t bits_per_pixel; /* of all of the picture */
	uint32_t reduced_to; /* the fourcc of eight bits that the library gets; 0: the format itself */
	bool in_blocks;	     /* stored in blocks and not in lines: a stride has no meaning */
	/*
	 * The cost of making a JPEG with all of the picture's information; 0 is the first choice.
	 * GREY is cheap but comes late, because it lacks the colours of a device's other formats.
	 */
	uint8_t cost;
	/*
	 * PACKED_YUV: sample offsets of Y0 Cb Y1 Cr. SEMIPLANAR: order[1] > order[2] when Cr
	 * comes first. PLANAR: likewise. RGB: byte offsets of R, G, B.
	 */
	uint8_t order[4];
};

/* How the lines of a frame lie in a buffer. */
enum glint_field {
	GLINT_FIELD_PROGRESSIVE,
	GLINT_FIELD_INTERLACED, /* both fields, line by line: two moments in one picture */
	GLINT_FIELD_ALTERNATE,	/* one field, the next buffer has the other one */
	GLINT_FIELD_SEQUENTIAL, /* both fields, one below the other, the earlier one first */
	GLINT_FIELD_ONE,	/* one field; the driver never delivers the other one */
};

enum glint_range { GLINT_RANGE_FULL, GLINT_RANGE_LIMITED };
enum glint_matrix { GLINT_MATRIX_BT601, GLINT_MATRIX_BT709, GLINT_MATRIX_BT2020 };

struct glint_format {
	const struct glint_format_info *info; /* never NULL: glint_format_other() if nothing else */
	uint32_t fourcc;	/* equals info->fourcc except for glint_format_other() */
	uint32_t width, height; /* pixels, 1..GLINT_FORMAT_WIDTH_MAX x 1..GLINT_FORMAT_HEIGHT_MAX */
	uint8_t n_planes;	/* memory planes */
	uint32_t stride[GLINT_DMABUF_PLANES]; /* bytes a line, of each memory plane */
	uint32_t size[GLINT_DMABUF_PLANES];   /* bytes the driver needs in each (sizeimage) */
	enum glint_range range;		      /* of YCbCr formats; RGB and JPEG are full */
	enum glint_matrix matrix;
	enum glint_field field;
};

/* One colour component as the CPU sees it. */
struct glint_component {
	const uint8_t *base;
	uint32_t stride;	/* bytes to the next line */
	uint32_t width, height; /* samples */
};

struct glint_view {
	unsigned n;			/* 1 packed or grey; 2 semi-planar; 3 planar */
	struct glint_component comp[3]; /* Y, Cb, Cr (order resolved); semi-planar: Y, chroma pairs */
};

/* Returns NULL for a fourcc that neither glint nor libv4lconvert knows. */
const struct glint_format_info *glint_format_find(uint32_t fourcc);

/* Returns the row that stands for all formats that cannot be read. */
const struct glint_format_info *glint_format_other(void);

/*
 * Returns whether glint can make pictures of the format: always for JPEG; for other layouts if raw
 * frames can be encoded (@raw); for LAYOUT_OTHER if libv4lconvert is built in (@other) and knows the
 * format.
 */
bool glint_format_is_usable(const struct glint_format_info *info, bool raw, bool other);

/* Bytes of a sample of YCbCr and grey formats. */
static inline unsigned glint_format_sample_bytes(const struct glint_format_info *info)
{
	return info->shift ? 2 : 1;
}

/* Bits of a sample, as the device delivers it. */
static inline unsigned glint_format_bits(const struct glint_format_info *info)
{
	return info->bits ? info->bits : 8;
}

/* Find a fourcc by ustreamer's name or by its own four characters, in any case; 0: unknown. */
uint32_t glint_format_parse(const char *name);

/* Returns a row of the table, the cheapest format first; NULL past the end. */
const struct glint_format_info *glint_format_at(unsigned index);

/*
 * Returns the least size of @plane in bytes; its last line may end at the last pixel. 0 for
 * compressed formats.
 */
size_t glint_format_min_size(const struct glint_format *format, unsigned plane);

/* Memory as lines: @bytes bytes of pixels, every @stride bytes. */
struct glint_lines {
	uint32_t bytes, stride, count;
};

/*
 * Find the lines of each component of a frame that has no padding: the components lie behind one
 * another, in this order. Returns how many there are; 0: the format is compressed, or not read
 * directly.
 */
unsigned glint_format_packed_lines(const struct glint_format_info *info, uint32_t width,
				   uint32_t height, struct glint_lines lines[static 3]);

/* The lines of a LAYOUT_OTHER that libv4lconvert knows. Blocks count as one long line. */
struct glint_lines glint_format_lines(const struct glint_format *format);

/*
 * Check what a driver reported against the table: size in range, stride at least a
 * line, sizeimage at least the lines. 0, or -EPROTO.
 */
int glint_format_check(const struct glint_format *format);

/*
 * Returns whether all lines and components lie behind one another in one memory plane, without
 * padding between them; of three components in the order Y, Cb, Cr. False for formats that are not
 * read directly.
 */
bool glint_format_is_packed(const struct glint_format *format);

/*
 * Find the components in the mapped @buf, behind the planes' offsets. -EFAULT: a plane is
 * not mapped; -EINVAL: the layout is compressed, or not read directly; -EPROTO: a plane is
 * too small.
 */
int glint_format_view(const struct glint_format *format, const struct glint_dmabuf *buf,
		      struct glint_view *view);
#endif
