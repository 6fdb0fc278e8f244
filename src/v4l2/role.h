/* SPDX-License-Identifier: MIT */
/* What a video node is good for, by its capabilities. */
#ifndef GLINT_V4L2_ROLE_H
#define GLINT_V4L2_ROLE_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "v4l2/access.h"

struct v4l2_capability;

enum glint_role {
	GLINT_ROLE_CAPTURE,	/* video capture that streams */
	GLINT_ROLE_M2M,		/* memory to memory: codecs, scalers */
	GLINT_ROLE_OTHER,	/* outputs, metadata, radio, touch, or no streaming */
};

/* Copies a text of struct v4l2_capability, which need not end with a zero, to an array with room for one. */
#define GLINT_ROLE_TEXT(to, from)                                                                 \
	do {                                                                                      \
		static_assert(sizeof(to) > sizeof(from), "");                                     \
		memcpy(to, from, sizeof(from));                                                   \
		(to)[sizeof(from)] = '\0';                                                        \
	} while (0)

/* QUERYCAP. -ENOTTY: this is no V4L2 device. */
int glint_role_ask(struct glint_v4l2_access *access, int fd, struct v4l2_capability *cap);

enum glint_role glint_role_of(const struct v4l2_capability *cap);

/* Of a capture node: it has the multi-planar API. */
bool glint_role_is_mplane(const struct v4l2_capability *cap);

/* The same of an M2M node. */
bool glint_role_is_m2m_mplane(const struct v4l2_capability *cap);

/* Its pipeline is set up elsewhere, by a media controller. */
bool glint_role_is_pipeline(const struct v4l2_capability *cap);
#endif
