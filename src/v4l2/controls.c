/* SPDX-License-Identifier: MIT */
#include "v4l2/controls.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "v4l2/vdev.h"

/* --- Properties ------------------------------------------------------------------------- */

static bool is_menu(const struct glint_control *control)
{
	return control->type == V4L2_CTRL_TYPE_MENU || control->type == V4L2_CTRL_TYPE_INTEGER_MENU;
}

/* A single value that S_EXT_CTRLS takes as a number or a text. */
static bool is_simple(const struct glint_control *control)
{
	return control->type < V4L2_CTRL_COMPOUND_TYPES && control->n_dims == 0;
}

bool glint_control_is_writable(const struct glint_control *control)
{
	return is_simple(control) && control->type != V4L2_CTRL_TYPE_CTRL_CLASS &&
	       !(control->flags & (V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_DISABLED));
}

/* "White Balance, Automatic" becomes "white_balance_automatic", as in v4l2-ctl. */
static void make_name(const char *title, char name[static GLINT_CONTROL_NAME_MAX])
{
	bool gap = false;
	size_t n = 0;

	for (; *title && n + 2 < GLINT_CONTROL_NAME_MAX; title++) {
		if (!isalnum((unsigned char)*title)) {
			gap = n > 0;
			continue;
		}
		if (gap)
			name[n++] = '_';
		gap = false;
		name[n++] = (char)tolower((unsigned char)*title);
	}
	name[n] = '\0';
}

static void take_query(const struct v4l2_query_ext_ctrl *query, struct glint_control *control)
{
	*control = (struct glint_control){
		.id = query->id,
		.type = query->type,
		.flags = query->flags,
		.min = query->minimum,
		.max = query->maximum,
		.fallback = query->default_value,
		.step = query->step,
		.elements = query->elems,
		.element_size = query->elem_size,
		.n_dims = MIN(query->nr_of_dims, 4u),
		.value_err = -ENODATA,
	};
	memcpy(control->dims, query->dims, sizeof(control->dims));
	/* The driver's text may lack its end. */
	snprintf(control->title, sizeof(control->title), "%.32s", query->name);
	make_name(control->title, control->name);
}

int glint_control_query(const struct glint_vdev *vdev, uint32_t id, struct glint_control *control)
{
	struct v4l2_query_ext_ctrl query = { .id = id };
	int err = glint_vdev_ioctl(vdev, VIDIOC_QUERY_EXT_CTRL, &query);

	if (err < 0)
		return err;
	take_query(&query, control);
	return control->flags & V4L2_CTRL_FLAG_DISABLED ? -EINVAL : 0;
}

static void read_items(const struct glint_vdev *vdev, struct glint_control *control)
{
	uint32_t first = (uint32_t)control->min, count;

	if (control->min < 0 || control->min > UINT32_MAX || control->max < control->min)
		return;
	count = (uint32_t)MIN(control->max - control->min, (int64_t)GLINT_CONTROL_ITEMS_MAX - 1) +
		1;
	control->items = calloc(count, sizeof(*control->items));
	for (uint32_t i = 0; control->items && i < count; i++) {
		struct glint_control_item *item = &control->items[control->n_items];
		struct v4l2_querymenu menu = { .id = control->id, .index = first + i };

		/* A driver may skip items. */
		if (glint_vdev_ioctl(vdev, VIDIOC_QUERYMENU, &menu) < 0)
			continue;
		item->index = menu.index;
		if (control->type == V4L2_CTRL_TYPE_MENU)
			snprintf(item->name, sizeof(item->name), "%.32s", (const char *)menu.name);
		else
			item->value = menu.value;
		control->n_items++;
	}
}

/* --- Values ------------------------------------------------------------------------------- */

static int ext_ctrls(const struct glint_vdev *vdev, unsigned long request,
		     struct v4l2_ext_control *controls, unsigned n, unsigned *error_idx)
{
	struct v4l2_ext_controls all = {
		.which = V4L2_CTRL_WHICH_CUR_VAL,
		.count = n,
		.error_idx = n,
		.controls = controls,
	};
	int err = glint_vdev_ioctl(vdev, request, &all);

	if (error_idx)
		*error_idx = MIN(all.error_idx, n);
	return err;
}

