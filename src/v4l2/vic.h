/* SPDX-License-Identifier: MIT */
/* The video formats that CTA-861 numbers (VIC), by which displays and sources name them. Pure. */
#ifndef GLINT_V4L2_VIC_H
#define GLINT_V4L2_VIC_H

#include <stdbool.h>
#include <stdint.h>

struct glint_vic {
	uint8_t number;
	bool interlaced;
	uint16_t width, height; /* of a whole frame */
	uint16_t hz;		/* nominal: 60 is 59.94 as well; fields, if interlaced */
};

/* NULL: the number is none of CTA-861-I. */
const struct glint_vic *glint_vic_find(unsigned number);

/* The number of an HDMI VIC, which the HDMI VSDB has for 2160p formats; 0: none. */
unsigned glint_vic_of_hdmi(unsigned hdmi_vic);
#endif
