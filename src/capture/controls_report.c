/* SPDX-License-Identifier: MIT */
/* Controls in words and figures. */
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "capture/controls.h"
#include "core/report.h"

const char *glint_control_type_name(const struct glint_control *control)
{
	switch (control->type) {
	case V4L2_CTRL_TYPE_INTEGER:
		return "integer";
	case V4L2_CTRL_TYPE_BOOLEAN:
		return "boolean";
	case V4L2_CTRL_TYPE_MENU:
		return "menu";
	case V4L2_CTRL_TYPE_BUTTON:
		return "button";
	case V4L2_CTRL_TYPE_INTEGER64:
		return "integer64";
	case V4L2_CTRL_TYPE_STRING:
		return "string";
	case V4L2_CTRL_TYPE_BITMASK:
		return "bitmask";
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		return "integer-menu";
	case V4L2_CTRL_TYPE_U8:
		return "u8";
	case V4L2_CTRL_TYPE_U16:
		return "u16";
	case V4L2_CTRL_TYPE_U32:
		return "u32";
	case V4L2_CTRL_TYPE_AREA:
		return "area";
	default:
		return "compound";
	}
}

static void report_flags(const struct glint_control *control, struct glint_report *report)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ V4L2_CTRL_FLAG_DISABLED, "disabled" },
		{ V4L2_CTRL_FLAG_GRABBED, "grabbed" },
		{ V4L2_CTRL_FLAG_READ_ONLY, "read-only" },
		{ V4L2_CTRL_FLAG_UPDATE, "update" },
		{ V4L2_CTRL_FLAG_INACTIVE, "inactive" },
		{ V4L2_CTRL_FLAG_SLIDER, "slider" },
		{ V4L2_CTRL_FLAG_WRITE_ONLY, "write-only" },
		{ V4L2_CTRL_FLAG_VOLATILE, "volatile" },
		{ V4L2_CTRL_FLAG_HAS_PAYLOAD, "has-payload" },
		{ V4L2_CTRL_FLAG_EXECUTE_ON_WRITE, "execute-on-write" },
		{ V4L2_CTRL_FLAG_MODIFY_LAYOUT, "modify-layout" },
		{ 0x0800, "dynamic-array" }, /* V4L2_CTRL_FLAG_DYNAMIC_ARRAY, since Linux 6.1 */
	};

	glint_report_list(report, "flags");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (control->flags & names[i].flag)
			glint_report_text(report, NULL, names[i].name);
	glint_report_end(report);
}

static void report_items(const struct glint_control *control, struct glint_report *report)
{
	glint_report_list(report, "items");
	for (unsigned i = 0; i < control->n_items; i++) {
		const struct glint_control_item *item = &control->items[i];

		glint_report_object(report, NULL);
		glint_report_uint(report, "index", item->index);
		if (control->type == V4L2_CTRL_TYPE_MENU)
			glint_report_text(report, "name", item->name);
		else
			glint_report_int(report, "value", item->value);
		glint_report_end(report);
	}
	glint_report_end(report);
}

static void report_value(const struct glint_control *control, struct glint_report *report)
{
	if (control->value_err < 0)
		glint_report_null(report, "value");
	else if (control->type == V4L2_CTRL_TYPE_STRING)
		glint_report_text(report, "value", control->text);
	else if (control->values) {
		glint_report_list(report, "value");
		for (unsigned i = 0; i < control->n_values; i++)
			glint_report_int(report, NULL, control->values[i]);
		glint_report_end(report);
	} else if (control->type == V4L2_CTRL_TYPE_BOOLEAN) {
		glint_report_bool(report, "value", control->value);
	} else {
		glint_report_int(report, "value", control->value);
	}
}

static void report_default(const struct glint_control *control, struct glint_report *report)
{
	if (control->type == V4L2_CTRL_TYPE_BOOLEAN)
		glint_report_bool(report, "default", control->fallback);
	else if (control->type == V4L2_CTRL_TYPE_BUTTON || control->type == V4L2_CTRL_TYPE_STRING ||
		 control->type >= V4L2_CTRL_TYPE_AREA)
		glint_report_null(report, "default");
	else
		glint_report_int(report, "default", control->fallback);
}

void glint_control_report(const struct glint_control *control, struct glint_report *report)
{
	bool is_menu = control->type == V4L2_CTRL_TYPE_MENU ||
		       control->type == V4L2_CTRL_TYPE_INTEGER_MENU;
	char id[16];

	glint_report_text(report, "name", control->name);
	glint_report_text(report, "title", control->title);
	glint_report_text(report, "group", control->group);
	snprintf(id, sizeof(id), "0x%08x", control->id);
	glint_report_text(report, "id", id);
	glint_report_text(report, "type", glint_control_type_name(control));
	glint_report_bool(report, "writable", glint_control_is_writable(control));
	report_value(control, report);
	report_default(control, report);
	glint_report_int(report, "minimum", control->min);
	glint_report_int(report, "maximum", control->max);
	glint_report_uint(report, "step", control->step);
	report_flags(control, report);
	if (is_menu)
		report_items(control, report);
	if (control->n_dims > 0) {
		glint_report_uint(report, "elements", control->elements);
		glint_report_list(report, "dimensions");
		for (unsigned i = 0; i < control->n_dims; i++)
			glint_report_uint(report, NULL, control->dims[i]);
		glint_report_end(report);
	}
}

static void allow_range(const struct glint_control *control, FILE *file)
{
	fprintf(file, "%lld to %lld", (long long)control->min, (long long)control->max);
	if (control->step > 1)
		fprintf(file, " in steps of %llu", (unsigned long long)control->step);
}

static void allow_items(const struct glint_control *control, FILE *out)
{
	for (unsigned i = 0; i < control->n_items; i++) {
		const struct glint_control_item *item = &control->items[i];

		fputs(i > 0 ? ", " : "", out);
		if (control->type == V4L2_CTRL_TYPE_MENU)
			fprintf(out, "%u (%s)", item->index, item->name);
		else
			fprintf(out, "%u (%lld)", item->index, (long long)item->value);
	}
}

void glint_control_allowed(const struct glint_control *control, char *out, size_t size)
{
	FILE *file = fmemopen(out, size - 1, "w");

	*out = out[size - 1] = '\0';
	if (!file)
		return;
	switch (control->type) {
	case V4L2_CTRL_TYPE_BOOLEAN:
		fputs("true or false", file);
		break;
	case V4L2_CTRL_TYPE_BUTTON:
		fputs("true, to press the button", file);
		break;
	case V4L2_CTRL_TYPE_STRING:
		fprintf(file, "a text of %lld to %lld bytes", (long long)control->min,
			(long long)control->max);
		break;
	case V4L2_CTRL_TYPE_BITMASK:
		fprintf(file, "bits of 0x%llx", (unsigned long long)(uint32_t)control->max);
		break;
	case V4L2_CTRL_TYPE_MENU:
	case V4L2_CTRL_TYPE_INTEGER_MENU:
		if (control->n_items > 0)
			allow_items(control, file);
		else
			allow_range(control, file);
		break;
	default:
		allow_range(control, file);
	}
	fclose(file);
}
