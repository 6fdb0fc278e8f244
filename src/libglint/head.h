/* SPDX-License-Identifier: MIT */
/* The head of an HTTP response, and of a part of a multipart body. */
#ifndef GLINT_LIBGLINT_HEAD_H
#define GLINT_LIBGLINT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

struct glint_image;
struct glint_wire;

#define GLINT_HEAD_MAX	    16384 /* bytes */
#define GLINT_HEAD_TYPE_MAX 160

struct glint_head {
	unsigned status; /* 100..599; 0 for a part */
	bool has_length;
	bool chunked; /* HTTP's chunked coding; never with a length, or of a part */
	uint64_t length;
	char type[GLINT_HEAD_TYPE_MAX]; /* Content-Type; "": missing, or too long */
};

/*
 * Read the head of a response and the empty line after it. Headers about a picture are
 * stored in @image, which may be NULL. -EPROTO: not HTTP, or a coding that was not requested;
 * -EMSGSIZE: the head is too long.
 */
int glint_head_read(struct glint_wire *wire, struct glint_head *head, struct glint_image *image,
		    uint64_t deadline_ns);

/* The same for the head of a part, which has no status line. */
int glint_head_read_part(struct glint_wire *wire, struct glint_head *head,
			 struct glint_image *image, uint64_t deadline_ns);

/* Returns whether the content is of @type; parameters are ignored. */
bool glint_head_is_type(const struct glint_head *head, const char *type);

/* Parse a number of decimal digits only. False: not such a number, or above @max. */
bool glint_head_number(const char *text, uint64_t max, uint64_t *value);
#endif