/* Bytes for a string of the control, with the zero; 0: the driver's figures are nonsense. */
static uint32_t string_size(const struct glint_control *control)
{
	if (control->max < 0 || control->max > 65535)
		return 0;
	return MAX(control->element_size, (uint32_t)control->max + 1);
}

static int read_string(const struct glint_vdev *vdev, struct glint_control *control)
{
	uint32_t size = string_size(control);
	char *text = size > 0 ? calloc(1, size + 1) : NULL;
	struct v4l2_ext_control ext = { .id = control->id, .size = size, .string = text };
	int err;

	if (!text)
		return size > 0 ? -ENOMEM : -EPROTO;
	err = ext_ctrls(vdev, VIDIOC_G_EXT_CTRLS, &ext, 1, NULL);
	if (err == 0)
		snprintf(control->text, sizeof(control->text), "%s", text);
	free(text);
	return err;
}

static int64_t element_at(uint32_t type, const void *bytes, unsigned i)
{
	switch (type) {
	case V4L2_CTRL_TYPE_U8:
		return ((const uint8_t *)bytes)[i];
	case V4L2_CTRL_TYPE_U16:
		return ((const uint16_t *)bytes)[i];
	case V4L2_CTRL_TYPE_U32:
		return ((const uint32_t *)bytes)[i];
	case V4L2_CTRL_TYPE_INTEGER64:
		return ((const int64_t *)bytes)[i];
	default:
		return ((const int32_t *)bytes)[i];
	}
}

/* Bytes of an element of an array that is read; 0: the type is not read. */
static uint32_t element_bytes(uint32_t type)
{
	switch (type) {
	case V4L2_CTRL_TYPE_U8:
		return 1;
	case V4L2_CTRL_TYPE_U16:
		return 2;
	case V4L2_CTRL_TYPE_INTEGER64:
		return 8;
	case V4L2_CTRL_TYPE_U32:
	case V4L2_CTRL_TYPE_INTEGER:
	case V4L2_CTRL_TYPE_BOOLEAN:
	case V4L2_CTRL_TYPE_BITMASK:
		return 4;
	default:
		return 0;
	}
}

/* The first elements of an array of integers. Other compound values are not read. */
static int read_array(const struct glint_vdev *vdev, struct glint_control *control)
{
	uint32_t bytes = element_bytes(control->type);
	uint64_t size = (uint64_t)control->elements * control->element_size;
	unsigned n = MIN(control->elements, GLINT_CONTROL_ELEMENTS);
	struct v4l2_ext_control ext = { .id = control->id, .size = (uint32_t)size };
	int err = -ENOMEM;

	if (bytes == 0 || bytes != control->element_size || size == 0 || size > 1 << 20)
		return -ENODATA;
	ext.ptr = calloc(1, size);
	control->values = calloc(n, sizeof(*control->values));
	if (ext.ptr && control->values)
		err = ext_ctrls(vdev, VIDIOC_G_EXT_CTRLS, &ext, 1, NULL);
	if (err == 0)
		for (; control->n_values < n; control->n_values++)
			control->values[control->n_values] =
				element_at(control->type, ext.ptr, control->n_values);
	free(ext.ptr);
	return err;
}

static int64_t number_of(const struct glint_control *control, const struct v4l2_ext_control *ext)
{
	if (control->type == V4L2_CTRL_TYPE_INTEGER64)
		return ext->value64;
	/* Bit masks are unsigned: bit 31 is no sign. */
	return control->type == V4L2_CTRL_TYPE_BITMASK ? (int64_t)(uint32_t)ext->value : ext->value;
}

static void read_value(const struct glint_vdev *vdev, struct glint_control *control)
{
	struct v4l2_ext_control ext = { .id = control->id };

	if (control->type == V4L2_CTRL_TYPE_BUTTON ||
	    control->flags & (V4L2_CTRL_FLAG_WRITE_ONLY | V4L2_CTRL_FLAG_DISABLED))
		return;
	if (!is_simple(control)) {
		control->value_err = read_array(vdev, control);
		return;
	}
	if (control->type == V4L2_CTRL_TYPE_STRING) {
		control->value_err = read_string(vdev, control);
		return;
	}
	control->value_err = ext_ctrls(vdev, VIDIOC_G_EXT_CTRLS, &ext, 1, NULL);
	control->value = number_of(control, &ext);
}

