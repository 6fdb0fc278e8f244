/* SPDX-License-Identifier: MIT */
/*
 * DV timings of the chosen input: those of the signal are detected and followed, or others are
 * forced by name. They belong to the receiver, a node or a subdevice.
 */
#ifndef GLINT_V4L2_TIMINGS_H
#define GLINT_V4L2_TIMINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "v4l2/vdev.h"

struct v4l2_dv_timings;

/* Timings by name. All zero: none, follow the signal. */
struct glint_timings_wish {
	uint16_t width, height; /* of a whole frame */
	bool interlaced;
	uint32_t millihz;   /* frames a second; fields, if interlaced; 0: any */
	uint32_t standards; /* V4L2_DV_BT_STD_*; 0: any */
};

/*
 * Read "1920x1080p60", "1280x720@59.94", "1920x1080i50", "1080p60" (16:9, and 4:3 for 480 and 576
 * lines), "vic:16", each also with CEA-, DMT-, CVT- or GTF- before it; in any case. "follow": none.
 * -EINVAL: no such name.
 */
int glint_timings_parse(const char *name, struct glint_timings_wish *wish);

/* Write "1920x1080p60" or "1920x1080i59.94"; "" for none. */
#define GLINT_TIMINGS_TEXT 32u
const char *glint_timings_text(const struct glint_timings *timings, char text[GLINT_TIMINGS_TEXT]);

/* Read what the driver says. -ERANGE: other timings than those of a video signal. */
int glint_timings_read(const struct v4l2_dv_timings *dv, struct glint_timings *timings);

/* The same for a wish; "follow" for none. */
const char *glint_timings_wish_text(const struct glint_timings_wish *wish,
				    char text[GLINT_TIMINGS_TEXT]);

/* Timings with what the driver says about them. */
struct glint_timings_entry {
	struct glint_timings timings;
	uint32_t standards; /* V4L2_DV_BT_STD_* */
	unsigned vic;	    /* of CTA-861; 0: none */
};

/*
 * List the timings that the receiver can be set to, at most @max. Returns their number, or an error:
 * -ENOTTY or -ENODATA: the input has no DV timings. Changes nothing.
 */
int glint_timings_list(const struct glint_vdev *vdev, struct glint_timings_entry *list,
		       unsigned max);

/* The timings that are set, and those of the signal; errors as in input.h. Change nothing. */
int glint_timings_present(const struct glint_vdev *vdev, struct glint_timings_entry *entry);
int glint_timings_query(const struct glint_vdev *vdev, struct glint_timings_entry *entry);

/*
 * Detect the timings of the signal and set them: vdev->timings. -ENODATA or -ENOTTY: the input has no
 * DV timings; else the errors of a lost signal, see input.h.
 */
int glint_timings_follow(struct glint_vdev *vdev);

/*
 * Set the device's own timings that match @wish best, whatever the signal is. -ERANGE: the device has
 * none; @offers lists those of the same size, or else some of its sizes.
 */
#define GLINT_TIMINGS_OFFERS 256u
int glint_timings_force(struct glint_vdev *vdev, const struct glint_timings_wish *wish,
			char offers[GLINT_TIMINGS_OFFERS]);

/* The same, without setting anything: 0 or -ERANGE. */
int glint_timings_look(const struct glint_vdev *vdev, const struct glint_timings_wish *wish,
		       char offers[GLINT_TIMINGS_OFFERS]);

/*
 * Compare the signal with vdev->timings; forced ones are not compared. 0: the same, 1: others, or the
 * error of a lost signal. -EBUSY: the receiver cannot measure now, such as while it streams.
 */
int glint_timings_check(const struct glint_vdev *vdev);
#endif
