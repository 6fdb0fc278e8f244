/* SPDX-License-Identifier: MIT */
/*
 * Choose the size and the format to capture in. A lab wants exact pixels, but not at the
 * price of frames. Among the formats that come nearest to the wished size, those win that
 * reach the device's best rate there; among these raw wins over JPEG, and of raw formats the
 * one that costs least to encode. A USB camera that sends 1080p at 5 raw frames a second or
 * at 30 as MJPEG is captured as MJPEG; 640x480, which it sends at 30 either way, as raw.
 */
#ifndef GLINT_V4L2_CHOOSE_H
#define GLINT_V4L2_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_vdev;

#define GLINT_CHOICES_MAX 128

struct glint_wish {
	uint32_t mbus_code;	   /* what arrives at a node with a media controller; 0: any */
	uint32_t fourcc;	   /* 0: any. MJPEG and JPEG count as the same format */
	uint32_t width, height;	   /* 0x0: glint_choose_size() finds the best */
	unsigned fps;		   /* the rate that the best size must reach */
	uint32_t rate_millihz;	   /* the useful maximum; 0: no limit */
	const uint32_t *preferred; /* of raw formats, those that an M2M encoder takes; or NULL */
	unsigned n_preferred;
	bool raw, other; /* LAYOUT_OTHER, and layouts that need an encoder, may be chosen */
};

struct glint_choice {
	uint32_t fourcc;
	uint32_t width, height;		     /* the size nearest to the wish */
	uint32_t interval_num, interval_den; /* the best rate there; den 0: unknown */
	uint32_t rate_millihz;		     /* the same, 0: unknown */
	bool wished;			     /* @fourcc is the wished format */
};

/*
 * Find the best size, as glint_size_best() does, in the wished format if the device offers
 * it, else in all formats, and put it into @wish. Returns 0 or a negative errno.
 */
int glint_choose_size(const struct glint_vdev *vdev, struct glint_wish *wish);

/* Whether @a is @b; MJPEG and JPEG are the same format. */
bool glint_choose_is_same(uint32_t a, uint32_t b);

/* Whether the device offers @fourcc. @offers lists what it offers, as "YUYV, NV12". */
#define GLINT_CHOOSE_OFFERS 256u
bool glint_choose_offers(const struct glint_vdev *vdev, uint32_t fourcc,
			 char offers[GLINT_CHOOSE_OFFERS]);

/* Fill @choices, best first. Returns their number, 0 if none is usable, or a negative errno. */
int glint_choose(const struct glint_vdev *vdev, const struct glint_wish *wish,
		 struct glint_choice choices[static GLINT_CHOICES_MAX]);
#endif
