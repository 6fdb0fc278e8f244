/* SPDX-License-Identifier: MIT */
/* Memory of one compressed piece: it grows as it must, and is kept for the next. */
#ifndef GLINT_ENCODE_BYTES_H
#define GLINT_ENCODE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is empty. */
struct glint_bytes {
	uint8_t *data; /* owned */
	size_t size, capacity;
	size_t begin; /* the first byte of use */
};

/* At least @capacity bytes, what is there stays. False: no memory, and nothing has changed. */
bool glint_bytes_reserve(struct glint_bytes *bytes, size_t capacity);

/* Empty again. */
void glint_bytes_fini(struct glint_bytes *bytes);
#endif
