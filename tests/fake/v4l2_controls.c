/* SPDX-License-Identifier: MIT */
/*
 * The controls of the scripted device: one of each type, as a driver of the kernel's control
 * framework behaves. Numbers out of range are clamped silently; a menu refuses them.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "v4l2.h"
#include "v4l2_answers.h"

#define PRIVATE(n) (V4L2_CID_USER_BASE | 0x1000 | (n))

/* In the order of their ids. */
static const struct v4l2_query_ext_ctrl controls[] = {
	{ V4L2_CID_USER_CLASS, V4L2_CTRL_TYPE_CTRL_CLASS, "User Controls",
	  .flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_WRITE_ONLY },
	{ V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", 0, 100, 1, 50,
	  V4L2_CTRL_FLAG_SLIDER, 4, 1 },
	{ V4L2_CID_CONTRAST, V4L2_CTRL_TYPE_INTEGER, "Contrast", 0, 100, 5, 50, 0, 4, 1 },
	{ V4L2_CID_DO_WHITE_BALANCE, V4L2_CTRL_TYPE_BUTTON, "White Balance, Do", 0, 0, 0, 0,
	  V4L2_CTRL_FLAG_WRITE_ONLY | V4L2_CTRL_FLAG_EXECUTE_ON_WRITE, 4, 1 },
	{ V4L2_CID_HFLIP, V4L2_CTRL_TYPE_BOOLEAN, "Horizontal Flip", 0, 1, 1, 0, 0, 4, 1 },
	{ V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 0, 3, 1, 1, 0,
	  4, 1 },
	{ V4L2_CID_AUTOBRIGHTNESS, V4L2_CTRL_TYPE_BOOLEAN, "Brightness, Automatic", 0, 1, 1, 1, 0,
	  4, 1 },
	{ PRIVATE(1), V4L2_CTRL_TYPE_INTEGER64, "Big Number", -1099511627776, 1099511627776, 1, 7,
	  0, 8, 1 },
	{ PRIVATE(2), V4L2_CTRL_TYPE_STRING, "Label", 0, 8, 1, 0, V4L2_CTRL_FLAG_HAS_PAYLOAD, 9,
	  1 },
	{ PRIVATE(3), V4L2_CTRL_TYPE_BITMASK, "Bits", 0, 0x80000003, 0, 2, 0, 4, 1 },
	{ PRIVATE(4), V4L2_CTRL_TYPE_INTEGER_MENU, "Link Frequency", 0, 1, 1, 0, 0, 4, 1 },
	{ PRIVATE(5), V4L2_CTRL_TYPE_INTEGER, "Serial", 0, 99, 1, 42, V4L2_CTRL_FLAG_READ_ONLY, 4,
	  1 },
	{ PRIVATE(6),
	  V4L2_CTRL_TYPE_U8,
	  "Matrix",
	  0,
	  255,
	  1,
	  9,
	  V4L2_CTRL_FLAG_HAS_PAYLOAD,
	  1,
	  6,
	  2,
	  { 2, 3 } },
	{ PRIVATE(7), V4L2_CTRL_TYPE_INTEGER, "\xe4\xba\xae\xe5\xba\xa6", 0, 9, 1, 5, 0, 4, 1 },
	{ PRIVATE(8), V4L2_CTRL_TYPE_MENU, "Wild Menu", INT64_MIN, INT64_MAX, 1, 0, 0, 4, 1 },
	{ PRIVATE(9), V4L2_CTRL_TYPE_MENU, "Long Menu", 0, INT64_MAX, 1, 0, 0, 4, 1 },
};

static const struct v4l2_query_ext_ctrl *find(uint32_t id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].id == id)
			return &controls[i];
	return NULL;
}

static int64_t *value_of(struct fake_v4l2 *fake, const struct v4l2_query_ext_ctrl *control)
{
	return &fake->control_values[control - controls];
}

void fake_v4l2_reset_controls(struct fake_v4l2 *fake)
{
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		fake->control_values[i] = controls[i].default_value;
	fake->label[0] = '\0';
}

