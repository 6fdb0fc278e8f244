/* SPDX-License-Identifier: MIT */
/* Memory for compressed data, which grows on demand and is kept for later data. */
#ifndef GLINT_ENCODE_BYTES_H
#define GLINT_ENCODE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is empty. */
struct glint_bytes {
	uint8_t *data; /* owned */
	size_t size, capacity;
	size_t begin; /* of the data to send */
};

/* Grows to at least @capacity bytes; the data stay. False: no memory, and nothing has changed. */
bool glint_bytes_reserve(struct glint_bytes *bytes, size_t capacity);

/* Free the memory; @bytes is empty again. */
void glint_bytes_fini(struct glint_bytes *bytes);
#endif
