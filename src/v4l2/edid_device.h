/* SPDX-License-Identifier: MIT */
/*
 * The EDID that a device shows to its source. It belongs to the receiver of the chosen input: on a
 * node the pad is the input's index, on a subdevice it is the pad of the signal. Calls may take
 * 100 ms and more, because receivers announce a new EDID by a pulse of the hot-plug line.
 */
#ifndef GLINT_V4L2_EDID_DEVICE_H
#define GLINT_V4L2_EDID_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "v4l2/edid.h"

struct glint_vdev;

/*
 * Read the EDID into @edid, which has GLINT_EDID_SIZE_MAX bytes. -ENODATA: the device has none at
 * present; -ENOTTY: it has no EDID at all; -EPROTO: it says that it has more than the standard allows.
 */
int glint_edid_read(const struct glint_vdev *vdev, uint8_t *edid, size_t *size);

/*
 * Write @edid, whole blocks, whose sums the caller has checked: drivers accept wrong ones. Then read
 * it back. @size 0: remove the EDID, so that the source sees no display. -E2BIG: the device takes
 * *@blocks_max blocks only; -EBUSY: buffers exist, of this process or another one; -EIO: what the
 * device has now is another EDID; -ENOTTY: the device has no EDID.
 */
int glint_edid_write(const struct glint_vdev *vdev, const uint8_t *edid, size_t size,
		     unsigned *blocks_max);

/* Compare two EDIDs, except for their physical addresses. Drivers with CEC fill in the address. */
bool glint_edid_same(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size);
#endif
