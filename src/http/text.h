/* SPDX-License-Identifier: MIT */
/*
 * Text in a buffer of fixed size. Adding to it does not allocate, knows no locale and no
 * format strings, so it is cheap enough for the frame path.
 */
#ifndef GLINT_HTTP_TEXT_H
#define GLINT_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece that does not fit is left out as a whole and sets @cut. Never zero-terminated. */
struct glint_text {
	char *base;
	size_t size, used;
	bool cut;
};

static inline struct glint_text glint_text_in(char *base, size_t size)
{
	return (struct glint_text){ .base = base, .size = size };
}

void glint_text_bytes(struct glint_text *text, const void *bytes, size_t count);
void glint_text_add(struct glint_text *text, const char *string);
void glint_text_uint(struct glint_text *text, uint64_t value);
void glint_text_hex16(struct glint_text *text, uint64_t value); /* 16 digits */

/* Seconds with six decimals; the rest is cut off. */
void glint_text_seconds(struct glint_text *text, uint64_t ns);

/* "name: value\r\n". */
void glint_text_header(struct glint_text *text, const char *name, const char *value);
void glint_text_header_uint(struct glint_text *text, const char *name, uint64_t value);
void glint_text_header_seconds(struct glint_text *text, const char *name, uint64_t ns);
#endif
