/* SPDX-License-Identifier: MIT */
/*
 * The controls of a V4L2 device: their properties, their values, and changes of several at once.
 * Drivers silently clamp what is out of range, so values are checked here first; the driver then
 * tries the whole change before anything is set, and the values are read back. All functions may
 * block in the driver. Nothing is logged here.
 */
#ifndef GLINT_V4L2_CONTROLS_H
#define GLINT_V4L2_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLINT_CONTROLS_MAX	512u /* of a device */
#define GLINT_CONTROL_ITEMS_MAX 512u /* of a menu */
#define GLINT_CONTROL_NAME_MAX	64u  /* bytes of a name, with the zero */
#define GLINT_CONTROL_TEXT_MAX	256u /* bytes of a text, with the zero; longer ones are cut */
#define GLINT_CONTROL_WRITES	64u  /* in one change */
#define GLINT_CONTROL_ELEMENTS	64u  /* of an array that are read */

struct glint_vdev;

struct glint_control_item {
	uint32_t index;
	char name[33]; /* "" in a menu of integers */
	int64_t value; /* of a menu of integers */
};

struct glint_control {
	uint32_t id, type, flags;	   /* V4L2_CID_*, V4L2_CTRL_TYPE_*, V4L2_CTRL_FLAG_* */
	char title[33];			   /* the driver's: "White Balance, Automatic" */
	char name[GLINT_CONTROL_NAME_MAX]; /* "white_balance_automatic", unique in a list */
	char group[33];			   /* title of the class; "" without one */
	int64_t min, max, fallback;	   /* fallback: the default */
	uint64_t step;
	uint32_t elements, element_size, n_dims, dims[4]; /* n_dims 0: no array */
	unsigned n_items;
	struct glint_control_item *items; /* of a menu, NULL if it was not read */

	int value_err; /* 0: the value was read; -ENODATA: there is none to read */
	int64_t value;
	char text[GLINT_CONTROL_TEXT_MAX]; /* of a string */
	unsigned n_values;		   /* of an array of integers, the first ones */
	int64_t *values;		   /* NULL: none */
};

struct glint_control_list {
	unsigned n;
	struct glint_control *controls;
};

/*
 * Enumerate all controls; with @values also items of menus and the present values. A device without
 * controls has an empty list. The list ends early at an error of the driver, which is returned only
 * if there is no control before. The caller frees the list, also after an error.
 */
int glint_controls_list(const struct glint_vdev *vdev, bool values,
			struct glint_control_list *list);
void glint_controls_free(struct glint_control_list *list);

/* Read the properties of control @id. -EINVAL: the device has no such control, or disables it. */
int glint_control_query(const struct glint_vdev *vdev, uint32_t id, struct glint_control *control);

/* Find by name, title or id ("0x00980900"). NULL: there is none. */
const struct glint_control *glint_control_find(const struct glint_control_list *list,
					       const char *name);

/* Whether clients may write it: no class, not compound, not read-only, not disabled. */
bool glint_control_is_writable(const struct glint_control *control);

struct glint_control_write {
	const struct glint_control *control;
	int64_t number;
	char text[GLINT_CONTROL_TEXT_MAX]; /* of a string */
	/* After glint_controls_write(): what the driver has made of it. */
	bool known; /* it could be read back */
	int64_t got;
	char got_text[GLINT_CONTROL_TEXT_MAX];
};

/*
 * Parse @text as a value of @control into @write: a number, true or false, the name of a menu's
 * item, a text; NULL is the default. -EINVAL: no such value, or a string or button, which has no default; -ERANGE: out of range, or an item that
 * the menu skips.
 */
int glint_control_parse(const struct glint_control *control, const char *text,
			struct glint_control_write *write);

/* The value as text: of a write, or with @got what was read back. */
void glint_control_text(const struct glint_control_write *write, bool got, char *out, size_t size);

/*
 * Write @n (1..GLINT_CONTROL_WRITES) values, all or none. Returns 0, or the driver's error; then
 * *@culprit is the write that is refused, or @n if the driver does not say. -EDOM: the driver would
 * make another value of *@culprit, which is in its got; nothing was set. *@partly: the driver failed
 * in the middle, and could not restore the values of before.
 */
int glint_controls_write(const struct glint_vdev *vdev, struct glint_control_write *writes,
			 unsigned n, unsigned *culprit, bool *partly);

/* A change of a control by another program, as the driver tells it. */
struct glint_control_change {
	uint32_t id;
	bool has_value; /* a string, or a change of flags or range only, has none */
	int64_t value;
};

/* Subscribe to changes by others, of the controls that report them. */
void glint_controls_subscribe(const struct glint_vdev *vdev, const struct glint_control_list *list);
#endif
