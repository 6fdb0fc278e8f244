/* SPDX-License-Identifier: MIT */
#include "v4l2/mbus.h"

#include <linux/media-bus-format.h>
#include <linux/v4l2-subdev.h>
#include <linux/videodev2.h>
#include <stdio.h>

#include "base/macros.h"

int glint_mbus_get(struct glint_v4l2_access *access, int fd, uint32_t pad,
		   struct v4l2_mbus_framefmt *format)
{
	struct v4l2_subdev_format of = { .which = V4L2_SUBDEV_FORMAT_ACTIVE, .pad = pad };
	int err = glint_v4l2_ioctl(access, fd, VIDIOC_SUBDEV_G_FMT, &of);

	if (err == 0)
		*format = of.format;
	return err;
}

int glint_mbus_set(struct glint_v4l2_access *access, int fd, uint32_t pad,
		   struct v4l2_mbus_framefmt *format)
{
	struct v4l2_subdev_format of = {
		.which = V4L2_SUBDEV_FORMAT_ACTIVE,
		.pad = pad,
		.format = *format,
	};
	int err = glint_v4l2_ioctl(access, fd, VIDIOC_SUBDEV_S_FMT, &of);

	if (err == 0)
		*format = of.format;
	return err;
}

unsigned glint_mbus_codes(struct glint_v4l2_access *access, int fd, uint32_t pad,
			  uint32_t codes[static GLINT_MBUS_CODES_MAX])
{
	struct v4l2_subdev_mbus_code_enum offer = {
		.which = V4L2_SUBDEV_FORMAT_ACTIVE,
		.pad = pad,
	};

	for (; offer.index < GLINT_MBUS_CODES_MAX; offer.index++) {
		if (glint_v4l2_ioctl(access, fd, VIDIOC_SUBDEV_ENUM_MBUS_CODE, &offer) < 0)
			break;
		codes[offer.index] = offer.code;
	}
	return offer.index;
}

#define NAME(code)                                                                                 \
	{                                                                                          \
		MEDIA_BUS_FMT_##code, #code                                                        \
	}

const char *glint_mbus_name(uint32_t code)
{
	/* What HDMI receivers, cameras and the bridges behind them send. */
	static const struct {
		uint32_t code;
		const char *name;
	} names[] = {
		NAME(UYVY8_1X16),     NAME(VYUY8_1X16),	    NAME(YUYV8_1X16),
		NAME(YVYU8_1X16),     NAME(UYVY8_2X8),	    NAME(VYUY8_2X8),
		NAME(YUYV8_2X8),      NAME(YVYU8_2X8),	    NAME(UYVY10_1X20),
		NAME(YUYV10_1X20),    NAME(UYVY10_2X10),    NAME(YUYV10_2X10),
		NAME(UYVY12_1X24),    NAME(YUYV12_1X24),    NAME(YUV8_1X24),
		NAME(VUY8_1X24),      NAME(YUV10_1X30),	    NAME(RGB888_1X24),
		NAME(BGR888_1X24),    NAME(GBR888_1X24),    NAME(RGB565_1X16),
		NAME(RGB565_2X8_LE),  NAME(RGB101010_1X30), NAME(ARGB8888_1X32),
		NAME(Y8_1X8),	      NAME(Y10_1X10),	    NAME(Y12_1X12),
		NAME(JPEG_1X8),	      NAME(SBGGR8_1X8),	    NAME(SGBRG8_1X8),
		NAME(SGRBG8_1X8),     NAME(SRGGB8_1X8),	    NAME(SBGGR10_1X10),
		NAME(SGBRG10_1X10),   NAME(SGRBG10_1X10),   NAME(SRGGB10_1X10),
		NAME(SBGGR12_1X12),   NAME(SGBRG12_1X12),   NAME(SGRBG12_1X12),
		NAME(SRGGB12_1X12),   NAME(SBGGR14_1X14),   NAME(SGBRG14_1X14),
		NAME(SGRBG14_1X14),   NAME(SRGGB14_1X14),   NAME(SBGGR16_1X16),
		NAME(SGBRG16_1X16),   NAME(SGRBG16_1X16),   NAME(SRGGB16_1X16),
		NAME(METADATA_FIXED), NAME(FIXED),
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}

const char *glint_mbus_text(const struct v4l2_mbus_framefmt *format,
			    char text[static GLINT_MBUS_TEXT_MAX])
{
	const char *name = glint_mbus_name(format->code);
	const char *field = format->field == V4L2_FIELD_NONE || format->field == V4L2_FIELD_ANY ?
				    "" :
				    " interlaced";

	if (name)
		snprintf(text, GLINT_MBUS_TEXT_MAX, "%s %ux%u%s", name, format->width,
			 format->height, field);
	else
		snprintf(text, GLINT_MBUS_TEXT_MAX, "0x%04x %ux%u%s", format->code, format->width,
			 format->height, field);
	return text;
}
