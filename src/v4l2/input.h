/* SPDX-License-Identifier: MIT */
/*
 * The connector of a capture device: the selected input, its TV standard or DV timings,
 * the state of the signal, and the event that the source has changed. Errors are V4L2's:
 * -ENOLINK no signal, -ENOLCK no lock, -ERANGE timings that the receiver cannot take.
 */
#ifndef GLINT_V4L2_INPUT_H
#define GLINT_V4L2_INPUT_H

#include <stdbool.h>
#include <stdint.h>

struct glint_vdev;

/*
 * Selects @input and finds out whether it has DV timings. A device without inputs accepts
 * @input 0 only; else -EINVAL.
 */
int glint_input_select(struct glint_vdev *vdev, uint32_t input);

/* @standard: v4l2_std_id. */
int glint_input_set_standard(struct glint_vdev *vdev, uint64_t standard);

/* Subscribes to V4L2_EVENT_SOURCE_CHANGE of the selected input; sets vdev->has_events. */
void glint_input_subscribe(struct glint_vdev *vdev);

/* Dequeues all pending events; true if the source has changed. */
bool glint_input_changed(struct glint_vdev *vdev);

/*
 * Detects the timings of the signal and sets them: vdev->timings. -ENODATA or -ENOTTY: the
 * input has no DV timings.
 */
int glint_input_follow_timings(struct glint_vdev *vdev);

/*
 * Compares the signal with the one that the stream is set up for. Returns 0 if it is the
 * same, 1 if it has changed, a negative errno if there is none. Changes neither @vdev nor
 * the device, and does not disturb the stream. @deep also queries the DV timings, which some
 * receivers take a quarter of a second to measure: only where there is a reason.
 */
int glint_input_check(const struct glint_vdev *vdev, bool deep);
#endif
