/* SPDX-License-Identifier: MIT */
/* The head of an HTTP response, and of a part of a multipart body. */
#ifndef GLINT_LIBGLINT_HEAD_H
#define GLINT_LIBGLINT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

struct glint_image;
struct glint_wire;

#define GLINT_HEAD_MAX	    16384	/* bytes */
#define GLINT_HEAD_TYPE_MAX 160

struct glint_head {
	unsigned status;		/* 100..599; 0 for a part */
	bool has_length;
	bool chunked;			/* HTTP's chunked coding; never with a length, or of a part */
	uint64_t length;
	char type[GLINT_HEAD_TYPE_MAX];	/* of the content; "" when there is none, or too long a one */
};

/*
 * Reads a response's head and its empty line. What it says about a picture goes
 * into @image, which may be NULL. -EPROTO: not HTTP, or a body that is coded in a
 * way that we did not ask for; -EMSGSIZE: a head over the limit.
 */
int glint_head_read(struct glint_wire *wire, struct glint_head *head, struct glint_image *image,
		    uint64_t deadline_ns);

/* The same for a part's head, which has no status line. */
int glint_head_read_part(struct glint_wire *wire, struct glint_head *head,
			 struct glint_image *image, uint64_t deadline_ns);

/* Whether the content is of @type, parameters aside. */
bool glint_head_is_type(const struct glint_head *head, const char *type);

/* Decimal digits and nothing else; false when there is something else, or too much. */
bool glint_head_number(const char *text, uint64_t max, uint64_t *value);
#endif
