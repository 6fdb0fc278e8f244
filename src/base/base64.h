/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648, section 4), for logins and for pictures in JSON. The code is in the header,
 * because libglint uses it and links nothing of the service.
 */
#ifndef GLINT_BASE_BASE64_H
#define GLINT_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size of the text for @size bytes, with its terminator. */
#define GLINT_BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)

static inline void glint_base64_encode(char *out, const char *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t group = (uint32_t)(uint8_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)(uint8_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= (uint8_t)bytes[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
}

/* Largest number of bytes in a text of @len digits and padding. */
#define GLINT_BASE64_BYTES(len) ((len) / 4 * 3)

/* The value of a digit; 64: no digit. */
static inline uint32_t glint_base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/*
 * @out has room for GLINT_BASE64_BYTES(@len) bytes. False: @text is no base64 with its padding, or
 * has line breaks.
 */
static inline bool glint_base64_decode(uint8_t *out, const char *text, size_t len, size_t *size)
{
	size_t padding = 0;

	*size = 0;
	if (len % 4 != 0)
		return false;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len; i += 4) {
		bool last = i + 4 == len;
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			uint32_t digit = last && j >= 4 - padding ? 0 :
								    glint_base64_digit(text[i + j]);

			if (digit > 63)
				return false;
			group = group << 6 | digit;
		}
		for (size_t j = 0; j < (last ? 3 - padding : 3); j++)
			out[(*size)++] = (uint8_t)(group >> (16 - 8 * j));
	}
	return true;
}
#endif
