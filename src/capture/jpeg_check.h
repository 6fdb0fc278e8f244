/* SPDX-License-Identifier: MIT */
#ifndef GLINT_CAPTURE_JPEG_CHECK_H
#define GLINT_CAPTURE_JPEG_CHECK_H

#include <stddef.h>
#include <stdint.h>

/*
 * A cheap look at a JPEG that a device has made: does it begin and end as one? Returns
 * its length without what the device has padded it with; 0 when it does not begin as a
 * JPEG; -EBADMSG when it lacks its end. Pure.
 */
long glint_jpeg_length(const uint8_t *data, size_t used);
#endif
