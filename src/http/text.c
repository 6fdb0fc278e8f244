/* SPDX-License-Identifier: MIT */
#include "http/text.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

void glint_text_bytes(struct glint_text *text, const void *bytes, size_t count)
{
	assert(text->used <= text->size);

	if (text->cut || count > text->size - text->used) {
		text->cut = true;
		return;
	}
	memcpy(text->base + text->used, bytes, count);
	text->used += count;
}

void glint_text_add(struct glint_text *text, const char *string)
{
	glint_text_bytes(text, string, strlen(string));
}

/* At least @digits digits, with leading zeroes. */
static void text_number(struct glint_text *text, uint64_t value, unsigned base, unsigned digits)
{
	char reversed[20], *end = reversed + sizeof(reversed), *at = end;

	while (value > 0 || digits > 0) {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
		digits -= digits > 0;
	}
	glint_text_bytes(text, at, (size_t)(end - at));
}

void glint_text_uint(struct glint_text *text, uint64_t value)
{
	text_number(text, value, 10, 1);
}

void glint_text_hex16(struct glint_text *text, uint64_t value)
{
	text_number(text, value, 16, 16);
}

void glint_text_seconds(struct glint_text *text, uint64_t ns)
{
	text_number(text, ns / GLINT_NSEC_PER_SEC, 10, 1);
	glint_text_add(text, ".");
	text_number(text, ns % GLINT_NSEC_PER_SEC / GLINT_NSEC_PER_USEC, 10, 6);
}

void glint_text_header(struct glint_text *text, const char *name, const char *value)
{
	glint_text_add(text, name);
	glint_text_add(text, ": ");
	glint_text_add(text, value);
	glint_text_add(text, "\r\n");
}

void glint_text_header_uint(struct glint_text *text, const char *name, uint64_t value)
{
	glint_text_add(text, name);
	glint_text_add(text, ": ");
	glint_text_uint(text, value);
	glint_text_add(text, "\r\n");
}

void glint_text_header_seconds(struct glint_text *text, const char *name, uint64_t ns)
{
	glint_text_add(text, name);
	glint_text_add(text, ": ");
	glint_text_seconds(text, ns);
	glint_text_add(text, "\r\n");
}
