/* SPDX-License-Identifier: MIT */
/*
 * The device's controls: one of each simple type, and controls that drivers refuse. Numbers out of
 * range are clamped silently, as the kernel's control framework does.
 *
 *	rotate		EBUSY while the device streams
 *	gain		EACCES while gain_automatic is set
 *	focus_absolute	each change takes V4L2EMU_CONTROL_MS milliseconds
 *	sensor_serial	read-only
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "emu.h"

#define PRIVATE(n) (V4L2_CID_USER_BASE | 0x1000 | (n))
#define LABEL	   PRIVATE(1)
#define BITS	   PRIVATE(2)
#define BIG	   PRIVATE(3)
#define LINK	   PRIVATE(4)
#define SERIAL	   PRIVATE(5)
#define LABEL_MAX  15

static const char *const line_frequencies[] = { "Disabled", "50 Hz", NULL, "Auto" };
static const int64_t link_frequencies[] = { 148500000, 297000000 };

/* In the order of their ids. */
static const struct v4l2_query_ext_ctrl controls[] = {
	{ V4L2_CID_USER_CLASS, V4L2_CTRL_TYPE_CTRL_CLASS, "User Controls",
	  .flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_WRITE_ONLY },
	{ V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", 0, 255, 1, 128,
	  V4L2_CTRL_FLAG_SLIDER, 4, 1 },
	{ V4L2_CID_CONTRAST, V4L2_CTRL_TYPE_INTEGER, "Contrast", 0, 100, 5, 50, 0, 4, 1 },
	{ V4L2_CID_DO_WHITE_BALANCE, V4L2_CTRL_TYPE_BUTTON, "White Balance, Do", 0, 0, 0, 0,
	  V4L2_CTRL_FLAG_WRITE_ONLY | V4L2_CTRL_FLAG_EXECUTE_ON_WRITE, 4, 1 },
	{ V4L2_CID_AUTOGAIN, V4L2_CTRL_TYPE_BOOLEAN, "Gain, Automatic", 0, 1, 1, 1,
	  V4L2_CTRL_FLAG_UPDATE, 4, 1 },
	{ V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, "Gain", 0, 63, 1, 16, 0, 4, 1 },
	{ V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 0, 3, 1, 1, 0,
	  4, 1 },
	{ V4L2_CID_ROTATE, V4L2_CTRL_TYPE_INTEGER, "Rotate", 0, 270, 90, 0, 0, 4, 1 },
	{ LABEL, V4L2_CTRL_TYPE_STRING, "Label", 2, LABEL_MAX, 1, 0, V4L2_CTRL_FLAG_HAS_PAYLOAD,
	  LABEL_MAX + 1, 1 },
	{ BITS, V4L2_CTRL_TYPE_BITMASK, "Bits", 0, 0x80000003, 0, 2, 0, 4, 1 },
	{ BIG, V4L2_CTRL_TYPE_INTEGER64, "Big Number", -1099511627776, 1099511627776, 1, 7, 0, 8,
	  1 },
	{ LINK, V4L2_CTRL_TYPE_INTEGER_MENU, "Link Frequency", 0, 1, 1, 0, 0, 4, 1 },
	{ SERIAL, V4L2_CTRL_TYPE_INTEGER, "Sensor Serial", 0, 99, 1, 42, V4L2_CTRL_FLAG_READ_ONLY,
	  4, 1 },
	{ V4L2_CID_CAMERA_CLASS, V4L2_CTRL_TYPE_CTRL_CLASS, "Camera Controls",
	  .flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_WRITE_ONLY },
	{ V4L2_CID_FOCUS_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Focus, Absolute", 0, 250, 1, 0, 0, 4,
	  1 },
};

/* Guarded by the device's `control` lock. */
static int64_t values[ARRAY_SIZE(controls)];
static char label[LABEL_MAX + 1] = "emulated";

void emu_controls_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		values[i] = controls[i].default_value;
}

static const struct v4l2_query_ext_ctrl *find(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].id == id)
			return &controls[i];
	return NULL;
}

static int64_t *value_of(const struct v4l2_query_ext_ctrl *control)
{
	return &values[control - controls];
}

static bool is_automatic(void)
{
	return *value_of(find(V4L2_CID_AUTOGAIN)) != 0;
}

