/* SPDX-License-Identifier: MIT */
#include "libglint/image.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <glint/client.h>
#include <glint/protocol.h>

#include "libglint/head.h"
#include "libglint/wire.h"

#define CHUNK 65536u /* step of growth: pictures of similar size fit the same block */

enum field_kind { FIELD_BOOL, FIELD_TEXT, FIELD_U32, FIELD_U32_IF_NONE, FIELD_U64 };

static const struct field {
	const char *name;
	enum field_kind kind;
	unsigned known;
	size_t offset, size;
} fields[] = {
/* clang-format off */
#define FIELD(name, kind, known, member)                                                          \
	{ name, kind, known, offsetof(struct glint_image, member),                                \
	  sizeof(((struct glint_image *)0)->member) }
	/* clang-format on */
	FIELD(GLINT_HEADER_ONLINE, FIELD_BOOL, GLINT_IMAGE_ONLINE, online),
	FIELD(GLINT_HEADER_REASON, FIELD_TEXT, 0, reason),
	FIELD(GLINT_HEADER_SEQUENCE, FIELD_U64, GLINT_IMAGE_SEQUENCE, sequence),
	FIELD(GLINT_HEADER_TIMESTAMP_NS, FIELD_U64, GLINT_IMAGE_TIMESTAMP, timestamp_ns),
	FIELD(GLINT_HEADER_EXPOSURE_NS, FIELD_U64, GLINT_IMAGE_EXPOSURE, exposure_ns),
	FIELD(GLINT_HEADER_CLOCK, FIELD_TEXT, 0, clock),
	FIELD(GLINT_HEADER_AGE_NS, FIELD_U64, GLINT_IMAGE_AGE, age_ns),
	FIELD(GLINT_HEADER_STREAM, FIELD_U64, GLINT_IMAGE_STREAM, stream),
	FIELD(GLINT_HEADER_SERIAL, FIELD_U64, GLINT_IMAGE_SERIAL, serial),
	FIELD(GLINT_HEADER_GUARANTEE, FIELD_TEXT, 0, guarantee),
	FIELD(GLINT_HEADER_COMPLETE_NS, FIELD_U64, GLINT_IMAGE_COMPLETE, complete_ns),
	FIELD(GLINT_HEADER_ERROR_NS, FIELD_U64, GLINT_IMAGE_ERROR, error_ns),
	FIELD(GLINT_HEADER_SENT_NS, FIELD_U64, GLINT_IMAGE_SENT, sent_ns),
	FIELD(GLINT_HEADER_REALTIME_NS, FIELD_U64, GLINT_IMAGE_REALTIME, realtime_ns),
	FIELD(GLINT_HEADER_REALTIME_ERROR_NS, FIELD_U64, GLINT_IMAGE_REALTIME_ERROR,
	      realtime_error_ns),
	FIELD(GLINT_HEADER_SINCE_DROPPED, FIELD_U64, GLINT_IMAGE_DROPPED, since_dropped),
	FIELD(GLINT_HEADER_SINCE_CORRUPT, FIELD_U64, GLINT_IMAGE_CORRUPT, since_corrupt),
	FIELD(GLINT_HEADER_SINCE_SKIPPED, FIELD_U64, GLINT_IMAGE_SKIPPED, since_skipped),
	FIELD(GLINT_HEADER_WIDTH, FIELD_U32, 0, width),
	FIELD(GLINT_HEADER_HEIGHT, FIELD_U32, 0, height),
	FIELD(GLINT_HEADER_OLD_WIDTH, FIELD_U32_IF_NONE, 0, width),
	FIELD(GLINT_HEADER_OLD_HEIGHT, FIELD_U32_IF_NONE, 0, height),
#undef FIELD
};

void glint_image_begin(struct glint_image *image)
{
	*image = (struct glint_image){
		.data = image->data,
		.capacity = image->capacity,
		.online = true,
	};
}

void glint_image_fini(struct glint_image *image)
{
	free(image->data);
	memset(image, 0, sizeof(*image));
}

/* The text may be printed on a terminal: replace what could control it. */
static void copy_printable(char *to, size_t size, const char *text)
{
	size_t i;

	assert(size > 0);

	for (i = 0; i + 1 < size && text[i]; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	to[i] = '\0';
}

static bool set_u32(uint32_t *to, const char *value, bool only_if_none)
{
	uint64_t number;

	if (!glint_head_number(value, UINT32_MAX, &number))
		return false;
	if (!only_if_none || *to == 0)
		*to = (uint32_t)number;
	return true;
}

/* False: @value is invalid. */
static bool field_set(const struct field *field, struct glint_image *image, const char *value)
{
	void *to = (char *)image + field->offset;

	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)to = strcasecmp(value, "true") == 0;
		return true;
	case FIELD_TEXT:
		copy_printable(to, field->size, value);
		return true;
	case FIELD_U32:
		return set_u32(to, value, false);
	case FIELD_U32_IF_NONE:
		return set_u32(to, value, true);
	case FIELD_U64:
		return glint_head_number(value, UINT64_MAX, to);
	}
	return false;
}

void glint_image_take_field(struct glint_image *image, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcasecmp(name, fields[i].name) == 0 && field_set(&fields[i], image, value))
			image->known |= fields[i].known;
	if (image->width && image->height)
		image->known |= GLINT_IMAGE_SIZE;
}

/* Grow the buffer to @size bytes and one more; keep its content. */
static int image_reserve(struct glint_image *image, size_t size)
{
	size_t capacity = (size / CHUNK + 1) * CHUNK;
	unsigned char *data;

	if (image->capacity > size)
		return 0;
	data = realloc(image->data, capacity);
	if (!data)
		return -ENOMEM;
	image->data = data;
	image->capacity = capacity;
	return 0;
}

static int receive_length(struct glint_image *image, struct glint_wire *wire, uint64_t length,
			  size_t max, uint64_t deadline_ns)
{
	int err;

	if (length > max)
		return -EMSGSIZE;
	err = image_reserve(image, (size_t)length);
	if (err == 0)
		err = glint_wire_read(wire, image->data, (size_t)length, deadline_ns);
	if (err == 0)
		image->size = (size_t)length;
	return err;
}

static int receive_all(struct glint_image *image, struct glint_wire *wire, size_t max,
		       uint64_t deadline_ns)
{
	ssize_t n;

	do {
		int err = image_reserve(image, image->size + CHUNK / 2);

		if (err < 0)
			return err;
		n = glint_wire_read_some(wire, image->data + image->size, CHUNK / 2, deadline_ns);
		if (n > 0)
			image->size += (size_t)n;
		if (image->size > max)
			return -EMSGSIZE;
	} while (n > 0);
	return (int)n;
}

int glint_image_receive(struct glint_image *image, struct glint_wire *wire,
			const struct glint_head *head, size_t max, uint64_t deadline_ns)
{
	int err;

	image->size = 0;
	if (head->has_length)
		err = receive_length(image, wire, head->length, max, deadline_ns);
	else
		err = receive_all(image, wire, max, deadline_ns);
	if (err < 0) {
		image->size = 0;
		return err;
	}
	assert(image->size < image->capacity);
	image->data[image->size] = '\0';
	return 0;
}
