/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdbool.h>
#include <string.h>

#define WRAPPED_MIN 16 /* columns of text; in a narrower terminal the terminal wraps */

static bool is_control(const unsigned char *c)
{
	/* The second block of controls is C2 80 to C2 9F in UTF-8. */
	return *c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f);
}

const char *tool_text_printable(char *text, size_t size, const char *from)
{
	size_t len = 0;

	for (const unsigned char *c = (const unsigned char *)from; *c && len + 1 < size; c++) {
		bool control = is_control(c);

		c += control && *c == 0xc2;
		text[len++] = control ? '?' : (char)*c;
	}
	text[len] = '\0';
	return text;
}

const char *tool_text_ascii(char *text, size_t size, const char *from)
{
	size_t len;

	for (len = 0; from[len] && len + 1 < size; len++)
		text[len] = from[len] >= ' ' && from[len] <= '~' ? from[len] : '?';
	text[len] = '\0';
	return text;
}

/* Return the length of the words of @text that fit into @columns; a longer word is not cut. */
static size_t fitting(const char *text, size_t columns)
{
	size_t last = 0, column = 0, i;

	for (i = 0; text[i]; i++) {
		if (text[i] == ' ')
			last = i;
		column += ((unsigned char)text[i] & 0xc0) != 0x80; /* one per character of UTF-8 */
		if (column > columns && last > 0)
			return last;
	}
	return i;
}

void tool_text_wrap(FILE *out, const char *text, unsigned columns, unsigned indent)
{
	size_t width = columns > indent + WRAPPED_MIN ? columns - indent : WRAPPED_MIN;

	for (;;) {
		size_t len = columns > 0 ? fitting(text, width) : strlen(text);

		fwrite(text, 1, len, out);
		text += len;
		text += strspn(text, " ");
		if (!*text)
			return;
		fprintf(out, "\n%*s", (int)indent, "");
	}
}

const char *tool_text_bytes(char *text, size_t size, double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	unsigned unit = 0;

	while (bytes >= 1000 && unit < 4) {
		bytes /= 1000;
		unit++;
	}
	snprintf(text, size,
		 unit == 0  ? "%.0f %s" :
		 bytes < 10 ? "%.2f %s" :
			      "%.1f %s",
		 bytes, units[unit]);
	return text;
}

const char *tool_text_duration(char *text, size_t size, double seconds)
{
	uint64_t s = seconds > 0 && seconds < 1e15 ? (uint64_t)seconds : 0;

	if (s < 60)
		snprintf(text, size, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(text, size, "%u min %u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(text, size, "%u h %u min", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(text, size, "%llu d %u h", (unsigned long long)(s / 86400),
			 (unsigned)(s / 3600 % 24));
	return text;
}

const char *tool_text_age(char *text, size_t size, double ns)
{
	if (ns < 1e9)
		snprintf(text, size, ns < 1e6 ? "%.2f ms" : "%.1f ms", ns / 1e6);
	else if (ns < 60e9)
		snprintf(text, size, "%.2f s", ns / 1e9);
	else
		tool_text_duration(text, size, ns / 1e9);
	return text;
}
