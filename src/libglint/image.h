/* SPDX-License-Identifier: MIT */
/* What an answer says about a picture, and the picture's bytes; the type is in client.h. */
#ifndef GLINT_LIBGLINT_IMAGE_H
#define GLINT_LIBGLINT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct glint_head;
struct glint_image;
struct glint_wire;

#define GLINT_IMAGE_BYTES_MAX (64u << 20)	/* 15360x8640 at quality 100 is smaller */

/* Nothing known, no bytes; the memory stays. */
void glint_image_begin(struct glint_image *image);

/* Headers that say nothing about a picture, or nothing that makes sense, leave it as it is. */
void glint_image_take_field(struct glint_image *image, const char *name, const char *value);

/*
 * Receives the body that @head announces, a zero byte behind it: as long as it
 * says, else until the peer ends. -EMSGSIZE: over @max bytes, which is found out
 * before any memory is taken for them; -ENOMEM.
 */
int glint_image_receive(struct glint_image *image, struct glint_wire *wire,
			const struct glint_head *head, size_t max, uint64_t deadline_ns);
#endif
