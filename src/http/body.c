/* SPDX-License-Identifier: MIT */
#include "http/body.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define FIRST_CAPACITY 4096u /* of a body whose size is not known */

static int body_refuse(struct glint_body *body, int err)
{
	body->all->refused++;
	return err;
}

static int body_grow(struct glint_body *body, size_t capacity)
{
	struct glint_bodies *all = body->all;
	size_t more = capacity - body->capacity;
	char *bytes;

	assert(capacity > body->capacity && all->bytes <= GLINT_BODIES_MAX);

	if (more > GLINT_BODIES_MAX - all->bytes)
		return body_refuse(body, -ENOBUFS);
	bytes = realloc(body->bytes, capacity + 1);
	if (!bytes)
		return body_refuse(body, -ENOMEM);
	all->bytes += more;
	body->bytes = bytes;
	body->bytes[body->size] = '\0';
	body->capacity = capacity;
	return 0;
}

int glint_body_begin(struct glint_body *body, struct glint_bodies *all, size_t max,
		     uint64_t expected)
{
	int err;

	assert(!body->all && max > 0);

	if (expected > max)
		return -EMSGSIZE;
	*body = (struct glint_body){ .all = all, .max = max };
	err = body_grow(body, expected > 0 ? (size_t)expected : MIN(max, FIRST_CAPACITY));
	if (err < 0)
		*body = (struct glint_body){ 0 };
	return err;
}

int glint_body_add(struct glint_body *body, const char *bytes, size_t count)
{
	int err = 0;

	assert(body->bytes && body->size <= body->capacity && body->capacity <= body->max);

	if (count > body->max - body->size)
		return -EMSGSIZE;
	if (count > body->capacity - body->size)
		err = body_grow(body, MIN(MAX(body->capacity * 2, body->size + count), body->max));
	if (err < 0)
		return err;
	memcpy(body->bytes + body->size, bytes, count);
	body->size += count;
	body->bytes[body->size] = '\0';
	return 0;
}

void glint_body_end(struct glint_body *body)
{
	if (body->all) {
		assert(body->all->bytes >= body->capacity);
		body->all->bytes -= body->capacity;
	}
	free(body->bytes);
	*body = (struct glint_body){ 0 };
}