/* --- Properties --------------------------------------------------------------------------- */

int emu_query_ext_ctrl(struct emu_handle *handle, void *arg)
{
	const uint32_t next = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
	struct v4l2_query_ext_ctrl *query = arg;
	uint32_t id = query->id & ~next;

	(void)handle;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (query->id & next ? controls[i].id > id : controls[i].id == id) {
			*query = controls[i];
			if (query->id == V4L2_CID_ROTATE && emu_device()->streaming)
				query->flags |= V4L2_CTRL_FLAG_GRABBED;
			if (query->id == V4L2_CID_GAIN && is_automatic())
				query->flags |= V4L2_CTRL_FLAG_INACTIVE | V4L2_CTRL_FLAG_VOLATILE;
			return 0;
		}
	return -EINVAL;
}

int emu_queryctrl(struct emu_handle *handle, void *arg)
{
	struct v4l2_queryctrl *out = arg;
	struct v4l2_query_ext_ctrl query = { .id = out->id };
	bool is_big;
	int err = emu_query_ext_ctrl(handle, &query);

	if (err < 0)
		return err;
	is_big = query.type == V4L2_CTRL_TYPE_INTEGER64; /* has no range in this structure */
	*out = (struct v4l2_queryctrl){
		.id = query.id,
		.type = query.type,
		.minimum = is_big ? 0 : (int32_t)query.minimum,
		.maximum = is_big ? 0 : (int32_t)query.maximum,
		.step = is_big ? 0 : (int32_t)query.step,
		.default_value = is_big ? 0 : (int32_t)query.default_value,
		.flags = query.flags,
	};
	memcpy(out->name, query.name, sizeof(out->name));
	return 0;
}

int emu_querymenu(struct emu_handle *handle, void *arg)
{
	struct v4l2_querymenu *menu = arg;

	(void)handle;
	if (menu->id == LINK && menu->index < ARRAY_SIZE(link_frequencies)) {
		menu->value = link_frequencies[menu->index];
		return 0;
	}
	if (menu->id != V4L2_CID_POWER_LINE_FREQUENCY ||
	    menu->index >= ARRAY_SIZE(line_frequencies) || !line_frequencies[menu->index])
		return -EINVAL;
	strcpy((char *)menu->name, line_frequencies[menu->index]);
	return 0;
}

/* --- Values ------------------------------------------------------------------------------- */

static int get(const struct v4l2_query_ext_ctrl *control, struct v4l2_ext_control *ext)
{
	if (control->flags & V4L2_CTRL_FLAG_WRITE_ONLY)
		return -EACCES;
	if (control->type == V4L2_CTRL_TYPE_STRING) {
		if (ext->size < control->elem_size) {
			ext->size = control->elem_size;
			return -ENOSPC;
		}
		strcpy(ext->string, label);
	} else if (control->type == V4L2_CTRL_TYPE_INTEGER64) {
		ext->value64 = *value_of(control);
	} else {
		ext->value = (int32_t)*value_of(control);
	}
	return 0;
}

/* Put what the driver would make of the value into @ext. */
static int adjust(const struct v4l2_query_ext_ctrl *control, struct v4l2_ext_control *ext)
{
	int64_t step = (int64_t)control->step;
	size_t length;

	switch (control->type) {
	case V4L2_CTRL_TYPE_INTEGER:
		ext->value = (int32_t)MIN(MAX(ext->value, control->minimum), control->maximum);
		ext->value = (int32_t)((ext->value + step / 2) / step * step);
		return 0;
	case V4L2_CTRL_TYPE_INTEGER64:
		ext->value64 = MIN(MAX(ext->value64, control->minimum), control->maximum);
		return 0;
	case V4L2_CTRL_TYPE_BOOLEAN:
		ext->value = !!ext->value;
		return 0;
	case V4L2_CTRL_TYPE_BITMASK:
		ext->value &= (int32_t)(uint32_t)control->maximum;
		return 0;
	case V4L2_CTRL_TYPE_MENU:
		return ext->value < 0 || ext->value > 3 || !line_frequencies[ext->value] ? -ERANGE :
											   0;
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		return ext->value < 0 || ext->value > control->maximum ? -ERANGE : 0;
	case V4L2_CTRL_TYPE_STRING:
		if (ext->size < control->elem_size)
			return -ENOSPC;
		length = strnlen(ext->string, control->elem_size);
		return (int64_t)length < control->minimum || length > LABEL_MAX ? -ERANGE : 0;
	default:
		return 0;
	}
}

