/* SPDX-License-Identifier: MIT */
/* Fill a struct glint_image (client.h) from the headers and the body of an answer. */
#ifndef GLINT_LIBGLINT_IMAGE_H
#define GLINT_LIBGLINT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct glint_head;
struct glint_image;
struct glint_wire;

#define GLINT_IMAGE_BYTES_MAX (64u << 20) /* 15360x8640 at quality 100 is smaller */

/* Reset all but the allocated memory. */
void glint_image_begin(struct glint_image *image);

/* Store a header about the picture. Ignores other headers and invalid values. */
void glint_image_take_field(struct glint_image *image, const char *name, const char *value);

/*
 * Receive the body: as many bytes as @head announces, or all until the peer closes. Appends
 * a zero byte. -EMSGSIZE: more than @max bytes, detected before memory is allocated for them;
 * -ENOMEM.
 */
int glint_image_receive(struct glint_image *image, struct glint_wire *wire,
			const struct glint_head *head, size_t max, uint64_t deadline_ns);
#endif
