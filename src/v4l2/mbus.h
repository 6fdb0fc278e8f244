/* SPDX-License-Identifier: MIT */
/* Formats on the pads of subdevices, and their names. */
#ifndef GLINT_V4L2_MBUS_H
#define GLINT_V4L2_MBUS_H

#include <stdint.h>

#include "v4l2/access.h"

struct v4l2_mbus_framefmt;

#define GLINT_MBUS_CODES_MAX 64
#define GLINT_MBUS_TEXT_MAX  48 /* "UYVY8_1X16 1920x1080 interlaced" */

/* Get the active format of a pad. */
int glint_mbus_get(struct glint_v4l2_access *access, int fd, uint32_t pad,
		   struct v4l2_mbus_framefmt *format);

/* Set the active format of a pad; @format becomes what the driver has made of it. */
int glint_mbus_set(struct glint_v4l2_access *access, int fd, uint32_t pad,
		   struct v4l2_mbus_framefmt *format);

/* List the codes that a pad offers. Returns how many, which may be none. */
unsigned glint_mbus_codes(struct glint_v4l2_access *access, int fd, uint32_t pad,
			  uint32_t codes[static GLINT_MBUS_CODES_MAX]);

/* Returns the name of a code, as media-ctl has it, or NULL. */
const char *glint_mbus_name(uint32_t code);

/* Write code and size. Returns @text. */
const char *glint_mbus_text(const struct v4l2_mbus_framefmt *format,
			    char text[static GLINT_MBUS_TEXT_MAX]);
#endif
