/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648, 4), for logins. All of it is in this header, since libglint, which
 * links nothing of the service, needs it, too.
 */
#ifndef GLINT_BASE_BASE64_H
#define GLINT_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* What @size bytes become, with the zero at the end. */
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
#endif