/* --- Lists -------------------------------------------------------------------------------- */

/* A title may have no letter of ASCII, or be that of another control. */
static void make_unique(const struct glint_control_list *list, struct glint_control *control)
{
	bool unique = *control->name;

	for (unsigned i = 0; i < list->n && unique; i++)
		unique = strcmp(list->controls[i].name, control->name) != 0;
	if (!unique)
		snprintf(control->name, sizeof(control->name), "control_%08x", control->id);
}

static int list_add(struct glint_control_list *list, const struct glint_control *control)
{
	struct glint_control *grown;

	/* A power of two is full. */
	if ((list->n & (list->n - 1)) == 0) {
		grown = realloc(list->controls, MAX(2 * list->n, 1u) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->controls = grown;
	}
	list->controls[list->n++] = *control;
	return 0;
}

int glint_controls_list(const struct glint_vdev *vdev, bool values, struct glint_control_list *list)
{
	struct v4l2_query_ext_ctrl query = { 0 };
	struct glint_control control;
	char group[sizeof(control.group)] = "";
	int err = 0;

	*list = (struct glint_control_list){ 0 };
	for (unsigned i = 0; i < GLINT_CONTROLS_MAX && err == 0; i++) {
		uint32_t before = query.id;

		memset(&query, 0, sizeof(query));
		query.id = before | V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
		err = glint_vdev_ioctl(vdev, VIDIOC_QUERY_EXT_CTRL, &query);
		/* Ids grow; a driver that repeats one would never end. */
		if (err == -EINVAL || err == -ENOTTY || (err == 0 && query.id <= before))
			return 0;
		if (err < 0)
			break;
		take_query(&query, &control);
		if (control.type == V4L2_CTRL_TYPE_CTRL_CLASS) {
			memcpy(group, control.title, sizeof(group));
			continue;
		}
		memcpy(control.group, group, sizeof(group));
		make_unique(list, &control);
		if (is_menu(&control) && values)
			read_items(vdev, &control);
		if (values)
			read_value(vdev, &control);
		if (control.value_err == -ENODEV || control.value_err == -ETIMEDOUT)
			err = control.value_err;
		if (list_add(list, &control) < 0) {
			free(control.items);
			free(control.values);
			err = -ENOMEM;
		}
	}
	return err == -ENODEV || err == -ENOMEM || list->n == 0 ? err : 0;
}

void glint_controls_free(struct glint_control_list *list)
{
	for (unsigned i = 0; i < list->n; i++) {
		free(list->controls[i].items);
		free(list->controls[i].values);
	}
	free(list->controls);
	*list = (struct glint_control_list){ 0 };
}

const struct glint_control *glint_control_find(const struct glint_control_list *list,
					       const char *name)
{
	bool is_id = strncmp(name, "0x", 2) == 0;
	unsigned long id = is_id ? strtoul(name, NULL, 16) : 0;

	for (unsigned i = 0; i < list->n; i++) {
		const struct glint_control *control = &list->controls[i];

		if (is_id ? control->id == id :
			    strcasecmp(control->name, name) == 0 ||
				    strcasecmp(control->title, name) == 0)
			return control;
	}
	return NULL;
}

void glint_controls_subscribe(const struct glint_vdev *vdev, const struct glint_control_list *list)
{
	for (unsigned i = 0; i < list->n; i++) {
		struct v4l2_event_subscription subscription = {
			.type = V4L2_EVENT_CTRL,
			.id = list->controls[i].id,
		};

		(void)glint_vdev_ioctl(vdev, VIDIOC_SUBSCRIBE_EVENT, &subscription);
	}
}

/* --- Writes ------------------------------------------------------------------------------- */

static int parse_number(const char *text, int64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
		return -EINVAL;
	errno = 0;
	*number = strtoll(text, &end, 0);
	if (end == text || *end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

/* Without the items, any index in the range may be right: the driver decides. */
static bool has_item(const struct glint_control *control, int64_t index)
{
	for (unsigned i = 0; i < control->n_items; i++)
		if (control->items[i].index == index)
			return true;
	return !control->items;
}

static int parse_item(const struct glint_control *control, const char *text, int64_t *index)
{
	int64_t number;
	int err = parse_number(text, &number);

	if (err == 0 && number >= control->min && number <= control->max &&
	    has_item(control, number)) {
		*index = number;
		return 0;
	}
	for (unsigned i = 0; i < control->n_items; i++) {
		const struct glint_control_item *item = &control->items[i];
		bool same = control->type == V4L2_CTRL_TYPE_MENU ?
				    strcasecmp(item->name, text) == 0 :
				    err == 0 && item->value == number;

		if (same) {
			*index = item->index;
			return 0;
		}
	}
	return err == 0 ? -ERANGE : -EINVAL;
}

static int parse_boolean(const char *text, int64_t *number)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "off", "on" }, { "no", "yes" }, { "0", "1" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int on = 0; on < 2; on++)
			if (strcasecmp(text, words[i][on]) == 0) {
				*number = on;
				return 0;
			}
	return -EINVAL;
}

static int parse_integer(const struct glint_control *control, const char *text, int64_t *number)
{
	int err = parse_number(text, number);

	if (err < 0)
		return err;
	if (control->type == V4L2_CTRL_TYPE_BITMASK)
		return *number & ~(int64_t)(uint32_t)control->max ? -ERANGE : 0;
	return *number < control->min || *number > control->max ? -ERANGE : 0;
}

static int parse_string(const struct glint_control *control, const char *text,
			struct glint_control_write *write)
{
	size_t length = strlen(text);

	if ((int64_t)length < control->min || (int64_t)length > control->max ||
	    length >= sizeof(write->text))
		return -ERANGE;
	memcpy(write->text, text, length + 1);
	return 0;
}

int glint_control_parse(const struct glint_control *control, const char *text,
			struct glint_control_write *write)
{
	*write = (struct glint_control_write){ .control = control };
	if (!text) {
		write->number = control->fallback;
		/* The driver's default of a string is blanks, and any value presses a button. */
		return control->type == V4L2_CTRL_TYPE_STRING ||
				       control->type == V4L2_CTRL_TYPE_BUTTON ?
			       -EINVAL :
			       0;
	}
	switch (control->type) {
	case V4L2_CTRL_TYPE_BUTTON:
		return parse_boolean(text, &write->number) == 0 && write->number ? 0 : -EINVAL;
	case V4L2_CTRL_TYPE_BOOLEAN:
		return parse_boolean(text, &write->number);
	case V4L2_CTRL_TYPE_MENU:
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		return parse_item(control, text, &write->number);
	case V4L2_CTRL_TYPE_STRING:
		return parse_string(control, text, write);
	default:
		return parse_integer(control, text, &write->number);
	}
}

void glint_control_text(const struct glint_control_write *write, bool got, char *out, size_t size)
{
	if (write->control->type == V4L2_CTRL_TYPE_STRING)
		snprintf(out, size, "%s", got ? write->got_text : write->text);
	else
		snprintf(out, size, "%lld", (long long)(got ? write->got : write->number));
}

static void fill(struct v4l2_ext_control *ext, const struct glint_control *control, int64_t number,
		 char *text)
{
	*ext = (struct v4l2_ext_control){ .id = control->id };
	if (control->type == V4L2_CTRL_TYPE_STRING) {
		ext->size = string_size(control);
		ext->string = text;
	} else if (control->type == V4L2_CTRL_TYPE_INTEGER64) {
		ext->value64 = number;
	} else {
		ext->value = (int32_t)number;
	}
}

/* A driver reads and writes the whole buffer of a string, which may be longer than its text. */
static char *string_buffer(const struct glint_control *control, const char *text)
{
	char *buffer = calloc(1, MAX(string_size(control), GLINT_CONTROL_TEXT_MAX));

	if (buffer)
		strcpy(buffer, text);
	return buffer;
}

static int fill_all(struct v4l2_ext_control *ext, const struct glint_control_write *writes,
		    unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool is_string = writes[i].control->type == V4L2_CTRL_TYPE_STRING;
		char *buffer = is_string ? string_buffer(writes[i].control, writes[i].text) : NULL;

		fill(&ext[i], writes[i].control, writes[i].number, buffer);
		if (is_string && !buffer)
			return -ENOMEM;
	}
	return 0;
}

