// SPDX-License-Identifier: GPL-2.0-only
/*
 * The families of encoders that vjpeg can emulate. The values are those of the named drivers (Linux
 * 6.12, drivers/media/platform/). A module parameter overrides the value of the family.
 */
#include <linux/module.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vjpeg.h"

struct family {
	const char *name, *formats;
	struct vjpeg_quirks quirks;
};

#define COMMON                                                                                    \
	.dmabuf = true, .contig = true, .align_w = 16, .align_h = 16, .align_stride = 1,          \
	.min_w = 16, .min_h = 16, .max_w = VJPEG_SIZE_MAX, .max_h = VJPEG_SIZE_MAX,               \
	.align_size = 1, .min_buffers = 1, .quality_min = 1, .quality_max = 100,                  \
	.quality_default = 75

static const struct family families[] = {
	{ "generic", "YUYV,UYVY,NV12,NM12,YU12,NV16,GREY,BGR3",
	  { COMMON, .mplane = true, .align_w = 8, .align_h = 8, .restart_max = 65535,
	    .has_subsampling = true } },
	/* verisilicon/rockchip_vpu_hw.c, hantro_drv.c: always 4:2:0 */
	{ "hantro", "YM12,NM12,YUYV,UYVY",
	  { COMMON, .mplane = true, .min_w = 96, .min_h = 32, .quality_min = 5,
	    .quality_default = 50 } },
	/* nxp/imx-jpeg/mxc-jpeg.c: all formats have the alignment of NV12 */
	{ "imx-jpeg", "BGR3,AR24,NM12,NV12,YUYV,GREY",
	  { COMMON, .mplane = true, .align_stride = 4, .min_w = 64, .min_h = 64,
	    .subsampling_422 = true } },
	/* mediatek/jpeg/mtk_jpeg_core.c: sizeimage in steps of 128 */
	{ "mtk-jpeg", "NM12,NM21,YUYV,YVYU",
	  { COMMON, .mplane = true, .align_stride = 32, .align_size = 128, .min_w = 32, .min_h = 32,
	    .quality_min = 48, .quality_default = 90, .restart_max = 100,
	    .subsampling_422 = true } },
	/* samsung/s5p-jpeg/jpeg-core.c: no DMABUF; four tables as the scale of quality */
	{ "s5p-jpeg", "RGBP,YUYV,YVYU,NV12,NV21,NV16,NV61,YU12,GREY",
	  { COMMON, .dmabuf = false, .userptr = true, .align_w = 8, .align_h = 8, .min_w = 32,
	    .min_h = 32, .quality_min = 0, .quality_max = 3, .quality_default = 3,
	    .quality_tables = true, .restart_max = 65535, .has_subsampling = true,
	    .subsampling_422 = true } },
	/* renesas/rcar_jpu.c: four tables, and a header with tables only */
	{ "rcar-jpu", "NM16,NM12,NV16,NV12",
	  { COMMON, .mplane = true, .align_w = 8, .align_h = 8, .align_stride = 8, .max_w = 4096,
	    .max_h = 4096, .quality_min = 0, .quality_max = 3, .quality_default = 0,
	    .quality_tables = true, .subsampling_422 = true, .header = VJPEG_HEADER_BARE } },
	/* imagination/e5010-jpeg-enc.c */
	{ "e5010", "NV12,NM12,NV21,NM21,NV16,NM16,NV61,NM61",
	  { COMMON, .mplane = true, .align_w = 64, .align_h = 8, .align_stride = 64, .min_w = 64,
	    .min_h = 64, .subsampling_422 = true, .header = VJPEG_HEADER_BARE } },
	/* chips-media/coda/coda-common.c; the hardware needs heights in multiples of 16 */
	{ "coda", "YU12",
	  { COMMON, .min_w = 48, .quality_min = 5, .quality_default = 50, .restart_max = 100 } },
	/* Raspberry Pi's downstream bcm2835-codec: padded height, larger sizeimage */
	{ "bcm2835", "YU12,NV12,YUYV,UYVY,RGB3,BGR3",
	  { COMMON, .mplane = true, .align_w = 32, .align_stride = 32, .extra_size = 4096 } },
};

static char *family = "generic";
module_param(family, charp, 0444);
MODULE_PARM_DESC(family, "generic, hantro, imx-jpeg, mtk-jpeg, s5p-jpeg, rcar-jpu, e5010, coda, bcm2835");

static char *formats;
module_param(formats, charp, 0444);
MODULE_PARM_DESC(formats, "raw formats, as fourccs with commas: NM12,YUYV");

static char *memory;
module_param(memory, charp, 0444);
MODULE_PARM_DESC(memory, "contig or vmalloc");

