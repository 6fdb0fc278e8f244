/* SPDX-License-Identifier: MIT */
#include "encode/bytes.h"

#include <stdlib.h>

bool glint_bytes_reserve(struct glint_bytes *bytes, size_t capacity)
{
	uint8_t *data;

	if (capacity <= bytes->capacity)
		return true;
	data = realloc(bytes->data, capacity);
	if (!data)
		return false;
	bytes->data = data;
	bytes->capacity = capacity;
	return true;
}

void glint_bytes_fini(struct glint_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct glint_bytes){ 0 };
}
