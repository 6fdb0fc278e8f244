/* SPDX-License-Identifier: MIT */
/* Memory to import into an encoder: one dma-buf, mapped. */
#ifndef LAB_M2M_MEMORY_H
#define LAB_M2M_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	int fd;
	size_t size;
	uint8_t *map;
};

/*
 * @kind: "udmabuf", "heap" (the system's), or the path of a capture device, whose
 * buffer number @index in format @fourcc is exported. 0, or a negative errno with
 * a message.
 */
int memory_get(struct memory *memory, const char *kind, unsigned index, size_t size,
	       uint32_t fourcc, unsigned width, unsigned height);

/* Bracket writes of the processor. */
void memory_write(const struct memory *memory, bool begin);
#endif
