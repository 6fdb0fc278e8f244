/* SPDX-License-Identifier: MIT */
/*
 * The connector of a capture device: the selected input, its TV standard or DV timings,
 * the state of the signal, and the event that the source has changed. Errors are V4L2's:
 * -ENOLINK no signal, -ENOLCK no lock, -ERANGE timings that the receiver cannot take, and -EHOSTDOWN
 * no signal and no power from the source (its 5 V).
 */
#ifndef GLINT_V4L2_INPUT_H
#define GLINT_V4L2_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "v4l2/controls.h"

struct glint_vdev;

/*
 * Find the input that @wished names: a number, or a name in any case of which the first words are
 * enough ("HDMI" is "HDMI 000-0"). *@names lists the inputs of the device; "": it has no inputs.
 * -EINVAL: there is no such input, or more than one begins so.
 */
#define GLINT_INPUT_NAMES 512u
int glint_input_find(const struct glint_vdev *vdev, const char *wished, uint32_t *input,
		     char names[GLINT_INPUT_NAMES]);

/*
 * Select @input and find out whether it has DV timings. A device without inputs accepts
 * @input 0 only: -EINVAL for others.
 */
int glint_input_select(struct glint_vdev *vdev, uint32_t input);

/* @standard: v4l2_std_id. */
int glint_input_set_standard(struct glint_vdev *vdev, uint64_t standard);

/* The present standard; 0: the input has none. */
uint64_t glint_input_standard(const struct glint_vdev *vdev);

/* The standards that the selected input takes. */
uint64_t glint_input_standards(const struct glint_vdev *vdev);

/*
 * Subscribe to V4L2_EVENT_SOURCE_CHANGE of the selected input, and to its power; set
 * vdev->has_events.
 */
void glint_input_subscribe(struct glint_vdev *vdev);
/* No events of @input any more, which was selected before. */
void glint_input_unsubscribe(const struct glint_vdev *vdev, uint32_t input);

#define GLINT_INPUT_CHANGES_MAX 64u

/* Changes of controls, oldest first; more than these are left out. */
struct glint_input_changes {
	unsigned n;
	struct glint_control_change list[GLINT_INPUT_CHANGES_MAX];
};

/*
 * Dequeue all pending events; true if the source has changed. *@changes gets the changes of controls;
 * NULL: nobody wants them.
 */
bool glint_input_changed(struct glint_vdev *vdev, struct glint_input_changes *changes);

/*
 * There is no signal (-ENOLINK). Returns that, or -EHOSTDOWN if the receiver measures no power from
 * the source.
 */
int glint_input_explain_loss(const struct glint_vdev *vdev);

/*
 * Compare the signal with the one that the stream is set up for. Returns 0 if it is the
 * same, 1 if it has changed, a negative errno if there is no signal. Changes neither @vdev nor the
 * device, and does not disturb the stream. @deep also queries the DV timings; some receivers need a
 * quarter of a second to measure them, so callers need a reason.
 */
int glint_input_check(const struct glint_vdev *vdev, bool deep);
#endif