int64_t fake_v4l2_control(struct fake_v4l2 *fake, uint32_t id)
{
	int64_t value;

	fake_v4l2_lock(fake);
	value = *value_of(fake, find(id));
	fake_v4l2_unlock(fake);
	return value;
}

int fake_query_ext_ctrl(struct fake_v4l2 *fake, void *arg)
{
	const uint32_t next = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
	struct v4l2_query_ext_ctrl *query = arg;
	uint32_t id = query->id & ~next;

	(void)fake;
	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++)
		if (query->id & next ? controls[i].id > id : controls[i].id == id) {
			*query = controls[i];
			return 0;
		}
	return -EINVAL;
}

int fake_querymenu(struct fake_v4l2 *fake, void *arg)
{
	static const char *const lines[] = { "Disabled", "50 Hz", NULL, "Auto" };
	struct v4l2_querymenu *menu = arg;

	(void)fake;
	if (menu->id == PRIVATE(4) && menu->index < 2) {
		menu->value = menu->index == 0 ? 297000000 : 148500000;
		return 0;
	}
	if (menu->id != V4L2_CID_POWER_LINE_FREQUENCY || menu->index >= ARRAY_SIZE(lines) ||
	    !lines[menu->index])
		return -EINVAL;
	strcpy((char *)menu->name, lines[menu->index]);
	return 0;
}

static int get(struct fake_v4l2 *fake, const struct v4l2_query_ext_ctrl *control,
	       struct v4l2_ext_control *ext)
{
	switch (control->type) {
	case V4L2_CTRL_TYPE_STRING:
		if (ext->size < control->elem_size)
			return -ENOSPC;
		strcpy(ext->string, fake->label);
		return 0;
	case V4L2_CTRL_TYPE_U8:
		memset(ext->p_u8, 9, control->elems);
		return 0;
	case V4L2_CTRL_TYPE_BUTTON:
		return -EACCES;
	case V4L2_CTRL_TYPE_INTEGER64:
		ext->value64 = *value_of(fake, control);
		return 0;
	default:
		ext->value = (int32_t)*value_of(fake, control);
		return 0;
	}
}

/* What the framework makes of a value, in place. */
static int adjust(const struct v4l2_query_ext_ctrl *control, struct v4l2_ext_control *ext)
{
	int64_t step = (int64_t)control->step;

	switch (control->type) {
	case V4L2_CTRL_TYPE_INTEGER:
		ext->value = (int32_t)MIN(MAX(ext->value, control->minimum), control->maximum);
		ext->value = (int32_t)((ext->value + step / 2) / step * step);
		return 0;
	case V4L2_CTRL_TYPE_MENU:
		return ext->value < 0 || ext->value > 3 || ext->value == 2 ? -ERANGE : 0;
	default:
		return 0;
	}
}

int fake_ext_ctrls(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_ext_controls *all = arg;
	int err = 0;

	for (unsigned i = 0; i < all->count && err == 0; i++) {
		struct v4l2_ext_control *ext = &all->controls[i];
		const struct v4l2_query_ext_ctrl *control = find(ext->id);

		/* S_EXT_CTRLS does not say which control it refuses. */
		all->error_idx = request == VIDIOC_S_EXT_CTRLS ? all->count : i;
		if (!control)
			err = -EINVAL;
		else if (request == VIDIOC_G_EXT_CTRLS)
			err = get(fake, control, ext);
		else if (control->flags & V4L2_CTRL_FLAG_READ_ONLY)
			err = -EACCES;
		else
			err = adjust(control, ext);
	}
	for (unsigned i = 0; err == 0 && request == VIDIOC_S_EXT_CTRLS && i < all->count; i++) {
		const struct v4l2_ext_control *ext = &all->controls[i];
		const struct v4l2_query_ext_ctrl *control = find(ext->id);

		if (fake->control_fails_at == i + 1) {
			all->error_idx = i;
			return -EIO;
		}
		if (control->type == V4L2_CTRL_TYPE_STRING)
			strncpy(fake->label, ext->string, sizeof(fake->label) - 1);
		else if (control->type == V4L2_CTRL_TYPE_INTEGER64)
			*value_of(fake, control) = ext->value64;
		else
			*value_of(fake, control) = ext->value;
		fake->control_writes++;
	}
	return err;
}