/* What the driver would make of the values, after TRY_EXT_CTRLS. */
static int find_adjusted(const struct v4l2_ext_control *ext, struct glint_control_write *writes,
			 unsigned n, unsigned *culprit)
{
	for (unsigned i = 0; i < n; i++) {
		const struct glint_control *control = writes[i].control;

		if (control->type == V4L2_CTRL_TYPE_BUTTON ||
		    control->type == V4L2_CTRL_TYPE_STRING)
			continue;
		writes[i].got = number_of(control, &ext[i]);
		if (writes[i].got == writes[i].number)
			continue;
		writes[i].known = true;
		*culprit = i;
		return -EDOM;
	}
	return 0;
}

/* Read the present values of @writes, to restore them if a driver fails in the middle. */
static void read_before(const struct glint_vdev *vdev, const struct glint_control_write *writes,
			unsigned n, struct glint_control *before)
{
	for (unsigned i = 0; i < n; i++) {
		before[i] = *writes[i].control;
		before[i].value_err = -ENODATA;
		if (n > 1) /* with one value there is no middle */
			read_value(vdev, &before[i]);
	}
}

static bool restore(const struct glint_vdev *vdev, const struct glint_control *before, unsigned n)
{
	bool whole = true;

	for (unsigned i = 0; i < n; i++) {
		struct v4l2_ext_control ext;
		char *text = NULL;

		if (before[i].type == V4L2_CTRL_TYPE_STRING)
			text = string_buffer(&before[i], before[i].text);
		fill(&ext, &before[i], before[i].value, text);
		whole &= before[i].value_err == 0 &&
			 (text || before[i].type != V4L2_CTRL_TYPE_STRING) &&
			 ext_ctrls(vdev, VIDIOC_S_EXT_CTRLS, &ext, 1, NULL) == 0;
		free(text);
	}
	return whole;
}

