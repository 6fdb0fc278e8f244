/* SPDX-License-Identifier: MIT */
/*
 * What a device's connector is told and says: the chosen input, its TV standard
 * or DV timings, whether there is a signal, and the event that it has changed.
 * V4L2's own errors: -ENOLINK no signal, -ENOLCK no lock, -ERANGE timings that
 * the receiver cannot take.
 */
#ifndef GLINT_V4L2_INPUT_H
#define GLINT_V4L2_INPUT_H

#include <stdbool.h>
#include <stdint.h>

struct glint_vdev;

/*
 * Chooses @input and learns whether it has DV timings. A device without inputs is
 * fine as long as @input is 0; else -EINVAL.
 */
int glint_input_select(struct glint_vdev *vdev, uint32_t input);

/* @standard: v4l2_std_id. */
int glint_input_set_standard(struct glint_vdev *vdev, uint64_t standard);

/* Asks to be told of changes of the source: vdev->has_events. The input is chosen. */
void glint_input_subscribe(struct glint_vdev *vdev);

/* Takes all waiting events; true when one says that the source has changed. */
bool glint_input_changed(struct glint_vdev *vdev);

/*
 * Detects the timings of the signal and sets the device up for them: vdev->timings.
 * -ENODATA or -ENOTTY: this input has none.
 */
int glint_input_follow_timings(struct glint_vdev *vdev);

/*
 * Is the signal still the one that the stream is set up for? 1: it has changed, 0: it
 * is, negative: there is none. Changes nothing, not even @vdev, and does not disturb
 * the stream. DV timings are only asked for with @deep: some receivers measure for
 * long, so that is for when there is reason to.
 */
int glint_input_check(const struct glint_vdev *vdev, bool deep);
#endif