static int check(const struct v4l2_query_ext_ctrl *control, struct v4l2_ext_control *ext)
{
	if (control->flags & V4L2_CTRL_FLAG_READ_ONLY)
		return -EACCES;
	if (control->id == V4L2_CID_GAIN && is_automatic())
		return -EACCES;
	return adjust(control, ext);
}

static void set(const struct v4l2_query_ext_ctrl *control, const struct v4l2_ext_control *ext)
{
	unsigned ms = emu_device()->settings.control_ms;
	const struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };

	if (control->id == V4L2_CID_FOCUS_ABSOLUTE && ms > 0)
		nanosleep(&pause, NULL);
	if (control->type == V4L2_CTRL_TYPE_STRING)
		memcpy(label, ext->string, strlen(ext->string) + 1);
	else if (control->type == V4L2_CTRL_TYPE_INTEGER64)
		*value_of(control) = ext->value64;
	else
		*value_of(control) = ext->value;
}

static bool is_grabbed(const struct v4l2_query_ext_ctrl *control)
{
	return control->id == V4L2_CID_ROTATE && emu_device()->streaming;
}

/* error_idx is the number of controls where S_EXT_CTRLS refuses before it has set anything. */
static int check_all(struct v4l2_ext_controls *all, bool is_set)
{
	for (uint32_t i = 0; i < all->count; i++) {
		const struct v4l2_query_ext_ctrl *control = find(all->controls[i].id);
		int err = !control			? -EINVAL :
			  is_set && is_grabbed(control) ? -EBUSY :
							  check(control, &all->controls[i]);

		if (err < 0) {
			all->error_idx = is_set ? all->count : i;
			return err;
		}
	}
	return 0;
}

int emu_g_ext_ctrls(struct emu_handle *handle, void *arg)
{
	struct v4l2_ext_controls *all = arg;

	(void)handle;
	for (uint32_t i = 0; i < all->count; i++) {
		const struct v4l2_query_ext_ctrl *control = find(all->controls[i].id);
		int err = control ? get(control, &all->controls[i]) : -EINVAL;

		if (err < 0) {
			all->error_idx = i;
			return err;
		}
	}
	return 0;
}

int emu_try_ext_ctrls(struct emu_handle *handle, void *arg)
{
	(void)handle;
	return check_all(arg, false);
}

int emu_s_ext_ctrls(struct emu_handle *handle, void *arg)
{
	struct v4l2_ext_controls *all = arg;
	int err = check_all(all, true);

	(void)handle;
	for (uint32_t i = 0; i < all->count && err == 0; i++)
		set(find(all->controls[i].id), &all->controls[i]);
	return err;
}

/* --- One control ----------------------------------------------------------------------------- */

int emu_g_ctrl(struct emu_handle *handle, void *arg)
{
	struct v4l2_control *one = arg;
	const struct v4l2_query_ext_ctrl *control = find(one->id);
	struct v4l2_ext_control ext = { .id = one->id };
	int err;

	(void)handle;
	if (!control || control->type == V4L2_CTRL_TYPE_STRING ||
	    control->type == V4L2_CTRL_TYPE_INTEGER64)
		return -EINVAL;
	err = get(control, &ext);
	one->value = ext.value;
	return err;
}

int emu_s_ctrl(struct emu_handle *handle, void *arg)
{
	struct v4l2_control *one = arg;
	const struct v4l2_query_ext_ctrl *control = find(one->id);
	struct v4l2_ext_control ext = { .id = one->id, .value = one->value };
	int err;

	(void)handle;
	if (!control || control->type == V4L2_CTRL_TYPE_STRING ||
	    control->type == V4L2_CTRL_TYPE_INTEGER64)
		return -EINVAL;
	err = is_grabbed(control) ? -EBUSY : check(control, &ext);
	if (err < 0)
		return err;
	set(control, &ext);
	one->value = ext.value;
	return 0;
}
