/* SPDX-License-Identifier: MIT */
#include "v4l2/enumerate.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "v4l2/role.h"

#define NODES_MAX 256	/* minor numbers of the kernel's video nodes */

enum fitness { NO_USE, LAST_RESORT, FIT };

static bool offers_formats(struct glint_v4l2_access *access, int fd,
			   const struct v4l2_capability *cap)
{
	struct v4l2_fmtdesc desc = {
		.type = glint_role_is_mplane(cap) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						    V4L2_BUF_TYPE_VIDEO_CAPTURE,
	};

	return glint_v4l2_ioctl(access, fd, VIDIOC_ENUM_FMT, &desc) == 0;
}

static enum fitness judge(struct glint_v4l2_access *access, int fd)
{
	struct v4l2_capability cap = { 0 };

	if (glint_role_ask(access, fd, &cap) < 0 || glint_role_of(&cap) != GLINT_ROLE_CAPTURE ||
	    !offers_formats(access, fd, &cap))
		return NO_USE;
	return glint_role_is_pipeline(&cap) ? LAST_RESORT : FIT;
}

static int probe(struct glint_v4l2_access *access, unsigned number,
		 char path[static GLINT_NODE_PATH_MAX])
{
	enum fitness fitness;
	int fd;

	snprintf(path, GLINT_NODE_PATH_MAX, "/dev/video%u", number);
	fd = access->ops->open(access, path);
	if (fd < 0)
		return fd;
	fitness = judge(access, fd);
	(void)access->ops->close(access, fd);
	return (int)fitness;
}

int glint_enumerate_find(struct glint_v4l2_access *access, char path[static GLINT_NODE_PATH_MAX])
{
	int last_resort = -1, err = -ENODEV;

	for (unsigned number = 0; number < NODES_MAX; number++) {
		int found = probe(access, number, path);

		if (found == FIT)
			return 0;
		if (found == LAST_RESORT && last_resort < 0)
			last_resort = (int)number;
		if (found == -EACCES || found == -EPERM)
			err = -EACCES;
	}
	if (last_resort < 0)
		return err;
	snprintf(path, GLINT_NODE_PATH_MAX, "/dev/video%d", last_resort);
	return 0;
}
