/* SPDX-License-Identifier: MIT */
#include "capture/jpeg_check.h"

#include <errno.h>
#include <stdbool.h>

#define PADDING_MAX 65536	/* zeros after the end: some cameras fill whole USB transfers */
#define TAIL_MAX 16		/* other bytes after the end: checksums, counters */

static bool is_marker(const uint8_t *at, uint8_t code)
{
	return at[0] == 0xff && at[1] == code;
}

static size_t without_padding(const uint8_t *data, size_t used)
{
	size_t least = used > PADDING_MAX ? used - PADDING_MAX : 0;

	while (used > least && data[used - 1] == 0)
		used--;
	return used;
}

long glint_jpeg_length(const uint8_t *data, size_t used)
{
	size_t end, least;

	if (used < 4 || !is_marker(data, 0xd8))
		return 0;
	end = without_padding(data, used);
	least = end > TAIL_MAX + 4 ? end - TAIL_MAX : 4;
	for (; end >= least; end--)
		if (is_marker(data + end - 2, 0xd9))
			return (long)end;
	return -EBADMSG;
}
