/* SPDX-License-Identifier: MIT */
#include "core/change.h"

const char *glint_holds_name(enum glint_holds holds)
{
	static const char *const names[] = {
		[GLINT_HOLDS_NOW] = "now",
		[GLINT_HOLDS_NEW_STREAM] = "new-stream",
		[GLINT_HOLDS_NEXT_STREAM] = "next-stream",
		[GLINT_HOLDS_RESTART] = "restart",
	};

	return names[holds];
}
