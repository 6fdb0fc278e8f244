/* SPDX-License-Identifier: MIT */
#include "v4l2/edid_device.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "v4l2/vdev.h"

static uint32_t pad_of(const struct glint_vdev *vdev)
{
	return vdev->receiver_fd >= 0 ? vdev->receiver_pad : vdev->input;
}

int glint_edid_read(const struct glint_vdev *vdev, uint8_t *edid, size_t *size)
{
	struct v4l2_edid request = { .pad = pad_of(vdev) };
	int err;

	*size = 0;
	/* Without blocks the call asks for their number. */
	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_G_EDID, &request);
	if (err < 0)
		return err == -EINVAL ? -ENOTTY : err; /* an input without EDID */
	if (request.blocks == 0)
		return -ENODATA;
	if (request.blocks > GLINT_EDID_BLOCKS_MAX)
		return -EPROTO;
	request.start_block = 0;
	request.edid = edid;
	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_G_EDID, &request);
	if (err < 0)
		return err;
	if (request.blocks > GLINT_EDID_BLOCKS_MAX)
		return -EPROTO;
	*size = request.blocks * GLINT_EDID_BLOCK;
	return *size > 0 ? 0 : -ENODATA;
}

/* Write @address into a copy of @edid. */
static uint8_t *with_address(const uint8_t *edid, size_t size, uint16_t address)
{
	uint8_t *copy = malloc(size);

	if (!copy)
		return NULL;
	memcpy(copy, edid, size);
	(void)glint_edid_set_address(copy, size, address);
	return copy;
}

bool glint_edid_same(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size)
{
	uint8_t *copy;
	bool same;

	if (one_size != other_size)
		return false;
	if (one_size == 0 || memcmp(one, other, one_size) == 0)
		return true;
	copy = with_address(other, other_size, glint_edid_address(one, one_size));
	same = copy && memcmp(one, copy, one_size) == 0;
	free(copy);
	return same;
}

static int verify(const struct glint_vdev *vdev, const uint8_t *edid, size_t size)
{
	uint8_t *back = malloc(GLINT_EDID_SIZE_MAX);
	size_t back_size;
	int err;

	if (!back)
		return -ENOMEM;
	err = glint_edid_read(vdev, back, &back_size);
	if (err == -ENODATA) /* also after a removal */
		err = size == 0 ? 0 : -EIO;
	else if (err == 0 && !glint_edid_same(edid, size, back, back_size))
		err = -EIO;
	free(back);
	return err;
}

int glint_edid_write(const struct glint_vdev *vdev, const uint8_t *edid, size_t size,
		     unsigned *blocks_max)
{
	struct v4l2_edid request = {
		.pad = pad_of(vdev),
		.blocks = (uint32_t)(size / GLINT_EDID_BLOCK),
		.edid = (uint8_t *)edid, /* the driver only reads it */
	};
	int err;

	assert(size % GLINT_EDID_BLOCK == 0 && size <= GLINT_EDID_SIZE_MAX);

	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_S_EDID, &request);
	if (err == -E2BIG)
		*blocks_max = request.blocks;
	if (err < 0)
		return err == -EINVAL ? -ENOTTY : err;
	return verify(vdev, edid, size);
}