static void read_back(const struct glint_vdev *vdev, struct glint_control_write *writes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct glint_control now = *writes[i].control;

		now.value_err = -ENODATA;
		read_value(vdev, &now);
		writes[i].known = now.value_err == 0;
		writes[i].got = now.value;
		memcpy(writes[i].got_text, now.text, sizeof(now.text));
	}
}

/* S_EXT_CTRLS does not say which control it has refused before it set any. */
static unsigned find_refused(const struct glint_control_write *writes, unsigned n, int err)
{
	for (unsigned i = 0; i < n; i++)
		if (n == 1 || (err == -EBUSY && writes[i].control->flags & V4L2_CTRL_FLAG_GRABBED))
			return i;
	return n;
}

static int write_all(const struct glint_vdev *vdev, struct glint_control_write *writes, unsigned n,
		     struct v4l2_ext_control *ext, unsigned *culprit, bool *partly)
{
	struct glint_control *before;
	int err = fill_all(ext, writes, n);

	if (err < 0)
		return err;
	/* S_EXT_CTRLS does not say which value is wrong; TRY_EXT_CTRLS does. */
	err = ext_ctrls(vdev, VIDIOC_TRY_EXT_CTRLS, ext, n, culprit);
	if (err == 0)
		err = find_adjusted(ext, writes, n, culprit);
	if (err < 0 && err != -ENOTTY)
		return err;
	before = calloc(n, sizeof(*before));
	if (!before)
		return -ENOMEM;
	read_before(vdev, writes, n, before);
	err = ext_ctrls(vdev, VIDIOC_S_EXT_CTRLS, ext, n, culprit);
	if (err < 0 && *culprit != 0 && *culprit != n)
		*partly = !restore(vdev, before, *culprit);
	if (err < 0 && *culprit == n)
		*culprit = find_refused(writes, n, err);
	free(before);
	if (err == 0)
		read_back(vdev, writes, n);
	return err;
}

int glint_controls_write(const struct glint_vdev *vdev, struct glint_control_write *writes,
			 unsigned n, unsigned *culprit, bool *partly)
{
	struct v4l2_ext_control ext[GLINT_CONTROL_WRITES] = { 0 };
	int err;

	assert(n >= 1 && n <= GLINT_CONTROL_WRITES);

	*culprit = n;
	*partly = false;
	err = write_all(vdev, writes, n, ext, culprit, partly);
	for (unsigned i = 0; i < n; i++)
		if (writes[i].control->type == V4L2_CTRL_TYPE_STRING)
			free(ext[i].string);
	return err;
}
