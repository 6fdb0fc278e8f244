/* SPDX-License-Identifier: MIT */
/* The search for a device when none was named. */
#ifndef GLINT_V4L2_ENUMERATE_H
#define GLINT_V4L2_ENUMERATE_H

#include "v4l2/access.h"

#define GLINT_NODE_PATH_MAX 24	/* "/dev/video255" and some */

/*
 * The first node, by number, that can capture and offers formats; one whose pipeline
 * is set up elsewhere only if there is no other. -ENODEV: there is none; -EACCES: nor
 * among those that may be opened. Opens and closes nodes: for the worker thread.
 */
int glint_enumerate_find(struct glint_v4l2_access *access, char path[static GLINT_NODE_PATH_MAX]);
#endif
