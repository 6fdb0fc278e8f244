/* SPDX-License-Identifier: MIT */
/* The role of a video node, by its capabilities. */
#ifndef GLINT_V4L2_ROLE_H
#define GLINT_V4L2_ROLE_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "v4l2/access.h"

struct v4l2_capability;

enum glint_role {
	GLINT_ROLE_CAPTURE, /* video capture that streams */
	GLINT_ROLE_M2M,	    /* memory to memory: codecs, scalers */
	GLINT_ROLE_OTHER,   /* outputs, metadata, radio, touch, or no streaming */
};

/*
 * Copy a string of struct v4l2_capability, which may lack its zero, to an array that is one
 * byte longer.
 */
#define GLINT_ROLE_TEXT(to, from)                                                                  \
	do {                                                                                       \
		static_assert(sizeof(to) > sizeof(from), "");                                      \
		memcpy(to, from, sizeof(from));                                                    \
		(to)[sizeof(from)] = '\0';                                                         \
	} while (0)

/* VIDIOC_QUERYCAP. -ENOTTY: not a V4L2 device. */
int glint_role_ask(struct glint_v4l2_access *access, int fd, struct v4l2_capability *cap);

enum glint_role glint_role_of(const struct v4l2_capability *cap);

/* Returns whether a capture node uses the multi-planar API. */
bool glint_role_is_mplane(const struct v4l2_capability *cap);

/* Returns whether an M2M node uses the multi-planar API. */
bool glint_role_is_m2m_mplane(const struct v4l2_capability *cap);

/* Returns whether the pipeline behind the node must be set up through a media controller. */
bool glint_role_is_pipeline(const struct v4l2_capability *cap);
#endif
