/* SPDX-License-Identifier: MIT */
#include "libglint/head.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "libglint/image.h"
#include "libglint/wire.h"

#define SPACE " \t"

bool glint_head_number(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned char)*text - (unsigned)'0';

		if (digit > 9 || digit > max || sum > (max - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return true;
}

/* Parse "HTTP/1.1 200 OK"; the reason phrase may be missing. */
static int parse_status(const char *line, unsigned *status)
{
	static const char version[] = "HTTP/1.";
	size_t len = strlen(version);
	char digits[4] = "";
	uint64_t value;

	if (strncmp(line, version, len) != 0)
		return -EPROTO;
	line += len;
	if ((line[0] != '0' && line[0] != '1') || line[1] != ' ')
		return -EPROTO;
	line += 2;
	if (strcspn(line, " ") != 3)
		return -EPROTO;
	memcpy(digits, line, 3);
	if (!glint_head_number(digits, 599, &value) || value < 100)
		return -EPROTO;
	*status = (unsigned)value;
	return 0;
}

/* Split "Name: value". Refuses continuation lines. */
static int split_field(char *line, char **name, char **value)
{
	size_t len = strcspn(line, ":" SPACE);
	char *end;

	if (len == 0 || line[len] != ':')
		return -EPROTO;
	line[len] = '\0';
	*name = line;
	*value = line + len + 1 + strspn(line + len + 1, SPACE);
	end = *value + strlen(*value);
	while (end > *value && strchr(SPACE, end[-1]))
		end--;
	*end = '\0';
	return 0;
}

static int take_length(struct glint_head *head, const char *value)
{
	uint64_t length;

	/* With two different lengths, a proxy may see other answers than the client. */
	if (!glint_head_number(value, UINT64_MAX, &length) ||
	    (head->has_length && head->length != length))
		return -EPROTO;
	head->length = length;
	head->has_length = true;
	return 0;
}

static int take_field(struct glint_head *head, struct glint_image *image, const char *name,
		      const char *value)
{
	if (strcasecmp(name, "Content-Length") == 0)
		return take_length(head, value);
	if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") == 0) {
		head->chunked = true;
		return 0;
	}
	if (strcasecmp(name, "Transfer-Encoding") == 0 || strcasecmp(name, "Content-Encoding") == 0)
		return strcasecmp(value, "identity") == 0 ? 0 : -EPROTO;
	if (strcasecmp(name, "Content-Type") == 0 && strlen(value) < sizeof(head->type))
		strcpy(head->type, value);
	else if (image)
		glint_image_take_field(image, name, value);
	return 0;
}

/* @size: bytes of the head that are read already. */
static int read_fields(struct glint_wire *wire, struct glint_head *head, struct glint_image *image,
		       size_t size, uint64_t deadline_ns)
{
	char *line, *name, *value;
	ssize_t len;
	int err;

	assert(!head->has_length && !head->chunked);

	while ((len = glint_wire_line(wire, &line, deadline_ns)) > 0) {
		size += (size_t)len + 2;
		if (size > GLINT_HEAD_MAX)
			return -EMSGSIZE;
		err = split_field(line, &name, &value);
		if (err == 0)
			err = take_field(head, image, name, value);
		if (err < 0)
			return err;
	}
	if (len < 0)
		return (int)len;
	return line ? 0 : -ECONNRESET;
}

int glint_head_read(struct glint_wire *wire, struct glint_head *head, struct glint_image *image,
		    uint64_t deadline_ns)
{
	char *line;
	ssize_t len;
	int err;

	memset(head, 0, sizeof(*head));
	len = glint_wire_line(wire, &line, deadline_ns);
	if (len < 0)
		return (int)len;
	if (!line)
		return -ECONNRESET;
	err = parse_status(line, &head->status);
	if (err == 0)
		err = read_fields(wire, head, image, (size_t)len, deadline_ns);
	/* With a length and chunks, the end of the body is ambiguous. */
	if (err == 0 && head->chunked && head->has_length)
		err = -EPROTO;
	return err;
}

int glint_head_read_part(struct glint_wire *wire, struct glint_head *head,
			 struct glint_image *image, uint64_t deadline_ns)
{
	int err;

	memset(head, 0, sizeof(*head));
	err = read_fields(wire, head, image, 0, deadline_ns);
	return err == 0 && head->chunked ? -EPROTO : err;
}

bool glint_head_is_type(const struct glint_head *head, const char *type)
{
	size_t len = strlen(type);

	/* strchr() also matches the terminating zero. */
	return strncasecmp(head->type, type, len) == 0 && strchr(";" SPACE, head->type[len]);
}
