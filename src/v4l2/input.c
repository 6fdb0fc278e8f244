/* SPDX-License-Identifier: MIT */
#include "v4l2/input.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "v4l2/timings.h"
#include "v4l2/vdev.h"

#define EVENTS_MAX 64 /* dequeued per call; a driver's queue is far shorter */

#define INPUTS_MAX 128u

/* Whether @name is @wished, or begins with it: 2, 1, or 0. */
static int likeness(const char *name, const char *wished)
{
	size_t n = strlen(wished);

	if (strcasecmp(name, wished) == 0)
		return 2;
	return n > 0 && strncasecmp(name, wished, n) == 0;
}

int glint_input_find(const struct glint_vdev *vdev, const char *wished, uint32_t *input,
		     char names[GLINT_INPUT_NAMES])
{
	bool is_number = *wished && !wished[strspn(wished, "0123456789")];
	unsigned n_alike = 0, n_inputs = 0;
	int best = 0;
	size_t used = 0;

	*names = '\0';
	if (is_number)
		*input = (uint32_t)strtoul(wished, NULL, 10);
	for (uint32_t i = 0; i < INPUTS_MAX; i++) {
		struct v4l2_input entry = { .index = i };
		char name[sizeof(entry.name) + 1] = "";
		int alike;

		if (glint_vdev_ioctl(vdev, VIDIOC_ENUMINPUT, &entry) < 0)
			break;
		n_inputs++;
		memcpy(name, entry.name, sizeof(entry.name));
		if (used + sizeof(name) + 16 < GLINT_INPUT_NAMES)
			used += (size_t)snprintf(names + used, GLINT_INPUT_NAMES - used,
						 "%s%u (%s)", i > 0 ? ", " : "", i, name);
		alike = is_number ? 0 : likeness(name, wished);
		if (alike > best)
			n_alike = 0;
		if (alike == 0 || alike < best)
			continue;
		best = alike;
		n_alike++;
		*input = i;
	}
	if (is_number)
		return n_inputs == 0 || *input < n_inputs ? 0 : -EINVAL;
	return n_alike == 1 ? 0 : -EINVAL;
}

static int enum_input(const struct glint_vdev *vdev, struct v4l2_input *input)
{
	*input = (struct v4l2_input){ .index = vdev->input };
	return glint_vdev_ioctl(vdev, VIDIOC_ENUMINPUT, input);
}

/*
 * The control has a bit for each HDMI input of a node, in their order, and for each pad of a
 * subdevice.
 */
static unsigned find_power_bit(const struct glint_vdev *vdev)
{
	unsigned bit = 0;

	if (vdev->receiver_fd >= 0)
		return vdev->receiver_pad;
	for (uint32_t i = 0; i < vdev->input; i++) {
		struct v4l2_input input = { .index = i };

		if (glint_vdev_ioctl(vdev, VIDIOC_ENUMINPUT, &input) < 0)
			break;
		bit += (input.capabilities & V4L2_IN_CAP_DV_TIMINGS) != 0;
	}
	return bit;
}

int glint_input_select(struct glint_vdev *vdev, uint32_t input)
{
	struct v4l2_input description;
	int index = (int)input;
	int err = glint_vdev_ioctl(vdev, VIDIOC_S_INPUT, &index);

	/* Capture nodes behind a media controller have no inputs. */
	if (err == -ENOTTY)
		err = input == 0 ? 0 : -EINVAL;
	if (err < 0)
		return err;

	vdev->input = input;
	vdev->timings = (struct glint_timings){ 0 };
	vdev->has_dv_timings = vdev->receiver_fd >= 0 ||
			       (enum_input(vdev, &description) >= 0 &&
				description.capabilities & V4L2_IN_CAP_DV_TIMINGS);
	vdev->power_bit = find_power_bit(vdev);
	return 0;
}

int glint_input_set_standard(struct glint_vdev *vdev, uint64_t standard)
{
	v4l2_std_id id = standard;

	return glint_vdev_ioctl(vdev, VIDIOC_S_STD, &id);
}

uint64_t glint_input_standard(const struct glint_vdev *vdev)
{
	v4l2_std_id id = 0;

	return glint_vdev_ioctl(vdev, VIDIOC_G_STD, &id) < 0 ? 0 : id;
}

uint64_t glint_input_standards(const struct glint_vdev *vdev)
{
	struct v4l2_input input;

	return enum_input(vdev, &input) < 0 ? 0 : input.std;
}

