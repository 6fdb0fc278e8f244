/* SPDX-License-Identifier: MIT */
#include "base/fourcc.h"

#include <ctype.h>

const char *glint_fourcc_text(uint32_t fourcc, char text[static 5])
{
	for (unsigned i = 0; i < 4; i++) {
		int c = (int)(fourcc >> 8 * i & 0xff);

		text[i] = (char)(c < 0x80 && isprint(c) ? c : '?');
	}
	text[4] = '\0';
	return text;
}
