/* SPDX-License-Identifier: MIT */
#include "v4l2/enumerate.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "v4l2/role.h"

#define NODES_MAX 256 /* minor numbers of the kernel's video nodes */

enum fitness { NO_USE, OTHER, UNKNOWN, LAST_RESORT, FIT };

/* A node that was looked at. */
struct probed {
	char path[GLINT_NODE_PATH_MAX];
	struct glint_identity identity;
	enum fitness fitness;
	int err; /* of opening it */
};

static enum fitness judge(struct glint_v4l2_access *access, int fd, struct glint_identity *identity)
{
	struct v4l2_capability cap = { 0 };
	struct v4l2_fmtdesc desc = { 0 };

	if (glint_role_ask(access, fd, &cap) < 0 || glint_role_of(&cap) != GLINT_ROLE_CAPTURE)
		return NO_USE;
	glint_identity_read(identity, access, fd, &cap);
	desc.type = glint_role_is_mplane(&cap) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						 V4L2_BUF_TYPE_VIDEO_CAPTURE;
	if (glint_v4l2_ioctl(access, fd, VIDIOC_ENUM_FMT, &desc) < 0)
		return NO_USE;
	return glint_role_is_pipeline(&cap) ? LAST_RESORT : FIT;
}

/* Return whether sysfs tells that the node is of another device. */
static bool is_other(const struct glint_search *search, const struct glint_identity *node)
{
	const struct glint_identity *known = search->known;

	if (search->name.kind == GLINT_DEVICE_USB)
		return !glint_device_name_fits(&search->name, node);
	return known && strcasecmp(known->vendor, node->vendor) != 0;
}

/* Further nodes of a USB device, such as that of the metadata, are not worth a word. */
static bool is_first_node(const struct glint_identity *node)
{
	size_t length = strlen(node->function);

	return *node->card && (length < 2 || strcmp(node->function + length - 2, ".0") == 0);
}

static enum fitness rank(const struct glint_search *search, const struct glint_identity *identity,
			 enum fitness fitness)
{
	if (fitness == NO_USE)
		return NO_USE;
	if (!glint_device_name_fits(&search->name, identity))
		return OTHER;
	if (!search->known)
		return fitness;
	if (glint_identity_same(search->known, identity))
		return FIT;
	return glint_device_name_is_complete(&search->name) ? LAST_RESORT : UNKNOWN;
}

static void probe(const struct glint_search *search, unsigned number, struct probed *probed)
{
	struct glint_v4l2_access *access = search->access;
	int fd;

	*probed = (struct probed){ .fitness = NO_USE };
	snprintf(probed->path, sizeof(probed->path), "/dev/video%u", number);
	glint_identity_read_node(&probed->identity, access, probed->path);
	if (is_other(search, &probed->identity)) {
		probed->fitness = is_first_node(&probed->identity) ? OTHER : NO_USE;
		return;
	}
	fd = access->ops->open(access, probed->path);
	if (fd < 0) {
		probed->err = fd;
		return;
	}
	probed->fitness = rank(search, &probed->identity, judge(access, fd, &probed->identity));
	(void)access->ops->close(access, fd);
}

static void note(struct glint_search *search, const struct probed *probed)
{
	char words[GLINT_IDENTITY_WORDS_MAX];
	size_t length = strlen(search->seen);
	int more;

	glint_identity_words(&probed->identity, words);
	more = snprintf(search->seen + length, sizeof(search->seen) - length, "%s%s %s",
			length > 0 ? ", " : "", probed->path, words);
	if (more < 0 || (size_t)more >= sizeof(search->seen) - length)
		search->seen[length] = '\0';
}

int glint_enumerate_find(struct glint_search *search)
{
	int err = -ENODEV;
	struct probed probed;

	search->path[0] = search->seen[0] = '\0';
	for (unsigned number = 0; number < NODES_MAX; number++) {
		probe(search, number, &probed);
		if (probed.err == -EACCES || probed.err == -EPERM)
			err = -EACCES;
		if (probed.fitness == UNKNOWN)
			err = -EREMCHG;
		if (probed.fitness == OTHER || probed.fitness == UNKNOWN)
			note(search, &probed);
		if (probed.fitness == FIT || (probed.fitness == LAST_RESORT && !*search->path))
			memcpy(search->path, probed.path, sizeof(search->path));
		if (probed.fitness == FIT)
			break;
	}
	return *search->path ? 0 : err;
}