static char *header;
module_param(header, charp, 0444);
MODULE_PARM_DESC(header, "jfif, bare or comment");

/* -1: the value of the family. */
#define QUIRK_PARAM(name, text)                                                                   \
	static int name = -1;                                                                     \
	module_param(name, int, 0444);                                                            \
	MODULE_PARM_DESC(name, text)

QUIRK_PARAM(mplane, "multi-planar API, 0 or 1");
QUIRK_PARAM(dmabuf, "queues take V4L2_MEMORY_DMABUF, 0 or 1");
QUIRK_PARAM(align_w, "the coded width is a multiple of this");
QUIRK_PARAM(align_h, "the coded height is a multiple of this");
QUIRK_PARAM(align_stride, "bytes a line are a multiple of this");
QUIRK_PARAM(extra_size, "bytes of sizeimage beyond the lines");
QUIRK_PARAM(min_buffers, "fewest buffers on the OUTPUT queue");
QUIRK_PARAM(quality_min, "lower end of the quality control");
QUIRK_PARAM(quality_max, "upper end of the quality control");
QUIRK_PARAM(quality_default, "quality to begin with");

static int add_formats(struct vjpeg_quirks *quirks, const char *list)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		const struct vjpeg_format *format = vjpeg_format_named(list, length);

		if (!format || quirks->n_formats == VJPEG_FORMATS_MAX) {
			pr_err(VJPEG_NAME ": formats: '%.*s' is unknown, or one too many\n", (int)length,
			       list);
			return -EINVAL;
		}
		if (format->mem_planes == 1 || quirks->mplane)
			quirks->formats[quirks->n_formats++] = format;
		list += length + (list[length] == ',');
	}
	if (quirks->n_formats)
		return 0;
	pr_err(VJPEG_NAME ": formats: none is left without the multi-planar API\n");
	return -EINVAL;
}

static int override_words(struct vjpeg_quirks *quirks)
{
	static const char *const memories[] = { "vmalloc", "contig" };
	static const char *const headers[] = { "jfif", "bare", "comment" };
	int found;

	if (memory) {
		found = match_string(memories, ARRAY_SIZE(memories), memory);
		if (found < 0)
			goto unknown_memory;
		quirks->contig = found;
	}
	if (header) {
		found = match_string(headers, ARRAY_SIZE(headers), header);
		if (found < 0)
			goto unknown_header;
		quirks->header = found;
	}
	return 0;

unknown_memory:
	pr_err(VJPEG_NAME ": memory: '%s' is neither contig nor vmalloc\n", memory);
	return -EINVAL;
unknown_header:
	pr_err(VJPEG_NAME ": header: '%s' is none of jfif, bare, comment\n", header);
	return -EINVAL;
}

static void override_numbers(struct vjpeg_quirks *quirks)
{
#define OVERRIDE(name)                                                                            \
	do {                                                                                      \
		if (name >= 0)                                                                    \
			quirks->name = name;                                                      \
	} while (0)
	OVERRIDE(mplane);
	OVERRIDE(dmabuf);
	OVERRIDE(align_w);
	OVERRIDE(align_h);
	OVERRIDE(align_stride);
	OVERRIDE(extra_size);
	OVERRIDE(min_buffers);
	OVERRIDE(quality_min);
	OVERRIDE(quality_max);
	OVERRIDE(quality_default);
#undef OVERRIDE
}

static int check_numbers(const struct vjpeg_quirks *quirks)
{
	if (quirks->align_w - 1 < 256 && quirks->align_h - 1 < 256 &&
	    quirks->align_stride - 1 < 4096 && is_power_of_2(quirks->align_stride) &&
	    quirks->extra_size <= SZ_16M && quirks->min_buffers - 1 < 32 &&
	    quirks->quality_max <= 100 && quirks->quality_min <= quirks->quality_default &&
	    quirks->quality_default <= quirks->quality_max)
		return 0;
	pr_err(VJPEG_NAME ": a number among the parameters is out of range\n");
	return -EINVAL;
}

int vjpeg_quirks_init(struct vjpeg_quirks *quirks)
{
	const struct family *found = NULL;
	int err;

	for (unsigned int i = 0; i < ARRAY_SIZE(families); i++)
		if (!strcmp(families[i].name, family))
			found = &families[i];
	if (!found) {
		pr_err(VJPEG_NAME ": family: '%s' is unknown\n", family);
		return -EINVAL;
	}
	*quirks = found->quirks;
	override_numbers(quirks);
	err = override_words(quirks) ?: check_numbers(quirks);
	return err ?: add_formats(quirks, formats ?: found->formats);
}
