/* SPDX-License-Identifier: MIT */
/* Find a capture device by a name that is no path, or the device that was used before. */
#ifndef GLINT_V4L2_ENUMERATE_H
#define GLINT_V4L2_ENUMERATE_H

#include "v4l2/access.h"
#include "v4l2/identity.h"

#define GLINT_NODE_PATH_MAX   24  /* "/dev/video255", and some more */
#define GLINT_SEARCH_SEEN_MAX 384 /* bytes; more devices are left out */

struct glint_search {
	struct glint_v4l2_access *access;
	struct glint_device_name name;
	const struct glint_identity *known; /* the device to find again; NULL: any that fits */

	/* Results. */
	char path[GLINT_NODE_PATH_MAX];
	char seen[GLINT_SEARCH_SEEN_MAX]; /* the devices that are not the right one; "": none */
};

/*
 * Find the first node, by number, that can capture and offers formats, and that the name fits. A
 * node behind a media controller is taken only if there is no other. With @known only that device
 * is taken, or, if the name is complete, another that fits. Nodes that by their sysfs attributes
 * are of another device are not opened. -ENODEV: none fits; -EREMCHG: some fit, but are not @known;
 * -EACCES: this process may not open a node that might be the right one. Opening a node may block:
 * worker thread only.
 */
int glint_enumerate_find(struct glint_search *search);
#endif
