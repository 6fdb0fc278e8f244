/* SPDX-License-Identifier: MIT */
/* What the text and the JSON output share. */
#ifndef GLINT_TOOLS_DEVICES_H
#define GLINT_TOOLS_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encode/m2m/negotiation.h"

struct probe_node;

/* Returns "capture", "m2m jpeg encoder", or why the node is neither. */
const char *devices_verdict(const struct probe_node *node);

/* Write the four letters of a pixel format, printable; return @text. */
const char *devices_fourcc(uint32_t fourcc, char text[5]);

/* Print an object without a newline. */
void devices_put_json(const struct probe_node *node);

/* --- What glint makes of a size of a capture device ------------------------------------------ */

enum devices_way {
	DEVICES_ENCODED,   /* raw frames, which glint encodes */
	DEVICES_PASSED,	   /* JPEGs of the device */
	DEVICES_CONVERTED, /* raw frames that must be converted first, in libv4lconvert or libv4l */
	DEVICES_WAYS,
};

/* The best of each way; a fourcc of 0: there is none. */
struct devices_offer {
	uint32_t width, height;
	bool range; /* and smaller sizes */
	uint32_t fourcc[DEVICES_WAYS];
	double fps[DEVICES_WAYS]; /* 0: unknown */
};

#define DEVICES_OFFERS_MAX 6u

/*
 * Find the sizes that matter for the choice of a device: the largest, and each smaller one that is
 * faster, or has raw frames faster, than all larger ones. Returns their number.
 */
unsigned devices_offers(const struct probe_node *node,
			struct devices_offer offers[static DEVICES_OFFERS_MAX]);

/* The way that glintd would take, without options. */
enum devices_way devices_offer_way(const struct devices_offer *offer);

/* Write "1920x1080 at 60 fps as YUYV: glint encodes it", or the like. */
void devices_offer_text(const struct devices_offer *offer, char *text, size_t size);

/* --- Who encodes the raw frames of a capture device ------------------------------------------ */

struct devices_encoder {
	struct glint_m2m_found found; /* the best M2M encoder for them, or the nearest miss */
	const struct glint_format_info *info;
	uint32_t width, height;
	bool shares; /* the device can export its frames, or import other memory */
};

/* Open nothing yet. Fini closes the encoders that were looked at. */
void devices_encoder_init(void);
void devices_encoder_fini(void);

/*
 * Find the M2M encoder for the largest size that one takes, as glintd does; all encoders of the machine
 * are asked, and nothing is set. False: the device has no raw frames that glint can read directly.
 */
bool devices_encoder_find(const struct probe_node *node, struct devices_encoder *encoder);

/* Returns the copies a frame, or -1 if the processor encodes. */
int devices_encoder_copies(const struct devices_encoder *encoder);

/* Write "/dev/video4 (hantro-vpu) takes NV12 of 1920x1080; DMABUFs, no copy", or the like. */
void devices_encoder_text(const struct devices_encoder *encoder, char *text, size_t size);
#endif
