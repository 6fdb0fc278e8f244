/* SPDX-License-Identifier: MIT */
/*
 * What lies in a buffer: the pixel format (V4L2 fourcc), its size, the stride of
 * each memory plane and its colour, and where each colour component is found.
 * Source of the layouts: Linux, Documentation/userspace-api/media/v4l/pixfmt-*.
 */
#ifndef GLINT_V4L2_FORMAT_H
#define GLINT_V4L2_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem/dmabuf.h"

enum glint_layout {
	GLINT_LAYOUT_PACKED_YUV,	/* YUYV and its three siblings */
	GLINT_LAYOUT_SEMIPLANAR,	/* Y, then interleaved CbCr or CrCb */
	GLINT_LAYOUT_PLANAR,		/* Y, Cb, Cr or Y, Cr, Cb */
	GLINT_LAYOUT_GREY,
	GLINT_LAYOUT_RGB,		/* 24 and 32 bit, packed */
	GLINT_LAYOUT_RGB565,
	GLINT_LAYOUT_JPEG,		/* compressed: one complete picture */
	GLINT_LAYOUT_OTHER,		/* not read directly; libv4lconvert may be able to */
};

/* A row of the table of formats; constant. */
struct glint_format_info {
	uint32_t fourcc;		/* V4L2_PIX_FMT_* */
	enum glint_layout layout;
	const char *name;		/* ustreamer's name where it has one, e.g. "YUV420" */
	/* LAYOUT_OTHER: the fourcc that libv4lconvert makes of it; 0: nobody can read it. */
	uint32_t becomes;
	uint8_t mem_planes;		/* 2 or 3 for the M variants */
	uint8_t bytes_per_pixel;	/* of plane 0 */
	uint8_t h_sub, v_sub;		/* chroma subsampling factors: 2, 2 for 4:2:0 */
	/* LAYOUT_OTHER: as much as libv4lconvert reads, whatever it is told of the size. */
	uint8_t bits_per_pixel;		/* of all of the picture */
	bool in_blocks;			/* not in lines of pixels: a stride means nothing */
	/*
	 * Of turning it into a JPEG that shows all there is: 0 is the first choice. GREY
	 * is cheap but comes late: it has lost the colours that a device's other formats keep.
	 */
	uint8_t cost;
	/*
	 * PACKED_YUV: byte offsets of Y0 Cb Y1 Cr. SEMIPLANAR: order[1] > order[2] when Cr
	 * comes first. PLANAR: likewise. RGB: byte offsets of R, G, B.
	 */
	uint8_t order[4];
};

enum glint_range { GLINT_RANGE_FULL, GLINT_RANGE_LIMITED };
enum glint_matrix { GLINT_MATRIX_BT601, GLINT_MATRIX_BT709, GLINT_MATRIX_BT2020 };

struct glint_format {
	const struct glint_format_info *info;	/* never NULL: glint_format_other() if nothing else */
	uint32_t fourcc;			/* equals info->fourcc except for glint_format_other() */
	uint32_t width, height;			/* pixels, 1..15360 x 1..8640 */
	uint8_t n_planes;			/* memory planes */
	uint32_t stride[GLINT_DMABUF_PLANES];	/* bytes a line, of each memory plane */
	uint32_t size[GLINT_DMABUF_PLANES];	/* bytes the driver needs in each (sizeimage) */
	enum glint_range range;			/* of YCbCr formats; RGB and JPEG are full */
	enum glint_matrix matrix;
};

/* One colour component as the CPU sees it. */
struct glint_component {
	const uint8_t *base;
	uint32_t stride;	/* bytes to the next line */
	uint32_t width, height;	/* samples */
};

struct glint_view {
	unsigned n;			/* 1 packed or grey; 2 semi-planar; 3 planar */
	struct glint_component comp[3];	/* Y, Cb, Cr (order resolved); semi-planar: Y, chroma pairs */
};

/* NULL when neither we nor libv4lconvert know @fourcc. */
const struct glint_format_info *glint_format_find(uint32_t fourcc);

/* The row that all formats share that nobody can read. */
const struct glint_format_info *glint_format_other(void);

/*
 * Whether pictures can be had from it: a JPEG always; what must be encoded if there is
 * @raw to do that, and LAYOUT_OTHER if there is @other and libv4lconvert knows it.
 */
bool glint_format_is_usable(const struct glint_format_info *info, bool raw, bool other);

/* By ustreamer's name or by the fourcc's own four characters, any case; 0 when unknown. */
uint32_t glint_format_parse(const char *name);

/* The table, cheapest first, for choosing; NULL past its end. */
const struct glint_format_info *glint_format_at(unsigned index);

/* Writes "YUYV" or "NM12" (fourcc text, unprintable bytes as '?') into @text; returns it. */
const char *glint_fourcc_text(uint32_t fourcc, char text[static 5]);

/*
 * Bytes that the lines of @plane really need: the last line may end at its last
 * pixel. 0 for compressed formats.
 */
size_t glint_format_min_size(const struct glint_format *format, unsigned plane);

/* Memory as lines of @bytes that carry pixels, every @stride bytes. */
struct glint_lines {
	uint32_t bytes, stride, count;
};

/* Of a LAYOUT_OTHER that becomes something. Blocks are one long line. */
struct glint_lines glint_format_lines(const struct glint_format *format);

/*
 * Checks what a driver reported against the table: size in range, stride at least a
 * line, sizeimage at least the lines. 0, or -EPROTO.
 */
int glint_format_check(const struct glint_format *format);

/*
 * Where the components lie in the mapped @buf; -EFAULT when a plane is not mapped,
 * -EINVAL for compressed and foreign layouts, -EPROTO when a plane is too small.
 * The planes' offsets are in it.
 */
int glint_format_view(const struct glint_format *format, const struct glint_dmabuf *buf,
		      struct glint_view *view);
#endif
