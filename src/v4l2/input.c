/* SPDX-License-Identifier: MIT */
#include "v4l2/input.h"

#include <errno.h>
#include <linux/videodev2.h>

#include "base/cleanup.h"
#include "v4l2/vdev.h"

#define EVENTS_MAX 64	/* dequeued per call; a driver's queue is far shorter */

static int enum_input(const struct glint_vdev *vdev, struct v4l2_input *input)
{
	*input = (struct v4l2_input){ .index = vdev->input };
	return glint_vdev_ioctl(vdev, VIDIOC_ENUMINPUT, input);
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
	vdev->has_dv_timings = enum_input(vdev, &description) >= 0 &&
			       description.capabilities & V4L2_IN_CAP_DV_TIMINGS;
	return 0;
}

int glint_input_set_standard(struct glint_vdev *vdev, uint64_t standard)
{
	v4l2_std_id id = standard;

	return glint_vdev_ioctl(vdev, VIDIOC_S_STD, &id);
}

void glint_input_subscribe(struct glint_vdev *vdev)
{
	/* The id is the input's index: id 0 would subscribe to another input's events. */
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.id = vdev->input,
	};

	vdev->has_events = glint_vdev_ioctl(vdev, VIDIOC_SUBSCRIBE_EVENT, &subscription) >= 0;
}

bool glint_input_changed(struct glint_vdev *vdev)
{
	bool changed = false;

	for (unsigned i = 0; vdev->has_events && i < EVENTS_MAX; i++) {
		struct v4l2_event event = { 0 };

		if (glint_vdev_ioctl(vdev, VIDIOC_DQEVENT, &event) < 0)
			break;
		changed |= event.type == V4L2_EVENT_SOURCE_CHANGE;
	}
	return changed;
}

static uint64_t frame_lines(const struct v4l2_bt_timings *bt)
{
	uint64_t lines = (uint64_t)bt->height + bt->vfrontporch + bt->vsync + bt->vbackporch;

	if (bt->interlaced)
		lines += (uint64_t)bt->il_vfrontporch + bt->il_vsync + bt->il_vbackporch;
	return lines;
}

static uint32_t timings_rate(const struct v4l2_bt_timings *bt)
{
	uint64_t line = (uint64_t)bt->width + bt->hfrontporch + bt->hsync + bt->hbackporch;
	uint64_t pixels;

	if (__builtin_mul_overflow(line, frame_lines(bt), &pixels) || pixels == 0 ||
	    bt->pixelclock > UINT64_MAX / 1000)
		return 0;
	return (uint32_t)MIN(bt->pixelclock * 1000 / pixels, (uint64_t)UINT32_MAX);
}

static int take_timings(const struct v4l2_dv_timings *dv, struct glint_timings *timings)
{
	const struct v4l2_bt_timings *bt = &dv->bt;

	if (dv->type != V4L2_DV_BT_656_1120 || bt->width == 0 || bt->height == 0)
		return -ERANGE;
	*timings = (struct glint_timings){
		.width = bt->width,
		.height = bt->height,
		.pixelclock = bt->pixelclock,
		.interlaced = bt->interlaced,
		.rate_millihz = timings_rate(bt),
	};
	return 0;
}

int glint_input_follow_timings(struct glint_vdev *vdev)
{
	struct v4l2_dv_timings dv = { 0 };
	struct glint_timings timings;
	int err = glint_vdev_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);

	if (err < 0)
		return err;
	err = take_timings(&dv, &timings);
	if (err < 0)
		return err;
	err = glint_vdev_ioctl(vdev, VIDIOC_S_DV_TIMINGS, &dv);
	if (err < 0)	/* vivid detects interlaced timings that it cannot capture */
		return err == -EINVAL ? -ERANGE : err;
	vdev->timings = timings;
	return 0;
}

/* Receivers measure the pixel clock, so two readings of one signal differ slightly. */
static bool clock_differs(uint64_t one, uint64_t other)
{
	uint64_t difference = one > other ? one - other : other - one;

	return difference > MAX(one, other) / 100;
}

static int check_timings(const struct glint_vdev *vdev)
{
	const struct glint_timings *before = &vdev->timings;
	struct v4l2_dv_timings dv = { 0 };
	struct glint_timings now;
	int err = glint_vdev_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);

	/* Some receivers cannot measure while they stream: the driver's event must do. */
	if (err == -EBUSY || err == -ENOTTY || err == -ENODATA)
		return 0;
	if (err >= 0)
		err = take_timings(&dv, &now);
	if (err < 0)
		return err;
	return now.width != before->width || now.height != before->height ||
	       now.interlaced != before->interlaced ||
	       clock_differs(now.pixelclock, before->pixelclock);
}

/* vivid reports no lock for timings that are out of range, too. */
static int why_no_lock(const struct glint_vdev *vdev)
{
	struct v4l2_dv_timings dv = { 0 };

	if (!vdev->has_dv_timings)
		return -ENOLCK;
	return glint_vdev_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv) == -ERANGE ? -ERANGE : -ENOLCK;
}

int glint_input_check(const struct glint_vdev *vdev, bool deep)
{
	struct v4l2_input input;
	int err = enum_input(vdev, &input);

	if (err == -ENODEV)
		return err;
	if (err >= 0 && input.status & (V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL))
		return -ENOLINK;
	if (err >= 0 &&
	    input.status & (V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_V_LOCK | V4L2_IN_ST_NO_SYNC))
		return why_no_lock(vdev);
	return deep && vdev->timings.width > 0 ? check_timings(vdev) : 0;
}