void glint_input_unsubscribe(const struct glint_vdev *vdev, uint32_t input)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.id = vdev->receiver_fd < 0 ? input : vdev->receiver_pad,
	};

	if (vdev->has_events)
		(void)glint_vdev_receiver_ioctl(vdev, VIDIOC_UNSUBSCRIBE_EVENT, &subscription);
}

void glint_input_subscribe(struct glint_vdev *vdev)
{
	/* The id is the index of the input: id 0 would subscribe to another input's events. */
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.id = vdev->receiver_fd < 0 ? vdev->input : vdev->receiver_pad,
	};

	vdev->has_events = glint_vdev_receiver_ioctl(vdev, VIDIOC_SUBSCRIBE_EVENT, &subscription) >=
			   0;
	/* A cable that is pulled changes the power only, while there is no signal. */
	subscription.type = V4L2_EVENT_CTRL;
	subscription.id = V4L2_CID_DV_RX_POWER_PRESENT;
	if (vdev->has_events)
		(void)glint_vdev_receiver_ioctl(vdev, VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

static void take_change(const struct v4l2_event *event, struct glint_input_changes *changes)
{
	const struct v4l2_event_ctrl *ctrl = &event->u.ctrl;
	bool is_string = ctrl->type == V4L2_CTRL_TYPE_STRING;

	if (changes->n == GLINT_INPUT_CHANGES_MAX)
		return;
	changes->list[changes->n++] = (struct glint_control_change){
		.id = event->id,
		.has_value = ctrl->changes & V4L2_EVENT_CTRL_CH_VALUE && !is_string &&
			     ctrl->type < V4L2_CTRL_COMPOUND_TYPES,
		.value = ctrl->type == V4L2_CTRL_TYPE_INTEGER64 ? ctrl->value64 : ctrl->value,
	};
}

bool glint_input_changed(struct glint_vdev *vdev, struct glint_input_changes *changes)
{
	bool changed = false;

	for (unsigned i = 0; i < EVENTS_MAX; i++) {
		struct v4l2_event event = { 0 };
		int err = glint_vdev_ioctl(vdev, VIDIOC_DQEVENT, &event);

		/* The receiver may be a device of its own. */
		if (err < 0 && vdev->receiver_fd >= 0)
			err = glint_vdev_receiver_ioctl(vdev, VIDIOC_DQEVENT, &event);
		if (err < 0)
			break;
		changed |=
			event.type == V4L2_EVENT_SOURCE_CHANGE ||
			(event.type == V4L2_EVENT_CTRL && event.id == V4L2_CID_DV_RX_POWER_PRESENT);
		if (event.type == V4L2_EVENT_CTRL && changes)
			take_change(&event, changes);
	}
	return changed;
}

int glint_input_explain_loss(const struct glint_vdev *vdev)
{
	struct v4l2_control power = { .id = V4L2_CID_DV_RX_POWER_PRESENT };

	if (vdev->power_bit >= 32 || glint_vdev_receiver_ioctl(vdev, VIDIOC_G_CTRL, &power) < 0)
		return -ENOLINK;
	return (uint32_t)power.value & 1u << vdev->power_bit ? -ENOLINK : -EHOSTDOWN;
}

int glint_input_check(const struct glint_vdev *vdev, bool deep)
{
	struct v4l2_dv_timings dv = { 0 };
	struct v4l2_input input;
	int err;

	/* A subdevice has no inputs: the query is its only status. */
	if (vdev->receiver_fd >= 0) {
		err = glint_timings_check(vdev);
		return err == -EBUSY && !deep ? 0 : err;
	}
	err = enum_input(vdev, &input);
	if (err == -ENODEV)
		return err;
	if (err >= 0 && input.status & V4L2_IN_ST_NO_POWER)
		return -EHOSTDOWN;
	if (err >= 0 && input.status & V4L2_IN_ST_NO_SIGNAL)
		return vdev->has_dv_timings ? glint_input_explain_loss(vdev) : -ENOLINK;
	if (err >= 0 &&
	    input.status & (V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_V_LOCK | V4L2_IN_ST_NO_SYNC)) {
		/* vivid reports "no lock" also for timings that are out of range. */
		if (vdev->has_dv_timings &&
		    glint_vdev_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv) == -ERANGE)
			return -ERANGE;
		return -ENOLCK;
	}
	return deep && vdev->timings.width > 0 ? glint_timings_check(vdev) : 0;
}
