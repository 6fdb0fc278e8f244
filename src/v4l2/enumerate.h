/* SPDX-License-Identifier: MIT */
/* Finds a capture device when the user names none. */
#ifndef GLINT_V4L2_ENUMERATE_H
#define GLINT_V4L2_ENUMERATE_H

#include "v4l2/access.h"

#define GLINT_NODE_PATH_MAX 24	/* "/dev/video255" and some */

/*
 * Finds the first node, by number, that can capture and offers formats. A node behind a media
 * controller is taken only if there is no other. -ENODEV: there is none; -EACCES: there is
 * none among the nodes that may be opened. Opens and closes nodes: worker thread only.
 */
int glint_enumerate_find(struct glint_v4l2_access *access, char path[static GLINT_NODE_PATH_MAX]);
#endif
